"""The `recurrences` table: work that comes back. Every function runs in the caller's transaction."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, and_, bindparam, insert, select, text, update

from mcoflow.domain.records import PlanDraft
from mcoflow.domain.recurrence import RecurrenceRecord, RecurrenceState
from mcoflow.domain.schedule import ScheduleRecord, in_utc
from mcoflow.domain.states import PlanState
from mcoflow.errors import RecurrenceNotFoundError
from mcoflow.storage import chains, schedules
from mcoflow.storage.later_tables import ACTIVE, recurrences
from mcoflow.storage.many import Bulk
from mcoflow.storage.tables import plans
from mcoflow.storage.texts import clean

_DUE: Final = (
    select(recurrences)
    .where(text(ACTIVE), recurrences.c.next_at <= bindparam("at"))
    .order_by(recurrences.c.next_at)
    .limit(bindparam("limit"))
)
_GOING_ON: Final = frozenset(PlanState) - {PlanState.STOPPED, PlanState.PAUSED}
"""A run that was paused may stand there for ever: the next one does not wait for it."""


def add(connection: Connection, record: RecurrenceRecord) -> None:
    """Insert a recurrence."""
    row = asdict(record) | {
        "label": clean(record.label),
        "user": clean(record.user),
        "state": record.state.value,
    }
    connection.execute(insert(recurrences).values(row))


def due(connection: Connection, at: float, limit: int) -> Sequence[RecurrenceRecord]:
    """Return active ones whose time has come."""
    return [_record(row) for row in connection.execute(_DUE, {"at": at, "limit": limit})]


def one(connection: Connection, recurrence_id: UUID) -> RecurrenceRecord:
    """Return one; RecurrenceNotFoundError."""
    row = connection.execute(select(recurrences).where(recurrences.c.id == recurrence_id)).one_or_none()
    if row is None:
        raise RecurrenceNotFoundError(recurrence_id)
    return _record(row)


def some(connection: Connection, states: Collection[RecurrenceState]) -> Sequence[RecurrenceRecord]:
    """Return those in these states, or all, the newest first."""
    query = select(recurrences).order_by(recurrences.c.created_at.desc(), recurrences.c.id)
    if states:
        query = query.where(recurrences.c.state.in_([each.value for each in states]))
    return [_record(row) for row in connection.execute(query)]


def change(connection: Connection, seen: RecurrenceRecord, then: RecurrenceRecord) -> bool:
    """Move a recurrence that is as it was seen; False if it is not."""
    as_seen = and_(
        recurrences.c.id == seen.id,
        recurrences.c.state == seen.state.value,
        recurrences.c.next_at.is_not_distinct_from(seen.next_at),
        recurrences.c.last_plan_id.is_not_distinct_from(seen.last_plan_id),
    )
    changed = (
        update(recurrences)
        .where(as_seen)
        .values(
            state=then.state.value,
            next_at=then.next_at,
            runs=then.runs,
            last_plan_id=then.last_plan_id,
            explanation=clean(then.explanation[:500]),
        )
    )
    return connection.execute(changed).rowcount == 1


def fire(
    connection: Connection,
    bulk: Bulk,
    seen: RecurrenceRecord,
    then: RecurrenceRecord,
    drafts: Sequence[PlanDraft],
) -> bool:
    """Insert the plans and move the recurrence, or neither."""
    before = _going_on(connection, seen.last_plan_id)
    if before is not None and seen.overlap == "skip" and drafts:
        due_at = in_utc(seen.next_at or 0.0)
        why = f"skipped the run of {due_at}: task {seen.last_plan_id}, the one before, was still going on"
        state = RecurrenceState.FINISHED if then.next_at is None else RecurrenceState.ACTIVE
        then = replace(then, state=state, runs=seen.runs, last_plan_id=seen.last_plan_id, explanation=why)
        drafts = ()
    if not change(connection, seen, then):
        return False
    for draft in drafts:
        waits = before is not None and seen.overlap != "allow"
        record = ScheduleRecord(draft.plan.id, draft.plan.created_at, input=seen.input, unmet=int(waits))
        schedules.add(connection, bulk, draft, record)
        if waits and before is not None:
            chains.wait_for(connection, draft, [before], lenient=True)
        before = (draft.plan.id, None)
    return True


def _going_on(connection: Connection, plan_id: UUID | None) -> tuple[UUID, UUID | None] | None:
    """Return a plan with its owner, held, if it has not come to rest."""
    if plan_id is None:
        return None
    row = connection.execute(
        select(plans.c.id, plans.c.owner, plans.c.state).where(plans.c.id == plan_id).with_for_update()
    ).one_or_none()
    return None if row is None or PlanState(row.state) not in _GOING_ON else (row.id, row.owner)


def _record(row: Row[Any]) -> RecurrenceRecord:
    return RecurrenceRecord(**{**row._mapping, "state": RecurrenceState(row.state)})
