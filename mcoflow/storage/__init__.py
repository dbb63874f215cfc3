"""mcoflow.storage."""
