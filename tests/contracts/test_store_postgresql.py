"""The store's contract on PostgreSQL."""

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine

from mcoflow.clock import SystemClock
from mcoflow.storage import open_store
from mcoflow.storage.tables import metadata
from mcoflow.testing.contracts.store import StoreContract
from tests.servers.postgresql import PostgreSQL


@pytest.fixture(scope="module")
def migrated(postgresql: PostgreSQL) -> Iterator[str]:
    """A database that was brought up to date once: to do it for each test takes ten times as long."""
    with postgresql.database() as url:
        open_store(url, SystemClock()).close()
        yield url


@pytest.mark.postgresql
class TestPostgresqlStore(StoreContract):
    """E-106: the store contract passes on PostgreSQL."""

    @pytest.fixture
    def url(self, migrated: str) -> Iterator[str]:
        yield migrated
        engine = create_engine(migrated)
        with engine.begin() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(table.delete())
        engine.dispose()
