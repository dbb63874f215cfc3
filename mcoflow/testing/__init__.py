"""mcoflow.testing."""
