"""The database's clock as an SQL expression: the only one by which leases expire."""

from typing import Any

from sqlalchemy import Double
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class database_now(FunctionElement[float]):  # noqa: N801, it reads as an SQL function
    """Unix time in seconds, of the moment the statement runs and not of the transaction's start."""

    type = Double()
    inherit_cache = True


@compiles(database_now, "sqlite")
def _sqlite(_element: database_now, _compiler: SQLCompiler, **_: Any) -> str:
    """SQLite 3.40 has no unixepoch with fractions; a Julian day is exact to 0.1 ms."""
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(database_now, "postgresql")
def _postgresql(_element: database_now, _compiler: SQLCompiler, **_: Any) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) AS DOUBLE PRECISION)"
