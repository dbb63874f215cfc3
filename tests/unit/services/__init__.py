"""tests.unit.services."""
