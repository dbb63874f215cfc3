"""The store's contract on a SQLite file."""

from pathlib import Path

import pytest

from mcoflow.testing.contracts.store import StoreContract


class TestSqliteStore(StoreContract):
    """E-106: the store contract passes on a SQLite file."""

    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path}/mcoflow.db"
