"""Many rows on SQLite: `executemany` of a statement that was compiled once, by the driver itself."""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    CursorResult,
    Dialect,
    FromClause,
    Select,
    Text,
    bindparam,
    func,
    literal_column,
    select,
)

from mcoflow.storage.driver import driver_of
from mcoflow.storage.many import Fields, Lookup, Many, MissedError, Row, Write, compiled, rows_to_json


class SqliteBulk:
    """SQLite is in this process: there are no round trips to save, only Python's own work."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._statements: dict[Many, tuple[str, Callable[[Row], Row] | None]] = {}
        self._queries: dict[Lookup, Select[Any]] = {}

    def write(self, connection: Connection, writes: Sequence[Write]) -> None:
        with driver_of(connection) as driver:
            for each in writes:
                if not each.rows:
                    continue
                statement, arranged = self._statements.get(each.many) or self._compile(each.many)
                touched = driver.executemany(statement, map(arranged, each.rows) if arranged else each.rows)
                if each.exact and touched.rowcount != len(each.rows):
                    raise MissedError(each.many)

    def find(self, connection: Connection, lookup: Lookup, rows: Sequence[Row]) -> CursorResult[Any]:
        query = self._queries.get(lookup)
        if query is None:
            query = self._queries[lookup] = lookup.build(
                _unfolded(lookup.fields, bindparam("rows", type_=Text))
            )
        return connection.execute(query, {"rows": rows_to_json(rows)})

    def rows(self, fields: Fields, rows: Sequence[Row]) -> FromClause:
        return _unfolded(fields, bindparam("rows", rows_to_json(rows), Text, unique=True))

    def _compile(self, many: Many) -> tuple[str, Callable[[Row], Row] | None]:
        marks = {name: bindparam(name, type_=kind) for name, kind in many.fields.items()}
        statement, names = compiled(many.build(marks), self._dialect), list(many.fields)
        places = [names.index(name) for name in statement.positiontup or ()]
        in_order = places == list(range(len(names)))
        made = str(statement), None if in_order else _arrangement(places)
        self._statements[many] = made
        return made


def _unfolded(fields: Fields, rows: ColumnElement[Any]) -> FromClause:
    each = func.json_each(rows).table_valued("value")
    picked = (
        func.json_extract(each.c.value, literal_column(f"'$[{place}]'")).label(name)
        for place, name in enumerate(fields)
    )
    return select(*picked).subquery("given")


def _arrangement(places: Sequence[int]) -> Callable[[Row], Row]:
    if len(places) == 1:  # itemgetter of one place returns no tuple
        return lambda row: (row[places[0]],)
    return itemgetter(*places)
