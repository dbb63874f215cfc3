"""A database as this room sees it: one way to write, one to read, and errors with our names."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Engine, exc

from mcoflow.errors import McoflowError, StoreError, StoreUnavailableError
from mcoflow.storage.many import Bulk, MissedError

_DEADLOCK: Final = "40P01"
_DISK_FULL: Final = "53100"
"""What PostgreSQL calls them: their SQLSTATE."""


class DeadlockError(StoreUnavailableError):
    """We and another waited for each other, and PostgreSQL ended us: nothing was written, try again."""


class RowExistsError(StoreError):
    """A row with this key exists; for this room alone, which knows what that means."""


@dataclass(frozen=True)
class Database:
    """Engines for writing and for reading, which may be the same server or file, and how to take many rows.

    `name` is the URL without its password, for messages. `sender` and `glancer` have the connections of
    `writer` and `reader`, but leave it to the statements to begin a transaction: a round trip less each.
    `lasting`: the connection is the database, and is kept whatever happens on it.
    """

    name: str
    writer: Engine
    sender: Engine
    reader: Engine
    glancer: Engine
    bulk: Bulk
    lasting: bool = False

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction: committed at the end, rolled back by any exception."""
        with named_errors(self.name), self._using(self.writer) as connection:
            yield connection

    @contextmanager
    def sending(self) -> Iterator[Connection]:
        """As `writing`, for a transaction whose first statement is a `bulk.write`, and the only one."""
        with named_errors(self.name), self._using(self.sender) as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One transaction whose statements all see the same state; it cannot write.

        It is committed, because psycopg forgets all prepared statements when it rolls back.
        """
        with named_errors(self.name), self._using(self.reader) as connection:
            yield connection

    @contextmanager
    def glancing(self) -> Iterator[Connection]:
        """As `reading`, for one statement."""
        with named_errors(self.name), self._using(self.glancer) as connection:
            yield connection

    def close(self) -> None:
        """Close all connections; one that is in use, when it is given back."""
        self.writer.dispose()
        self.reader.dispose()

    @contextmanager
    def _using(self, engine: Engine) -> Iterator[Connection]:
        """One transaction. The connection is not used again after an error that nobody foresaw.

        A query that was broken off half-way ends with its cursor, and the cursor lives as long as somebody
        keeps the error: until then a SQLite file shows every later transaction of this connection what stood
        there before.
        """
        with engine.connect() as connection:
            try:
                with connection.begin():
                    yield connection
            except (McoflowError, MissedError):
                raise
            except BaseException:
                if not self.lasting:
                    connection.invalidate()  # after the rollback: a cursor keeps even a closed one's locks
                raise


@contextmanager
def named_errors(name: str) -> Iterator[None]:
    """Raise StoreUnavailableError for what may pass, StoreError for what the database refuses."""
    try:
        yield
    except exc.OperationalError as error:
        if getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:  # the statement is wrong
            raise StoreError(f"the database {name} refused a statement: {_cause(error)}") from error
        if _is_full(error.orig):
            way_out = f"make room, nothing has to be restarted: {_cause(error)}"
            raise StoreUnavailableError(f"the disk of the database {name} is full, {way_out}") from error
        deadlock = getattr(error.orig, "sqlstate", None) == _DEADLOCK
        kind = DeadlockError if deadlock else StoreUnavailableError
        raise kind(f"the database {name} is away or busy: {_cause(error)}") from error
    except (exc.InterfaceError, exc.InternalError, exc.TimeoutError) as error:
        raise StoreUnavailableError(f"the database {name} is away or busy: {_cause(error)}") from error
    except exc.IntegrityError as error:
        raise RowExistsError(f"the database {name} has such a row already: {_cause(error)}") from error
    except exc.DBAPIError as error:
        if error.connection_invalidated:
            raise StoreUnavailableError(f"the database {name} was cut off: {_cause(error)}") from error
        raise StoreError(f"the database {name} refused a statement: {_cause(error)}") from error


def _is_full(error: object) -> bool:
    code = getattr(error, "sqlite_errorcode", None) or 0
    return code == sqlite3.SQLITE_FULL or getattr(error, "sqlstate", None) == _DISK_FULL


def _cause(error: exc.SQLAlchemyError) -> str:
    """Return the driver's words, without the statement and its parameters."""
    original = getattr(error, "orig", None)
    return " ".join(str(original or error).split())
