"""mcoflow.ports."""
