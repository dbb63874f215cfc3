"""Counting what is sent to SQLite: each execute, and each executemany, is one statement."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Self


class Count:
    """How many statements there were; transactions are counted apart."""

    def __init__(self) -> None:
        self.statements = 0
        self.transactions = 0

    def add(self, sql: str) -> None:
        """Count one."""
        if sql.startswith(("BEGIN", "COMMIT", "ROLLBACK", "PRAGMA")):
            self.transactions += sql.startswith("COMMIT")
        else:
            self.statements += 1


@contextmanager
def counted() -> Iterator[Count]:
    """Count on all connections to SQLite that are opened inside."""
    count, connect = Count(), sqlite3.dbapi2.connect

    class Cursor(sqlite3.Cursor):
        def execute(self, sql: str, parameters: Any = (), /) -> Self:
            count.add(sql)
            return super().execute(sql, parameters)

        def executemany(self, sql: str, parameters: Iterable[Any], /) -> Self:
            count.add(sql)
            return super().executemany(sql, parameters)

    class Connection(sqlite3.Connection):
        def cursor(self, *_: Any, **__: Any) -> Any:
            return super().cursor(Cursor)

        def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
            return self.cursor().execute(sql, parameters)  # type: ignore[no-any-return]

        def executemany(self, sql: str, parameters: Iterable[Any], /) -> sqlite3.Cursor:
            return self.cursor().executemany(sql, parameters)  # type: ignore[no-any-return]

    sqlite3.dbapi2.connect = lambda *args, **fields: connect(*args, **{"factory": Connection, **fields})
    try:
        yield count
    finally:
        sqlite3.dbapi2.connect = connect
