"""Storing a plan that waits for others: what they are now decides what it waits for."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, Select, insert, select, update

from mcoflow.domain.records import PlanDraft
from mcoflow.domain.requests import CommandKind
from mcoflow.domain.schedule import ScheduleRecord
from mcoflow.domain.states import PlanResult, PlanState
from mcoflow.errors import PlanNotFoundError
from mcoflow.storage import schedules
from mcoflow.storage.followers import BREAKS
from mcoflow.storage.later_tables import prerequisites
from mcoflow.storage.many import Bulk
from mcoflow.storage.tables import commands, plans


def add(
    connection: Connection, bulk: Bulk, draft: PlanDraft, schedule: ScheduleRecord, after: Collection[UUID]
) -> bool:
    """Insert a scheduled plan that waits for others; True if it waits for none any more."""
    found = _held(connection, after)
    waited = [(row.id, row.owner) for row in found if row.state != PlanState.STOPPED.value]
    over = [row for row in found if row.state == PlanState.STOPPED.value]
    failed = [row.id for row in over if PlanResult(row.result) in BREAKS]
    schedules.add(connection, bulk, draft, replace(schedule, unmet=len(waited)))
    if failed:
        end = schedules.failed_dependency(draft.plan.id, failed)
        schedules.stop(connection, bulk, [end], draft.plan.created_at)
    elif waited:
        wait_for(connection, draft, waited, lenient=False)
    return not waited and not failed


def wait_for(
    connection: Connection, draft: PlanDraft, waited: Sequence[tuple[UUID, UUID | None]], *, lenient: bool
) -> None:
    """Let the plan wait for others, given with their owners, whose rows are held.

    Who runs one of them has it in memory and does not know of us: a command tells.
    """
    plan = draft.plan
    values = {"plan_id": plan.id, "lenient": lenient, "failed": False}
    connection.execute(insert(prerequisites), [{"after_id": each, **values} for each, _ in waited])
    ids = [each for each, _ in waited]
    connection.execute(update(plans).where(plans.c.id.in_(ids)).values(chained=True))
    told = [each for each, owner in waited if owner is not None]
    if told:
        common = {"kind": CommandKind.CHAIN.value, "at": plan.created_at, "actor": "", "args": "{}"}
        rows = [{"id": uuid4(), "plan_id": each, "code": "", "error": "", **common} for each in told]
        connection.execute(insert(commands), rows)


def _held(connection: Connection, after: Collection[UUID]) -> Sequence[Row[Any]]:
    """Return the plans, held so that none can end meanwhile; PlanNotFoundError."""
    columns = (plans.c.id, plans.c.state, plans.c.result, plans.c.owner)
    wanted = sorted(set(after))
    query: Select[Any] = select(*columns).where(plans.c.id.in_(wanted)).order_by(plans.c.id)
    found = connection.execute(query.with_for_update()).all()
    missing = set(wanted) - {row.id for row in found}
    if missing:
        raise PlanNotFoundError(min(missing))
    return found
