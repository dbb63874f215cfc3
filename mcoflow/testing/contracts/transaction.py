"""What every transaction adapter promises. Give `adapter`, and say how to write in it and what was kept."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from mcoflow.action.transaction import TransactionAdapter


class GivenUpError(BaseException):
    """What passes through a transaction: not an Exception, for user code may end so too."""


class TransactionAdapterContract(ABC):
    """A subclass gives an `adapter` fixture, on a database that is empty for each test."""

    @pytest.fixture
    def adapter(self) -> TransactionAdapter:
        """Return the adapter under test."""
        raise NotImplementedError("give the fixture `adapter`")

    @abstractmethod
    def write(self, adapter: TransactionAdapter, word: str) -> None:
        """Write a word, inside of a transaction, as plan and finalize methods do."""

    @abstractmethod
    def kept(self, adapter: TransactionAdapter) -> Collection[str]:
        """Return the words that are committed, outside of any transaction."""

    def test_what_is_left_well_is_kept(self, adapter: TransactionAdapter) -> None:
        with adapter.transaction():
            self.write(adapter, "one")
            self.write(adapter, "two")

        assert sorted(self.kept(adapter)) == ["one", "two"]

    @pytest.mark.parametrize("error", [ValueError("bad"), GivenUpError()])
    def test_an_exception_rolls_back_and_passes(
        self, adapter: TransactionAdapter, error: BaseException
    ) -> None:
        with pytest.raises(type(error)):
            self._write_and_fail(adapter, error)

        assert list(self.kept(adapter)) == []

    def test_one_transaction_after_the_other_each_by_itself(self, adapter: TransactionAdapter) -> None:
        with adapter.transaction():
            self.write(adapter, "kept")
        with pytest.raises(ValueError, match="bad"):
            self._write_and_fail(adapter, ValueError("bad"))

        assert list(self.kept(adapter)) == ["kept"]

    def test_threads_have_a_transaction_each(self, adapter: TransactionAdapter) -> None:
        """Workers finalize several plans at a time: what one rolls back, the other keeps."""
        both = Barrier(2, timeout=10)

        def work(word: str) -> None:
            both.wait()
            try:
                with adapter.transaction():
                    self.write(adapter, word)
                    if word == "lost":
                        raise GivenUpError
            except GivenUpError:
                return

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(work, ("kept", "lost")))

        assert list(self.kept(adapter)) == ["kept"]

    def _write_and_fail(self, adapter: TransactionAdapter, error: BaseException) -> None:
        with adapter.transaction():
            self.write(adapter, "lost")
            raise error
