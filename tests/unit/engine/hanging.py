"""What still hangs on a plan: every row that waits for it, belongs to its life, or would wake somebody."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Table, select

from mcoflow.domain.requests import RequestState
from mcoflow.domain.states import Phase, PlanState, StepState
from mcoflow.storage.later_tables import prerequisites
from mcoflow.storage.store import SqlStore
from mcoflow.storage.tables import metadata, plans

KEPT: Final = frozenset({"blueprints", "actions", "chunks", "dropped_events", "history", "evidence"})
"""Tables that tell what was; a table that is added one day hangs on its plan unless it is named here."""

_LIVE: Final = (StepState.PENDING, StepState.RUNNING, StepState.SUSPENDED, StepState.SKIPPING)
OPEN: Final[Mapping[str, Callable[[Any], bool]]] = {
    "steps": lambda row: row.phase != Phase.PLAN and row.state in _LIVE,
    "requests": lambda row: row.state != RequestState.ENDED or row.body is not None,
    "commands": lambda row: row.result is None,
}
"""Which rows of a table are open, where some are kept."""


def hanging(store: SqlStore, plan_id: UUID) -> dict[str, list[str]]:
    """Return what hangs on a plan, by table. Of the plan itself: its owner, and what it was asked to do."""
    found: dict[str, list[str]] = {}
    with store._database.reading() as connection:
        for table, what in _rows(connection, plan_id):
            found.setdefault(table, []).append(what)
    return found


def _rows(connection: Connection, plan_id: UUID) -> Iterator[tuple[str, str]]:
    for table in metadata.sorted_tables:
        if table.name not in KEPT and "plan_id" in table.columns:
            yield from _of_table(connection, table, plan_id)
    for row in connection.execute(select(plans).where(plans.c.id == plan_id)):
        if row.owner is not None or row.pause_requested:
            yield "plans", f"owned by {row.owner}, pause asked for: {row.pause_requested}"
    for row in connection.execute(select(prerequisites).where(prerequisites.c.after_id == plan_id)):
        yield "followers", str(row.plan_id)
    called = plans.c.caller_plan_id == plan_id, plans.c.state != PlanState.STOPPED
    for row in connection.execute(select(plans).where(*called)):
        yield "sub-plans", f"{row.id} {row.state}"


def _of_table(connection: Connection, table: Table, plan_id: UUID) -> Iterator[tuple[str, str]]:
    is_open = OPEN.get(table.name, lambda _row: True)
    for row in connection.execute(select(table).where(table.c.plan_id == plan_id)):
        if is_open(row):
            yield table.name, str(dict(row._mapping))
