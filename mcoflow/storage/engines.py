"""Engines for SQLite files and PostgreSQL, set up so that nothing acknowledged is lost."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from mcoflow.errors import ConfigError
from mcoflow.storage.database import Database
from mcoflow.storage.driver import driver_of
from mcoflow.storage.many_sqlite import SqliteBulk

BUSY_TIMEOUT: Final = 10.0
"""Seconds for which a writer waits for another, in this process or a second one; and for what is locked."""

READERS: Final = 8
WRITERS: Final = 8

_PLANNER: Final = "-c enable_hashjoin=off -c enable_mergejoin=off -c enable_seqscan=off -c jit=off"
"""Everything is found by a key or an index. Left to itself, PostgreSQL would plan a scan of the whole table
while the table is new, and keep that plan. Compiling a statement takes longer than any of ours runs."""


def database_url(text: str) -> URL:
    """Parse a URL, naming the driver that we use; ConfigError for what is no database of ours."""
    try:
        url = make_url(text)
    except ArgumentError:
        raise ConfigError("the database URL is malformed: write sqlite:////path or postgresql://…") from None
    if url.drivername in ("postgresql", "postgresql+psycopg"):
        return url.set(drivername="postgresql+psycopg")
    if url.drivername != "sqlite":
        raise ConfigError(f"no database of the kind {url.drivername}: use sqlite or postgresql")
    if not url.database or url.database == ":memory:":
        raise ConfigError("the database URL names no file: write sqlite:////path/to/mcoflow.db")
    return url


def connect(url: URL) -> Database:
    """Make the engines; a missing SQLite file is made, connections are opened when they are first used."""
    name = url.render_as_string(hide_password=True)
    if url.drivername == "sqlite":
        make_private_file(Path(str(url.database)))
        writer, reader = sqlite_engine(url, "BEGIN IMMEDIATE", size=1), _sqlite_reader(url)
        return Database(name, writer, writer, reader, reader, SqliteBulk(writer.dialect))
    from mcoflow.storage.many_postgresql import PostgresqlBulk  # its driver is not loaded for SQLite

    sender = _postgresql_engine(url, WRITERS)
    glancer = _postgresql_engine(url, READERS, "-c default_transaction_read_only=on")
    writer = sender.execution_options(isolation_level="READ COMMITTED")
    reader = glancer.execution_options(isolation_level="REPEATABLE READ")
    return Database(name, writer, sender, reader, glancer, PostgresqlBulk(writer.dialect))


def make_private_file(path: Path) -> None:
    """Make a file, and its directory, that only we may read; what exists is left as it is.

    An existing database is not even opened here: closing it would drop the locks that SQLite holds for
    another store in this process.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def sqlite_engine(url: URL, begin: str, *, size: int, wait: float = BUSY_TIMEOUT) -> Engine:
    """Return an engine of `size` connections at the most, which begins its transactions as told.

    The driver's own transactions are switched off: they would begin late, and not at all before DDL.
    """
    engine = create_engine(
        url,
        connect_args={"timeout": wait, "isolation_level": None, "check_same_thread": False},
        pool_size=size,
        max_overflow=0,
        pool_timeout=wait,
        pool_use_lifo=True,  # the connection used last has its statements ready and its pages at hand
    )
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", beginning(begin))
    return engine


def _sqlite_reader(url: URL) -> Engine:
    engine = sqlite_engine(url, "BEGIN", size=READERS)
    event.listen(engine, "connect", _only_read)
    return engine


def _set_up_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA cache_size=-8000")  # kibibytes a connection; more are in the system's cache


def _only_read(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA query_only=ON")


def beginning(statement: str) -> Callable[[Connection], None]:
    """Return what begins a transaction with a statement of ours instead of the driver's."""

    def begin(connection: Connection) -> None:
        with driver_of(connection) as driver:
            driver.execute(statement)

    return begin


def _postgresql_engine(url: URL, size: int, options: str = "") -> Engine:
    return create_engine(
        url,
        connect_args={
            "application_name": "mcoflow",
            "connect_timeout": int(BUSY_TIMEOUT),
            "tcp_user_timeout": int(BUSY_TIMEOUT * 1000),  # a server whose machine is gone says nothing
            "options": f"{_PLANNER} -c lock_timeout={int(BUSY_TIMEOUT * 1000)} {options}",
        },
        pool_size=size,
        max_overflow=0,
        pool_timeout=BUSY_TIMEOUT,
        pool_use_lifo=True,  # the connection used last has its statements prepared
        isolation_level="AUTOCOMMIT",
    )
