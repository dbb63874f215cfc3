"""The private PostgreSQL keeps its promises."""

import psycopg
import pytest

from tests.servers.postgresql import PostgreSQL

pytestmark = pytest.mark.postgresql


def _plain(url: str) -> str:
    return url.replace("+psycopg", "")


def test_every_test_gets_an_empty_database_of_its_own(postgresql: PostgreSQL) -> None:
    first, second = postgresql.create_database(), postgresql.create_database()

    with psycopg.connect(_plain(first)) as connection:
        connection.execute("CREATE TABLE here (id int)")

    with psycopg.connect(_plain(second)) as connection:
        row = connection.execute("SELECT to_regclass('here'), current_setting('fsync')").fetchone()
    assert row == (None, "on")


def test_committed_rows_survive_a_kill(postgresql: PostgreSQL, postgresql_url: str) -> None:
    with psycopg.connect(_plain(postgresql_url)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")

    postgresql.kill()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(_plain(postgresql_url))
    postgresql.start()

    with psycopg.connect(_plain(postgresql_url)) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
