"""mcoflow.services."""
