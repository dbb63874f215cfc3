"""connectors.amqp."""
