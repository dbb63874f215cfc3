"""The `timers` and `events` tables: what suspended steps wait for, and what came for them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    Connection,
    FromClause,
    Select,
    Uuid,
    and_,
    delete,
    insert,
    literal,
    select,
    type_coerce,
)
from sqlalchemy import Row as Stored

from mcoflow.domain.requests import DroppedEvent, EventFate, EventRecord, TimerRecord
from mcoflow.domain.states import PlanState
from mcoflow.errors import EventDroppedError
from mcoflow.storage.many import Bulk, Lookup, Many, Row, Values, fields_of
from mcoflow.storage.tables import commands, dropped_events, events, plans, timers
from mcoflow.storage.texts import clean, hex_rows

_EVENT: Final = tuple(each for each in events.columns if each.name != "number")


def _drop_timer(row: Values) -> Any:
    return delete(timers).where(timers.c.id == row["id"])


def _drop_event(row: Values) -> Any:
    return delete(events).where(events.c.id == row["id"])


INSERT_TIMERS: Final = Many.insert(timers)
DROP_TIMERS: Final = Many(fields_of(timers.c.id), _drop_timer)
INSERT_DROPPED: Final = Many.insert(dropped_events)
INSERT_EVENTS: Final = Many.insert(events, "number")
DROP_EVENTS: Final = Many(fields_of(events.c.id), _drop_event)
_TIMERS: Final = Lookup(
    fields_of(timers.c.plan_id),
    lambda wanted: select(timers).where(timers.c.plan_id.in_(select(wanted))).order_by(timers.c.due_at),
)
_EVENTS: Final = Lookup(
    fields_of(events.c.plan_id),
    lambda wanted: select(*_EVENT).where(events.c.plan_id.in_(select(wanted))).order_by(events.c.number),
)


def _fates(wanted: FromClause) -> Select[Any]:
    """All that is known of each; an event goes from command to event to nothing, and never back."""
    known = wanted.outerjoin(plans, plans.c.id == wanted.c.plan_id)
    for table in (events, commands, dropped_events):
        known = known.outerjoin(table, table.c.id == wanted.c.id)
    return select(
        type_coerce(wanted.c.id, Uuid).label("id"),
        type_coerce(wanted.c.plan_id, Uuid).label("plan_id"),
        plans.c.state,
        events.c.number,
        and_(commands.c.id.is_not(None), commands.c.result.is_(None)).label("unanswered"),
        commands.c.code,
        commands.c.error,
        dropped_events.c.reason,
    ).select_from(known)


_FATES: Final = Lookup(fields_of(events.c.id, events.c.plan_id), _fates)


def new_timer(timer: TimerRecord) -> Row:
    """Return the row of a timer for INSERT_TIMERS."""
    return (timer.id.hex, timer.plan_id.hex, timer.step_id, timer.due_at, timer.kind, clean(timer.value))


def new_event(event: EventRecord) -> Row:
    """Return the row of an event for INSERT_EVENTS."""
    place = (event.id.hex, event.plan_id.hex, event.step_id)
    return (*place, event.at, event.kind, clean(event.value), event.optional)


def new_dropped(event: DroppedEvent) -> Row:
    """Return the row of a dropped event for INSERT_DROPPED."""
    return (event.id.hex, event.plan_id.hex, event.at, clean(event.reason))


def fates(connection: Connection, bulk: Bulk, sent: Mapping[UUID, UUID]) -> Sequence[EventFate]:
    """Return what became of events, given as id → id of the plan."""
    rows = [(event_id.hex, plan_id.hex) for event_id, plan_id in sent.items()]
    return [_fate(row) for row in bulk.find(connection, _FATES, rows)]


def drop_all(connection: Connection, plan_id: UUID, at: float, reason: str) -> None:
    """Note the events of a plan as dropped, before its rows go."""
    asked_for = events.c.plan_id == plan_id, events.c.kind == "user", ~events.c.optional
    left = select(events.c.id, events.c.plan_id, literal(at), literal(clean(reason))).where(*asked_for)
    connection.execute(insert(dropped_events).from_select(["id", "plan_id", "at", "reason"], left))


def _fate(row: Stored[Any]) -> EventFate:
    plan = None if row.state is None else PlanState(row.state)
    fate = EventFate(row.id, row.plan_id, plan)
    if row.code:
        return replace(fate, code=row.code, reason=row.error)
    if row.reason is not None:
        return replace(fate, code=EventDroppedError.__name__, reason=row.reason)
    return replace(fate, waits=row.number is not None or bool(row.unanswered))


def timers_of(connection: Connection, bulk: Bulk, plan_ids: Collection[UUID]) -> Sequence[TimerRecord]:
    """Return the timers of plans, the first due first."""
    return [TimerRecord(**row._mapping) for row in bulk.find(connection, _TIMERS, hex_rows(plan_ids))]


def events_of(connection: Connection, bulk: Bulk, plan_ids: Collection[UUID]) -> Sequence[EventRecord]:
    """Return the events of plans in the order in which they were stored."""
    return [EventRecord(**row._mapping) for row in bulk.find(connection, _EVENTS, hex_rows(plan_ids))]
