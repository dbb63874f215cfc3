"""mcoflow.domain."""
