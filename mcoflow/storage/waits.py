"""The `timers` and `events` tables: what suspended steps wait for, and what came for them."""

from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, delete, select

from mcoflow.domain.requests import EventRecord, TimerRecord
from mcoflow.storage.many import Bulk, Lookup, Many, Row, Values, fields_of
from mcoflow.storage.tables import events, timers
from mcoflow.storage.texts import clean, hex_rows

_EVENT: Final = tuple(each for each in events.columns if each.name != "number")


def _drop_timer(row: Values) -> Any:
    return delete(timers).where(timers.c.id == row["id"])


def _drop_event(row: Values) -> Any:
    return delete(events).where(events.c.id == row["id"])


INSERT_TIMERS: Final = Many.insert(timers)
DROP_TIMERS: Final = Many(fields_of(timers.c.id), _drop_timer)
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


def new_timer(timer: TimerRecord) -> Row:
    """Return the row of a timer for INSERT_TIMERS."""
    return (timer.id.hex, timer.plan_id.hex, timer.step_id, timer.due_at, timer.kind, clean(timer.value))


def new_event(event: EventRecord) -> Row:
    """Return the row of an event for INSERT_EVENTS."""
    place = (event.id.hex, event.plan_id.hex, event.step_id)
    return (*place, event.at, event.kind, clean(event.value), event.optional)


def timers_of(connection: Connection, bulk: Bulk, plan_ids: Collection[UUID]) -> Sequence[TimerRecord]:
    """Return the timers of plans, the first due first."""
    return [TimerRecord(**row._mapping) for row in bulk.find(connection, _TIMERS, hex_rows(plan_ids))]


def events_of(connection: Connection, bulk: Bulk, plan_ids: Collection[UUID]) -> Sequence[EventRecord]:
    """Return the events of plans in the order in which they were stored."""
    return [EventRecord(**row._mapping) for row in bulk.find(connection, _EVENTS, hex_rows(plan_ids))]
