"""mcoflow.action."""
