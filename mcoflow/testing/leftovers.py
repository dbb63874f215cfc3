"""What must not be left when all is done: somebody waits for it, or it would wake somebody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from sqlalchemy import Connection, Table, select

from mcoflow.domain.requests import RequestState
from mcoflow.storage.between_tables import bells, locks
from mcoflow.storage.later_tables import prerequisites, schedules
from mcoflow.storage.tables import commands, events, hooks, plans, requests, timers
from mcoflow.testing.world import OneThreadWorld

_WAITING: Final[Mapping[Table, str]] = {
    locks: "lock",
    bells: "bell",
    hooks: "hook",
    schedules: "schedule",
    prerequisites: "prerequisite",
}
"""Tables whose rows mean that a plan waits for something, holds it, or has yet to tell of it."""


def leftovers(world: OneThreadWorld) -> dict[str, list[str]]:
    """Name what a world that has ended leaves behind, by kind: future, lease, timer, outbox …"""
    futures = [f"future of plan {plan_id}" for plan_id in world.awaited()]
    found = {"future": futures + [f"future of event {event_id}" for event_id in world.awaited_events()]}
    with world.store._database.reading() as connection:
        for kind, what in _rows(connection):
            found.setdefault(kind, []).append(what)
    return {kind: names for kind, names in found.items() if names}


def _rows(connection: Connection) -> Iterator[tuple[str, str]]:
    for row in connection.execute(select(plans).where(plans.c.owner.is_not(None))):
        yield "lease", f"lease of plan {row.id} ({row.label}), held by world {row.owner}"
    for row in connection.execute(select(timers)):
        yield "timer", f"timer {row.kind!r} of step {row.step_id} of plan {row.plan_id}"
    for row in connection.execute(select(requests).where(requests.c.state != RequestState.ENDED)):
        yield "outbox", f"request to {row.host}, {row.state}, of step {row.step_id} of plan {row.plan_id}"
    for row in connection.execute(select(events)):
        yield "event", f"event {row.kind!r} for step {row.step_id} of plan {row.plan_id}"
    for table, kind in _WAITING.items():
        for row in connection.execute(select(table)):
            yield kind, f"{kind} of plan {row.plan_id}"
    unanswered = select(commands).where(commands.c.result.is_(None))
    for row in connection.execute(unanswered):
        yield "command", f"command {row.kind!r} to plan {row.plan_id}"
