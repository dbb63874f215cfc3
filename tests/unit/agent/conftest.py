"""Fixtures of this room."""

from tests.unit.agent.rough import rough

__all__ = ["rough"]
