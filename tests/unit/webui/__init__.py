"""tests.unit.webui."""
