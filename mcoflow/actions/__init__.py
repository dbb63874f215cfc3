"""mcoflow.actions."""
