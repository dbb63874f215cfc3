"""The contract of transaction adapters: one that keeps it, and some that each break one promise of it."""

import sqlite3
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from mcoflow.action import TransactionAdapter
from mcoflow.testing.contracts.transaction import GivenUpError, TransactionAdapterContract


class Words:
    """Keeps words in SQLite, with a connection for each thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.here = threading.local()
        with sqlite3.connect(path) as database:
            database.execute("CREATE TABLE words (word TEXT)")

    def connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=10)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.here.connection = self.connect()
        try:
            with self.here.connection:
                yield
        finally:
            self.here.connection.close()


class Careless(Words):
    """Commits whatever happens."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.here.connection = self.connect()
        try:
            yield
        finally:
            self.here.connection.commit()
            self.here.connection.close()


class Silent(Words):
    """Lets no exception pass."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with suppress(BaseException), super().transaction():
            yield


class Forgetful(Words):
    """Never commits."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.here.connection = self.connect()
        yield
        self.here.connection.close()


class TestWords(TransactionAdapterContract):
    @pytest.fixture
    def adapter(self, tmp_path: Path) -> TransactionAdapter:
        return Words(tmp_path / "words.db")

    def write(self, adapter: Any, word: str) -> None:
        adapter.here.connection.execute("INSERT INTO words VALUES (?)", (word,))

    def kept(self, adapter: Any) -> Collection[str]:
        return [word for (word,) in adapter.connect().execute("SELECT word FROM words")]


@pytest.mark.parametrize("broken", [Careless, Silent, Forgetful])
def test_an_adapter_that_breaks_a_promise_fails_the_suite(tmp_path: Path, broken: type[Words]) -> None:
    """E-114: of transaction adapters."""
    assert fails(broken(tmp_path / "words.db"))


def test_one_that_keeps_all_of_them_passes(tmp_path: Path) -> None:
    assert not fails(Words(tmp_path / "words.db"))


def fails(adapter: Words) -> bool:
    suite = TestWords()
    try:
        suite.test_an_exception_rolls_back_and_passes(adapter, GivenUpError())
        suite.test_one_transaction_after_the_other_each_by_itself(adapter)
    except (Exception, pytest.fail.Exception):  # noqa: BLE001 - the suite has noticed, whatever it is
        return True
    return False
