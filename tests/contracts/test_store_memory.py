"""The store's contract in the memory of a process."""

import pytest

from mcoflow.testing.contracts.store import StoreContract


class TestMemoryStore(StoreContract):
    """E-106: the store contract passes on memory."""

    @pytest.fixture
    def url(self) -> str:
        return "sqlite:///:memory:"
