"""Many rows on PostgreSQL: all statements in one round trip, and each takes its rows as one parameter.

That parameter is a JSON array which the server unfolds itself, for a fifth of the client's CPU that psycopg's
`executemany` takes (1.5 µs a row against 9; arrays for `unnest` take 6 to 10). For a single row it makes no
difference.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, TypeAlias

import psycopg
from sqlalchemy import (
    ColumnElement,
    Connection,
    CursorResult,
    Dialect,
    FromClause,
    Select,
    Text,
    bindparam,
    cast,
    column,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import LargeBinary, TypeEngine

from mcoflow.storage.driver import driver_of
from mcoflow.storage.many import (
    Fields,
    Lookup,
    Many,
    MissedError,
    Row,
    Write,
    compiled,
    rows_to_json,
)

JSON_LIMIT: Final = 64 * 1024 * 1024
"""Characters in one parameter, unless a single row is longer: PostgreSQL unfolds no more than 256 MiB."""

_NUMBER: Final = "SELECT pg_current_xact_id()::text"

_Cursor: TypeAlias = psycopg.Cursor[tuple[Any, ...]]
_Sent: TypeAlias = list[tuple[Write, list[_Cursor]]]


class PostgresqlBulk:
    """Sends without waiting for answers, and looks at them once all are there."""

    def __init__(self, dialect: Dialect, *, limit: int = JSON_LIMIT) -> None:
        self._dialect = dialect
        self._limit = limit
        self._statements: dict[Many, str] = {}
        self._queries: dict[Lookup, Select[Any]] = {}

    def write(self, connection: Connection, writes: Sequence[Write]) -> int:
        sent: _Sent = []
        try:
            with driver_of(connection) as driver:
                number = self._send(driver, writes, sent)
        except DBAPIError:
            _check(sent)  # if rows were missed, that is why another statement was refused
            raise
        _check(sent)
        return number

    def find(self, connection: Connection, lookup: Lookup, rows: Sequence[Row]) -> CursorResult[Any]:
        query = self._queries.get(lookup)
        if query is None:
            query = self._queries[lookup] = lookup.build(
                _unfolded(lookup.fields, bindparam("rows", type_=Text))
            )
        return connection.execute(query, {"rows": rows_to_json(rows)})

    def rows(self, fields: Fields, rows: Sequence[Row]) -> FromClause:
        return _unfolded(fields, bindparam("rows", rows_to_json(rows), Text, unique=True))

    def _send(self, driver: Any, writes: Sequence[Write], sent: _Sent) -> int:
        """Send all, and note in `sent` what is under way."""
        with driver.pipeline() as pipeline:
            try:
                if driver.autocommit:
                    driver.execute("BEGIN")
                for each in filter(_has_rows, writes):
                    cursors: list[_Cursor] = []
                    sent.append((each, cursors))
                    cursors.extend(driver.execute(*part) for part in self._parts(each.many, each.rows))
                number = driver.execute(_NUMBER)
            except psycopg.Error:
                with suppress(psycopg.errors.PipelineAborted):  # said of all that came after the first error
                    pipeline.sync()
                raise
        return int(number.fetchone()[0])

    def _parts(self, many: Many, rows: Sequence[Row]) -> Iterable[tuple[str, Mapping[str, Any]]]:
        """Return the statements, and parameters, that the rows take: mostly one."""
        given = rows_to_json(rows)
        if len(given) > self._limit and len(rows) > 1:
            half = len(rows) // 2
            yield from self._parts(many, rows[:half])
            yield from self._parts(many, rows[half:])
        else:
            yield self._statements.get(many) or self._compile(many), {"rows": given}

    def _compile(self, many: Many) -> str:
        source = _unfolded(many.fields, bindparam("rows", type_=Text))
        built = many.build({name: source.c[name] for name in many.fields})
        made = self._statements[many] = str(compiled(built, self._dialect))
        return made


def _has_rows(write: Write) -> bool:
    return bool(write.rows)


def _check(sent: _Sent) -> None:
    """Raise MissedError for the first exact write that missed; what was not executed counts -1."""
    for write, cursors in sent:
        counts = [each.rowcount for each in cursors]
        if write.exact and -1 not in counts and sum(counts) != len(write.rows):
            raise MissedError(write.many)


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
