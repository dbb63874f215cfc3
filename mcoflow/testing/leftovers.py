"""What must not be left when all is done: somebody waits for it, or it would wake somebody."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, Table, select

from mcoflow.domain.requests import RequestState
from mcoflow.storage.tables import events, metadata, plans, requests, timers
from mcoflow.testing.world import OneThreadWorld

LOCKS = "locks"


def leftovers(world: OneThreadWorld) -> dict[str, list[str]]:
    """Name what a world that has ended leaves behind, by kind: future, lease, lock, timer, outbox, event."""
    found = {"future": [f"future of plan {plan_id}" for plan_id in world.awaited()]}
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
    locks: Table | None = metadata.tables.get(LOCKS)
    if locks is not None:
        for row in connection.execute(select(locks)):
            yield "lock", f"lock {row.name!r} of plan {row.plan_id}"
