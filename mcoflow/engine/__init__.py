"""mcoflow.engine."""
