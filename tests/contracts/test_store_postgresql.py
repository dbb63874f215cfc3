"""The store's contract on PostgreSQL."""

import pytest

from mcoflow.testing.contracts.store import StoreContract


@pytest.mark.postgresql
class TestPostgresqlStore(StoreContract):
    """E-106: the store contract passes on PostgreSQL."""

    @pytest.fixture
    def url(self, postgresql_url: str) -> str:
        return postgresql_url
