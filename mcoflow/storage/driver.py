"""The driver's own connection, for what runs too often to pay for SQLAlchemy's work on every statement."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, exc


@contextmanager
def driver_of(connection: Connection) -> Iterator[Any]:
    """Lend the driver's connection, in whatever transaction it is; its errors come as SQLAlchemy's."""
    dialect, lent = connection.dialect, connection.connection.driver_connection
    errors = dialect.loaded_dbapi.Error
    try:
        yield lent
    except errors as error:
        gone = dialect.is_disconnect(error, connection.connection, None)
        if gone:
            connection.invalidate(error)
            connection.engine.dispose()  # what waits in the pool is of the same age, and as dead
        raise exc.DBAPIError.instance(
            None, None, error, errors, connection_invalidated=gone, dialect=dialect
        ) from error
