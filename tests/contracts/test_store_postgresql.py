"""The store's contract on PostgreSQL."""

import pytest

from mcoflow.clock import SystemClock
from mcoflow.storage import open_store
from mcoflow.testing.contracts.store import StoreContract
from tests.servers.postgresql import PostgreSQL


@pytest.fixture(scope="module")
def migrated(postgresql: PostgreSQL) -> str:
    """The name of a database that was brought up to date once, to be copied for each test."""
    postgresql.start()
    url = postgresql.create_database()
    open_store(url, SystemClock()).close()
    return url.rpartition("/")[2]


@pytest.mark.postgresql
class TestPostgresqlStore(StoreContract):
    """E-106: the store contract passes on PostgreSQL."""

    @pytest.fixture
    def url(self, postgresql: PostgreSQL, migrated: str) -> str:
        return postgresql.create_database(like=migrated)
