"""connectors.kombu."""
