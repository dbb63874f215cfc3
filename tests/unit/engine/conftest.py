"""Fixtures of the engine's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.engine.house import House, open_house
from tests.unit.engine.play import new_play


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A world that runs plans, with hosts that do as they are told."""
    with open_house(tmp_path) as opened:
        opened.another()
        yield opened


@pytest.fixture
def empty_house(tmp_path: Path) -> Iterator[House]:
    """A store, a broker and hosts, but no world yet."""
    with open_house(tmp_path) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _play() -> None:
    """No test sees the scripts of another."""
    new_play()
