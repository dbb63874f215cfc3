"""A database in the memory of this process, gone with its store: for tests, and for worlds of one process.

SQLite gives a database in memory to one connection. Whoever writes or reads waits for it in turn, so that
nobody sees a locked table; there is no second connection that could hold one.
"""

import sqlite3
from functools import cache
from threading import Lock
from typing import Final

from sqlalchemy import Engine, QueuePool, create_engine, event

from mcoflow.storage.database import Database
from mcoflow.storage.engines import BUSY_TIMEOUT, beginning
from mcoflow.storage.many_sqlite import SqliteBulk
from mcoflow.storage.migrate import migrate

IN_MEMORY: Final = "sqlite:///:memory:"
"""The URL of a new, empty database in memory: each store has its own."""

_COPYING: Final = Lock()


def in_memory() -> Database:
    """Return a new database in memory, with the schema of this release."""
    connection = _new_connection()
    with _COPYING:
        _empty_database().backup(connection)
    return _database(connection)


def _new_connection() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)


@cache
def _empty_database() -> sqlite3.Connection:
    """Return what all others are copies of: migrations take longer than most tests."""
    connection = _new_connection()
    database = _database(connection)
    with database.writing() as transaction:
        migrate(transaction)
    return connection


def _database(connection: sqlite3.Connection) -> Database:
    engine = create_engine(
        "sqlite://",
        creator=lambda: connection,
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=0,
        pool_timeout=BUSY_TIMEOUT,
    )
    writer = _way(engine, "PRAGMA query_only=OFF", "BEGIN IMMEDIATE")
    reader = _way(engine, "PRAGMA query_only=ON", "BEGIN")
    return Database(IN_MEMORY, writer, writer, reader, reader, SqliteBulk(engine.dialect), lasting=True)


def _way(engine: Engine, *statements: str) -> Engine:
    """Return the engine as seen by those who begin like this."""
    way = engine.execution_options()
    for statement in statements:
        event.listen(way, "begin", beginning(statement))
    return way
