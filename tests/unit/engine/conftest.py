"""Fixtures of the engine's tests."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcoflow.storage.open import open_store
from tests.unit.engine.clock import ManagedClock
from tests.unit.engine.house import House, open_house
from tests.unit.engine.play import new_play


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that was migrated once, to be copied."""
    path = tmp_path_factory.mktemp("engine") / "empty.db"
    open_store(f"sqlite:///{path}", ManagedClock()).close()
    return path


@pytest.fixture
def empty_house(tmp_path: Path, empty_database: Path) -> Iterator[House]:
    """A store, a broker and hosts, but no world yet."""
    shutil.copy(empty_database, tmp_path / "engine.db")
    with open_house(tmp_path / "engine.db") as opened:
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
