"""mcoflow.wire."""
