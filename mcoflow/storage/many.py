"""Statements for any number of rows, written once in SQLAlchemy Core and run each database's fastest way.

A row is a tuple of what JSON can hold, identifiers as 32 hexadecimal digits.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    CursorResult,
    Dialect,
    Executable,
    FromClause,
    Select,
    Table,
    insert,
    select,
)
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ClauseElement
from sqlalchemy.types import TypeEngine

Row: TypeAlias = tuple[Any, ...]
Fields: TypeAlias = Mapping[str, TypeEngine[Any]]
Values: TypeAlias = Mapping[str, ColumnElement[Any]]

rows_to_json: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False, default=bytes.hex).encode


@dataclass(frozen=True, eq=False)
class Many:
    """A statement over rows of `fields`; `build` makes it of the expressions that stand for the fields."""

    fields: Fields
    build: Callable[[Values], Executable]

    @classmethod
    def insert(cls, table: Table, *left_out: str) -> "Many":
        """Insert rows with all columns of a table, in their order, but those left out."""
        names = [each.name for each in table.columns if each.name not in left_out]
        return cls(
            fields_of(*(table.c[name] for name in names)),
            lambda row: insert(table).from_select(names, select(*row.values())),
        )


@dataclass(frozen=True, eq=False)
class Lookup:
    """A query about given rows of `fields`; `build` makes it of a table that holds them."""

    fields: Fields
    build: Callable[[FromClause], Select[Any]]


@dataclass(frozen=True, slots=True)
class Write:
    """Rows for a statement. `exact`: each of them has to meet one row of the database."""

    many: Many
    rows: Sequence[Row]
    exact: bool = False


class MissedError(Exception):
    """The rows of an exact write did not meet as many of the database; the caller rolls back."""

    def __init__(self, many: Many) -> None:
        super().__init__("rows of the database were not as they were last seen")
        self.many = many


class Bulk(Protocol):
    """How one database takes many rows at once."""

    def write(self, connection: Connection, writes: Sequence[Write]) -> int | None:
        """Execute all in their order.

        Returns the number of the transaction, where its commit could be left without an answer.
        MissedError names the first exact write that missed.
        """

    def find(self, connection: Connection, lookup: Lookup, rows: Sequence[Row]) -> CursorResult[Any]:
        """Ask about rows."""

    def rows(self, fields: Fields, rows: Sequence[Row]) -> FromClause:
        """Return given rows as a table, for a statement that is made anew each time."""


def fields_of(*columns: Column[Any], **more: Column[Any]) -> Fields:
    """Return fields named and typed as columns are; `more` are named by their keyword."""
    return {each.name: each.type for each in columns} | {name: each.type for name, each in more.items()}


def compiled(statement: Executable, dialect: Dialect) -> SQLCompiler:
    """Compile a statement."""
    assert isinstance(statement, ClauseElement)
    made = statement.compile(dialect=dialect)
    assert isinstance(made, SQLCompiler)
    return made
