"""The `worlds` table: which processes take part, and until when each counts as alive."""

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, delete, insert, select, update

from mcoflow.domain.requests import WorldRecord
from mcoflow.storage.clock import database_now
from mcoflow.storage.tables import worlds
from mcoflow.storage.texts import from_json, to_json

_LIVING: Final = select(worlds.c.id).where(worlds.c.expires_at > database_now())
_DEAD: Final = select(worlds.c.id).where(worlds.c.expires_at <= database_now())


def living(connection: Connection) -> Collection[UUID]:
    """Return the worlds that live."""
    return connection.scalars(_LIVING).all()


def dead(connection: Connection) -> Collection[UUID]:
    """Return the worlds whose lease has run out; there is seldom one."""
    return connection.scalars(_DEAD).all()


def register(connection: Connection, world: WorldRecord, lease: float) -> None:
    """Insert the row of a world; once more, if the first answer was lost."""
    forget(connection, world.id)
    connection.execute(
        insert(worlds).values(
            id=world.id,
            kind=world.kind,
            token=world.token,
            meta=to_json(world.meta),
            started_at=database_now(),
            seen_at=database_now(),
            expires_at=database_now() + lease,
        )
    )


def prolong(connection: Connection, world_id: UUID, lease: float) -> bool:
    """Let a living world live on; False if it is none."""
    alive = worlds.c.id == world_id, worlds.c.expires_at > database_now()
    changed = update(worlds).where(*alive).values(seen_at=database_now(), expires_at=database_now() + lease)
    return connection.execute(changed).rowcount == 1


def expire(connection: Connection, world_id: UUID) -> None:
    """Let a world be dead from now on."""
    connection.execute(update(worlds).where(worlds.c.id == world_id).values(expires_at=0.0))


def invalidate(connection: Connection, world_id: UUID) -> bool:
    """Let a living world be dead from now on; False if it is none."""
    alive = worlds.c.id == world_id, worlds.c.expires_at > database_now()
    return connection.execute(update(worlds).where(*alive).values(expires_at=0.0)).rowcount == 1


def forget(connection: Connection, world_id: UUID) -> None:
    """Delete the row of a world that owns nothing."""
    connection.execute(delete(worlds).where(worlds.c.id == world_id))


def all_worlds(connection: Connection) -> Sequence[WorldRecord]:
    """Return all worlds, the oldest first."""
    alive = (worlds.c.expires_at > database_now()).label("alive")
    found = connection.execute(select(worlds, alive).order_by(worlds.c.started_at, worlds.c.id))
    return [
        WorldRecord(
            id=row.id,
            kind=row.kind,
            token=row.token,
            meta=from_json(row.meta),
            started_at=row.started_at,
            seen_at=row.seen_at,
            alive=bool(row.alive),
        )
        for row in found
    ]
