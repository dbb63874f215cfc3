"""Fixtures of the engine's tests."""

from collections.abc import Iterator

import pytest

from tests.unit.engine.house import House, open_house
from tests.unit.engine.play import new_play


@pytest.fixture
def empty_house() -> Iterator[House]:
    """A store, a broker and hosts, but no world yet."""
    with open_house() as opened:
        yield opened


@pytest.fixture
def house(empty_house: House) -> House:
    """A world that runs plans, with hosts that do as they are told."""
    empty_house.another()
    return empty_house


@pytest.fixture(autouse=True)
def _play() -> None:
    """No test sees the scripts of another."""
    new_play()
