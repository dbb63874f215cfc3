"""Fixtures that every room of the tests may ask for."""

from collections.abc import Iterator

import pytest

from tests.servers.need import need
from tests.servers.postgresql import PostgreSQL, postgresql_binaries
from tests.servers.rabbitmq import rabbitmq, rabbitmq_url

__all__ = ["postgresql", "postgresql_url", "rabbitmq", "rabbitmq_url"]


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A private PostgreSQL server, started once in the session."""
    binaries = postgresql_binaries()
    need(binaries, "PostgreSQL (Debian package postgresql)")
    assert binaries is not None
    with PostgreSQL(binaries) as server:
        yield server


@pytest.fixture
def postgresql_url(postgresql: PostgreSQL) -> str:
    """The SQLAlchemy URL of an empty database, made for this test alone."""
    postgresql.start()
    return postgresql.create_database()
