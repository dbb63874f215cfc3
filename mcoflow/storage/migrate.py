"""Bringing a database to the schema of this release: under a lock, in one transaction, never backwards.

Alembic is loaded only where something is to be changed: it would take a fifth of the time of a command that
looks at a task.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event
from typing import Final

from sqlalchemy import URL, Connection, create_engine, inspect

from mcoflow.clock import Clock, SystemClock
from mcoflow.errors import SchemaTooNewError, SchemaTooOldError, StoreError, StoreUnavailableError
from mcoflow.faults import faultpoint
from mcoflow.storage.database import named_errors
from mcoflow.storage.engines import database_url, make_private_file, sqlite_engine

PATIENCE: Final = 60.0
"""Seconds for which one migration waits for another."""

_HOME: Final = Path(__file__).parent / "migrations"
_VERSIONS: Final = "alembic_version"
_LOCK: Final = 6_027_411_900_342
"""Chosen by chance: the advisory lock of all mcoflow migrations in one PostgreSQL database."""


def upgrade(url: str, clock: Clock | None = None) -> str:
    """Bring the database to this release's schema and return its revision; make the file if there is none.

    Raises:
        SchemaTooNewError: a newer release wrote it; nothing was touched.
        StoreUnavailableError: it is away, or another migration took longer than 60 s.
    """
    parsed = database_url(url)
    check_not_newer(parsed)
    if parsed.drivername == "sqlite":
        _use_write_ahead_log(parsed, clock or SystemClock())
    with _exclusively(parsed) as connection:
        _refuse_newer(connection, parsed)
        migrate(connection)
        faultpoint("migration")
    return newest()


def current(url: str) -> str | None:
    """Return the revision of the database, None when it is empty or there is none."""
    parsed = database_url(url)
    if parsed.drivername == "sqlite" and not Path(str(parsed.database)).exists():
        return None
    with _connected(parsed, "BEGIN") as connection:
        return _revision(connection)


def check(url: str) -> None:
    """Raise SchemaTooNewError or SchemaTooOldError unless the database fits this release."""
    parsed = database_url(url)
    check_not_newer(parsed)
    found = current(url)
    if found != newest():
        raise SchemaTooOldError(
            f"the database {_shown(parsed)} is at schema {found or 'none'}, this release needs {newest()}: "
            "run `mcoflow db upgrade`"
        )


def newest() -> str:
    """Return the revision that this release needs."""
    return known()[-1]


def known() -> list[str]:
    """Return the revisions that this release knows, in order: what the names of the files begin with."""
    return sorted(path.name[:4] for path in (_HOME / "versions").glob("[0-9][0-9][0-9][0-9]_*.py"))


def check_not_newer(url: URL) -> None:
    """Raise SchemaTooNewError if a newer release wrote the database; do not even make the file."""
    if url.drivername == "sqlite" and not Path(str(url.database)).exists():
        return
    with _connected(url, "BEGIN") as connection:
        _refuse_newer(connection, url)


def _refuse_newer(connection: Connection, url: URL) -> None:
    found = _revision(connection)
    if found is not None and found not in known():
        raise SchemaTooNewError(
            f"the database {_shown(url)} has the schema {found} of a newer release, this one knows up to "
            f"{newest()}: upgrade mcoflow; nothing was touched"
        )


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_VERSIONS):
        return None
    found: str | None = connection.exec_driver_sql(f"SELECT version_num FROM {_VERSIONS}").scalar()  # noqa: S608
    return found


def migrate(connection: Connection) -> None:
    """Run what is missing, in the transaction that the connection is in."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_HOME).replace("%", "%%"))  # % would be interpolated
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


@contextmanager
def _exclusively(url: URL) -> Iterator[Connection]:
    """One transaction that no other migration runs beside."""
    with _connected(url, "BEGIN IMMEDIATE") as connection:
        if url.drivername != "sqlite":
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{PATIENCE:.0f}s'")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        yield connection


@contextmanager
def _connected(url: URL, begin: str) -> Iterator[Connection]:
    sqlite = url.drivername == "sqlite"
    engine = sqlite_engine(url, begin, size=1, wait=PATIENCE) if sqlite else create_engine(url)
    try:
        with named_errors(_shown(url)), engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def _use_write_ahead_log(url: URL, clock: Clock) -> None:
    """Switch the file to WAL, which it remembers; SQLite does not wait by itself while others use it."""
    path = Path(str(url.database))
    make_private_file(path)
    end, pause = clock.monotonic() + PATIENCE, Event()
    with closing(sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)) as connection:
        while not _switched(connection):
            if clock.monotonic() > end:
                raise StoreUnavailableError(f"the database {_shown(url)} stays locked by another process")
            pause.wait(0.02)


def _switched(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("PRAGMA journal_mode=WAL")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            return False
        raise StoreUnavailableError(f"the database file cannot be used: {error}") from error
    except sqlite3.DatabaseError as error:
        raise StoreError(f"the database file is none: {error}") from error
    return True


def _shown(url: URL) -> str:
    return url.render_as_string(hide_password=True)
