"""Many rows in one statement: what each database makes of it."""

import pytest
from sqlalchemy import create_engine, select

from mcoflow.storage import migrate
from mcoflow.storage.engines import database_url
from mcoflow.storage.many import Many, Write, fields_of
from mcoflow.storage.many_postgresql import PostgresqlBulk
from mcoflow.storage.many_sqlite import SqliteBulk
from mcoflow.storage.requests import CONFIRM_REQUESTS
from mcoflow.storage.steps import UPDATE_STEPS
from mcoflow.storage.tables import timers


@pytest.mark.postgresql
def test_rows_that_are_too_long_together_go_in_parts(postgresql_url: str) -> None:
    migrate.upgrade(postgresql_url)
    engine = create_engine(database_url(postgresql_url))
    bulk, insert_timers = PostgresqlBulk(engine.dialect, limit=500), Many.insert(timers)
    rows = [(f"{n:032x}", "0" * 32, n, n / 10, "limit", "x" * (1_000 if n == 7 else n)) for n in range(50)]

    with engine.begin() as connection:
        bulk.write(connection, [Write(insert_timers, rows, exact=True)])
        found = connection.execute(select(timers).order_by(timers.c.step_id)).all()
    engine.dispose()

    assert [(row.id.hex, row.plan_id.hex, *row[2:]) for row in found] == rows


@pytest.mark.parametrize("many", [UPDATE_STEPS, CONFIRM_REQUESTS, Many.insert(timers)])
def test_no_rows_are_no_statement(many: Many) -> None:
    without_tables = create_engine("sqlite://")
    with without_tables.begin() as connection:
        SqliteBulk(without_tables.dialect).write(connection, [Write(many, [], exact=True)])
    without_tables.dispose()


def test_fields_may_be_named_otherwise_than_their_columns() -> None:
    fields = fields_of(timers.c.id, seen=timers.c.kind)

    assert list(fields) == ["id", "seen"]
    assert fields["seen"] is timers.c.kind.type
