"""The `schedules` table: plans that are stored and not yet planned. Every function runs in the caller's
transaction."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    bindparam,
    exists,
    func,
    insert,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy import Row as Stored

from mcoflow.domain.records import HistoryRecord, PlanDraft
from mcoflow.domain.schedule import Due, DuePlan, ScheduleRecord
from mcoflow.domain.states import PlanResult, PlanState
from mcoflow.errors import CommandRefusedError, PlanNotFoundError
from mcoflow.storage import followers, hooks, queues, worlds
from mcoflow.storage.clock import database_now
from mcoflow.storage.later_tables import ACTIVE, prerequisites, recurrences, schedules
from mcoflow.storage.many import Bulk, Lookup, Write, fields_of
from mcoflow.storage.notes import INSERT_HISTORY, new_history
from mcoflow.storage.plans import (
    INSERT_BLUEPRINTS,
    INSERT_PLANS,
    SELECT_PLANS,
    new_blueprint,
    new_plan,
    plan_of,
)
from mcoflow.storage.tables import plans
from mcoflow.storage.tables import worlds as world_rows
from mcoflow.storage.texts import clean, hex_rows

_ONE: Final[ColumnElement[int]] = literal_column("1")
_LIVING: Final = select(world_rows.c.id).where(world_rows.c.expires_at > database_now())
_AT: Final[BindParameter[float]] = bindparam("at")
_LOOK: Final = select(
    exists(select(schedules.c.plan_id).where(schedules.c.due_at <= _AT)).label("plans"),
    exists(
        select(schedules.c.plan_id).where(
            schedules.c.planner.is_not(None), schedules.c.planner.not_in(_LIVING)
        )
    ).label("orphans"),
    exists(select(recurrences.c.id).where(text(ACTIVE), recurrences.c.next_at <= _AT)).label("recurrences"),
)
_DUE: Final = (
    select(schedules, plans.c.state)
    .join(plans, plans.c.id == schedules.c.plan_id)
    .where(
        schedules.c.due_at <= _AT,
        plans.c.state.in_([PlanState.SCHEDULED.value, PlanState.STOPPED.value]),
        plans.c.owner.is_(None) | plans.c.owner.not_in(_LIVING),
    )
    .order_by(schedules.c.due_at)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_SCHEDULES: Final = Lookup(
    fields_of(schedules.c.plan_id),
    lambda wanted: select(schedules).where(schedules.c.plan_id.in_(select(wanted))),
)
_CLAIMED: Final = Lookup(
    fields_of(plans.c.id),
    lambda wanted: (
        SELECT_PLANS.add_columns(schedules.c.input)
        .join(schedules, schedules.c.plan_id == plans.c.id)
        .where(plans.c.id.in_(select(wanted)))
        .order_by(schedules.c.start_at, plans.c.created_at, plans.c.id)
    ),
)


@dataclass(frozen=True, slots=True)
class End:
    """How a plan ends that was never planned; `name` and `detail` go into its history."""

    plan_id: UUID
    result: PlanResult
    name: str
    detail: str
    actor: str = ""


# -- making ----------------------------------------------------------------------------------------------


def add(connection: Connection, bulk: Bulk, draft: PlanDraft, schedule: ScheduleRecord) -> None:
    """Insert a scheduled plan."""
    lines = [new_history(line) for line in draft.history]
    writes = [
        Write(INSERT_PLANS, [new_plan(draft.plan)]),
        Write(INSERT_BLUEPRINTS, [new_blueprint(draft.plan, draft.graph)]),
        Write(INSERT_HISTORY, lines),
        Write(hooks.INSERT_HOOKS, [hooks.new_hook(each) for each in draft.hooks]),
    ]
    bulk.write(connection, writes)
    connection.execute(
        insert(schedules).values(
            plan_id=schedule.plan_id,
            start_at=schedule.start_at,
            start_before=schedule.start_before,
            frozen=schedule.frozen,
            unmet=schedule.unmet,
            broken=False,
            due_at=_first_due(schedule),
            input=clean(schedule.input),
        )
    )


def _first_due(schedule: ScheduleRecord) -> float | None:
    """As followers.due_at reckons it in SQL."""
    if schedule.frozen or schedule.unmet:
        return schedule.start_before
    return schedule.start_at or 0.0


# -- planning --------------------------------------------------------------------------------------------


def look(connection: Connection, at: float) -> Due:
    """Say what there is to do."""
    row = connection.execute(_LOOK, {"at": at}).one()
    return Due(bool(row.plans), bool(row.orphans), bool(row.recurrences))


def next_due(connection: Connection) -> float | None:
    """Return the first time of them all."""
    recurring = select(func.min(recurrences.c.next_at)).where(text(ACTIVE))
    firsts = connection.scalar(select(func.min(schedules.c.due_at))), connection.scalar(recurring)
    return min((first for first in firsts if first is not None), default=None)


def claim(connection: Connection, bulk: Bulk, world_id: UUID, at: float, limit: int) -> Sequence[DuePlan]:
    """Let a living world be the planner of what is due; stop what must not start any more."""
    if world_id not in worlds.living(connection):
        return ()
    rows = connection.execute(_DUE, {"at": at, "limit": limit}).all()
    found = [row for row in rows if row.state == PlanState.SCHEDULED.value]
    _forget(connection, bulk, [row.plan_id for row in rows if row not in found])
    over = [row for row in found if row.broken or (row.start_before is not None and row.start_before <= at)]
    stop(connection, bulk, [_end_of(connection, row) for row in over], at)
    taken = hex_rows(row.plan_id for row in found if row not in over)
    if not taken:
        return ()
    chosen = select(bulk.rows(fields_of(plans.c.id), taken))
    planning = {"state": PlanState.PLANNING.value, "owner": world_id, **_next_epoch()}
    connection.execute(update(plans).where(plans.c.id.in_(chosen)).values(**planning))
    connection.execute(
        update(schedules).where(schedules.c.plan_id.in_(chosen)).values(planner=world_id, due_at=None)
    )
    return [DuePlan(plan_of(row), row.input) for row in bulk.find(connection, _CLAIMED, taken)]


def _forget(connection: Connection, bulk: Bulk, plan_ids: Collection[UUID]) -> None:
    """Drop what plans waited for that were stopped by somebody who knew nothing of it."""
    gone = hex_rows(plan_ids)
    bulk.write(connection, [Write(followers.DROP_SCHEDULES, gone), Write(followers.DROP_PREREQUISITES, gone)])


def reschedule(
    connection: Connection, bulk: Bulk, at: float, world_id: UUID | None, keep: Collection[UUID]
) -> int:
    """Schedule again what dead worlds were planning, or `world_id` but for `keep`."""
    theirs = (
        (schedules.c.planner.not_in(_LIVING),)
        if world_id is None
        else (schedules.c.planner == world_id, schedules.c.plan_id.not_in(keep))
    )
    query = select(schedules.c.plan_id).where(schedules.c.planner.is_not(None), *theirs)
    ids = connection.scalars(query.with_for_update(skip_locked=True)).all()
    if not ids:
        return 0
    chosen = select(bulk.rows(fields_of(plans.c.id), hex_rows(ids)))
    back = connection.scalars(
        update(plans)
        .where(plans.c.id.in_(chosen), plans.c.state == PlanState.PLANNING.value)
        .values(state=PlanState.SCHEDULED.value, owner=None, **_next_epoch())
        .returning(plans.c.id)
    ).all()
    connection.execute(
        update(schedules)
        .where(schedules.c.plan_id.in_(chosen))
        .values(planner=None, due_at=followers.due_at(schedules.c.unmet))
    )
    detail = "its planner died: scheduled again"
    lines = [new_history(HistoryRecord(plan_id, at, "delay", detail=detail)) for plan_id in back]
    bulk.write(connection, [Write(INSERT_HISTORY, lines)])
    return len(ids)


# -- people ----------------------------------------------------------------------------------------------


def freeze(connection: Connection, plan_id: UUID) -> None:
    """Let a scheduled plan not start."""
    lock_scheduled(connection, plan_id, "a freeze")
    _set(connection, plan_id, {"frozen": True})


def unfreeze(connection: Connection, plan_id: UUID, start_at: float | None) -> None:
    """Let a frozen plan start, at `start_at` if that is given."""
    lock_scheduled(connection, plan_id, "an unfreeze")
    _set(connection, plan_id, {"frozen": False} | ({} if start_at is None else {"start_at": start_at}))


def lock_scheduled(connection: Connection, plan_id: UUID, command: str) -> None:
    """Hold a scheduled plan. PlanNotFoundError, CommandRefusedError."""
    touched = (
        update(plans)
        .where(plans.c.id == plan_id, plans.c.state == PlanState.SCHEDULED.value)
        .values(version=plans.c.version + _ONE)
    )
    if connection.execute(touched).rowcount == 1:
        return
    state = connection.scalar(select(plans.c.state).where(plans.c.id == plan_id))
    if state is None:
        raise PlanNotFoundError(plan_id)
    raise CommandRefusedError.by_state(command, plan_id, state, ())


def note(connection: Connection, bulk: Bulk, line: HistoryRecord) -> None:
    """Add a line to the history of a plan."""
    bulk.write(connection, [Write(INSERT_HISTORY, [new_history(line)])])


def _set(connection: Connection, plan_id: UUID, values: dict[str, Any]) -> None:
    """Change a schedule, then what follows from it: SQL reckons with a row as it was."""
    its = schedules.c.plan_id == plan_id
    connection.execute(update(schedules).where(its).values(**values))
    connection.execute(update(schedules).where(its).values(due_at=followers.due_at(schedules.c.unmet)))


# -- ending ----------------------------------------------------------------------------------------------


def cancel(connection: Connection, bulk: Bulk, end: End, at: float) -> bool:
    """Stop a scheduled plan; False if it is not scheduled any more."""
    held = update(plans).where(plans.c.id == end.plan_id, plans.c.state == PlanState.SCHEDULED.value)
    if connection.execute(held.values(cancel_requested=True)).rowcount != 1:
        return False
    note(connection, bulk, HistoryRecord(end.plan_id, at, "cancel", actor=end.actor))
    stop(connection, bulk, [end], at)
    return True


def stop(connection: Connection, bulk: Bulk, ends: Iterable[End], at: float) -> None:
    """Stop plans whose rows are held, with their schedules; tell those that wait for them."""
    for end in ends:
        stopped = (
            update(plans)
            .where(plans.c.id == end.plan_id)
            .values(
                state=PlanState.STOPPED.value,
                result=end.result.value,
                explanation=clean(end.detail[:500]),
                started_at=func.coalesce(plans.c.started_at, at),
                ended_at=at,
                owner=None,
                **_next_epoch(),
            )
        )
        connection.execute(stopped)
        queues.leave(connection, end.plan_id)
        hooks.tell(connection, end.plan_id)
        gone = hex_rows([end.plan_id])
        line = HistoryRecord(end.plan_id, at, end.name, actor=end.actor, detail=end.detail)
        writes = [
            Write(followers.DROP_SCHEDULES, gone),
            Write(followers.DROP_PREREQUISITES, gone),
            Write(INSERT_HISTORY, [new_history(line)]),
            *followers.of_rest(end.plan_id, PlanState.STOPPED, end.result),
        ]
        bulk.write(connection, writes)


def _end_of(connection: Connection, row: Stored[Any]) -> End:
    if not row.broken:
        return End(row.plan_id, PlanResult.ERROR, "timeout", "it could not start before its time was over")
    failed = connection.scalars(
        select(prerequisites.c.after_id)
        .where(prerequisites.c.plan_id == row.plan_id, prerequisites.c.failed)
        .order_by(prerequisites.c.after_id)
    )
    return failed_dependency(row.plan_id, failed.all())


def failed_dependency(plan_id: UUID, failed: Collection[UUID]) -> End:
    """How a plan ends that waits for plans which ended in error, or were cancelled."""
    names = ", ".join(map(str, failed))
    return End(plan_id, PlanResult.ERROR, "failed-dependency", f"waited for what did not succeed: {names}")


def _next_epoch() -> dict[str, Any]:
    return {"epoch": plans.c.epoch + _ONE, "version": plans.c.version + _ONE}


# -- reading ---------------------------------------------------------------------------------------------


def schedules_of(connection: Connection, bulk: Bulk, plan_ids: Collection[UUID]) -> Sequence[ScheduleRecord]:
    """Return the schedules of those of these plans that have one."""
    found = bulk.find(connection, _SCHEDULES, hex_rows(plan_ids))
    return [
        ScheduleRecord(row.plan_id, row.start_at, row.start_before, row.frozen, row.unmet, row.input)
        for row in found
    ]


def prerequisites_of(connection: Connection, plan_id: UUID) -> Sequence[UUID]:
    """Return the plans that a scheduled plan waits for."""
    query = select(prerequisites.c.after_id).where(prerequisites.c.plan_id == plan_id)
    return connection.scalars(query.order_by(prerequisites.c.after_id)).all()
