"""Statements for any number of rows, written once in SQLAlchemy Core and run each database's fastest way.

SQLite gets an `executemany` of the compiled statement. PostgreSQL gets all rows as one JSON parameter, which
it unfolds itself: one round trip, and a fifth of the client's CPU that psycopg's `executemany` takes
(1.5 µs a row against 9; arrays for `unnest` take 6 to 10).

A row is a tuple of what JSON can hold, identifiers as 32 hexadecimal digits.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final, Protocol, TypeAlias

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Dialect,
    Executable,
    FromClause,
    Table,
    Text,
    bindparam,
    cast,
    column,
    func,
    insert,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ClauseElement
from sqlalchemy.types import LargeBinary, TypeEngine

Row: TypeAlias = tuple[Any, ...]
Fields: TypeAlias = Mapping[str, TypeEngine[Any]]
Values: TypeAlias = Mapping[str, ColumnElement[Any]]

JSON_LIMIT: Final = 64 * 1024 * 1024
"""Characters in one parameter, unless a single row is longer: PostgreSQL unfolds no more than 256 MiB."""

_to_json: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False, default=bytes.hex).encode


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


def fields_of(*columns: Column[Any], **more: Column[Any]) -> Fields:
    """Return fields named and typed as columns are; `more` are named by their keyword."""
    return {each.name: each.type for each in columns} | {name: each.type for name, each in more.items()}


class Bulk(Protocol):
    """How one database takes many rows at once."""

    def run(self, connection: Connection, many: Many, rows: Sequence[Row]) -> int:
        """Execute for all rows; return how many rows of the database it touched."""

    def rows(self, fields: Fields, rows: Sequence[Row]) -> FromClause:
        """Return given rows as a table to select from or to join."""


class SqliteBulk:
    """`executemany` with the statement compiled once."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._compiled: dict[Many, tuple[str, Callable[[Row], Row] | None]] = {}

    def run(self, connection: Connection, many: Many, rows: Sequence[Row]) -> int:
        if not rows:
            return 0
        statement, arranged = self._compiled.get(many) or self._compile(many)
        parameters = list(map(arranged, rows)) if arranged else list(rows)
        return connection.exec_driver_sql(statement, parameters).rowcount

    def rows(self, fields: Fields, rows: Sequence[Row]) -> FromClause:
        each = func.json_each(bindparam("rows", _to_json(rows), Text, unique=True)).table_valued("value")
        picked = (
            func.json_extract(each.c.value, literal_column(f"'$[{place}]'")).label(name)
            for place, name in enumerate(fields)
        )
        return select(*picked).subquery()

    def _compile(self, many: Many) -> tuple[str, Callable[[Row], Row] | None]:
        marks = {name: bindparam(name, type_=kind) for name, kind in many.fields.items()}
        compiled = _compiled(many.build(marks), self._dialect)
        names = list(many.fields)
        places = [names.index(name) for name in compiled.positiontup or ()]
        in_order = places == list(range(len(names)))
        made = str(compiled), None if in_order else _arrangement(places)
        self._compiled[many] = made
        return made


class PostgresqlBulk:
    """All rows as one JSON array of arrays, unfolded by the server."""

    def __init__(self, dialect: Dialect, *, limit: int = JSON_LIMIT) -> None:
        self._dialect = dialect
        self._limit = limit
        self._compiled: dict[Many, str] = {}

    def run(self, connection: Connection, many: Many, rows: Sequence[Row]) -> int:
        if not rows:
            return 0
        given = _to_json(rows)
        if len(given) > self._limit and len(rows) > 1:
            half = len(rows) // 2
            return self.run(connection, many, rows[:half]) + self.run(connection, many, rows[half:])
        statement = self._compiled.get(many) or self._compile(many)
        return connection.exec_driver_sql(statement, {"rows": given}).rowcount

    def rows(self, fields: Fields, rows: Sequence[Row]) -> FromClause:
        return _unfolded(fields, bindparam("rows", _to_json(rows), Text, unique=True))

    def _compile(self, many: Many) -> str:
        source = _unfolded(many.fields, bindparam("rows", type_=Text))
        built = many.build({name: source.c[name] for name in many.fields})
        made = str(_compiled(built, self._dialect))
        self._compiled[many] = made
        return made


def _unfolded(fields: Fields, rows: ColumnElement[Any]) -> FromClause:
    array = func.jsonb_array_elements(cast(rows, JSONB))
    item = array.table_valued(column("value", JSONB), name="item").render_derived()
    picked = [
        _picked(item.c.value, place, kind).label(name) for place, (name, kind) in enumerate(fields.items())
    ]
    return select(*picked).subquery("given")


def _picked(row: ColumnElement[Any], place: int, kind: TypeEngine[Any]) -> ColumnElement[Any]:
    """Return one field of a row; bytes travel as hexadecimal digits."""
    found = row.op("->>")(literal_column(str(place)))
    if isinstance(kind, LargeBinary):
        return func.decode(found, literal_column("'hex'"), type_=kind)
    return cast(found, kind)


def _arrangement(places: Sequence[int]) -> Callable[[Row], Row]:
    if len(places) == 1:  # itemgetter of one place returns no tuple
        return lambda row: (row[places[0]],)
    return itemgetter(*places)


def _compiled(statement: Executable, dialect: Dialect) -> SQLCompiler:
    assert isinstance(statement, ClauseElement)
    compiled = statement.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)
    return compiled
