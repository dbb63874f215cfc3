"""tests.unit.webui.api."""
