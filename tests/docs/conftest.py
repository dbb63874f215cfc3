"""A whole engine for the pages that tell of actions."""

from tests.unit.engine.conftest import empty_house, house

__all__ = ["empty_house", "house"]
