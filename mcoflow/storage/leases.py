"""Who runs a plan: finding plans that nobody runs, and becoming their owner. The database's clock decides."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Integer, Select, literal_column, or_, select, text, update

from mcoflow.domain.records import HistoryRecord
from mcoflow.storage.clock import database_now
from mcoflow.storage.many import Bulk, Fields, fields_of
from mcoflow.storage.notes import INSERT_HISTORY, new_history
from mcoflow.storage.tables import OWNED, UNOWNED, UNSTOPPED, plans, worlds
from mcoflow.storage.texts import hex_rows
from mcoflow.storage.worlds import LIVING_WORLDS

_ID: Final[Fields] = fields_of(plans.c.id)
_OLDEST: Final[Select[Any]] = select(plans.c.id).order_by(plans.c.created_at, plans.c.id)
_UNOWNED: Final = _OLDEST.where(text(UNOWNED))
_OWNED: Final = _OLDEST.where(text(OWNED), text(UNSTOPPED))


class _Claimed(NamedTuple):
    id: UUID
    owner: UUID | None


def waiting_plans(connection: Connection, world_id: UUID, limit: int) -> Sequence[UUID]:
    """Return plans that nobody living runs.

    The plans of living worlds are not looked at, however many there are: dead worlds are asked for first, and
    there is seldom one.
    """
    found = list(connection.scalars(_UNOWNED.limit(limit)))
    dead = select(worlds.c.id).where(worlds.c.expires_at <= database_now(), worlds.c.id != world_id)
    gone = connection.scalars(dead).all()
    if gone and len(found) < limit:
        found += connection.scalars(_OWNED.where(plans.c.owner.in_(gone)).limit(limit - len(found)))
    return found


def claim(
    connection: Connection, bulk: Bulk, world_id: UUID, plan_ids: Collection[UUID], *, at: float
) -> Sequence[UUID]:
    """Make a living world the owner of plans that are not stopped and have no living owner; return which."""
    if connection.scalar(LIVING_WORLDS.where(worlds.c.id == world_id)) is None:
        return ()
    claimed = _claimable(connection, bulk, world_id, plan_ids)
    ids = [each.id for each in claimed]
    if ids:
        _own(connection, world_id, plans.c.id.in_(select(bulk.rows(_ID, hex_rows(ids)))))
        bulk.run(
            connection, INSERT_HISTORY, [new_history(line) for line in _takeovers(claimed, world_id, at)]
        )
    return ids


def free(connection: Connection, bulk: Bulk, world_id: UUID, plan_ids: Collection[UUID]) -> None:
    """Free those of the plans that this world owns; what it still writes of them is refused."""
    theirs = plans.c.id.in_(select(bulk.rows(_ID, hex_rows(plan_ids))))
    _own(connection, None, theirs & (plans.c.owner == world_id))


def free_all(connection: Connection, world_id: UUID) -> None:
    """Free all plans of a world; what it still writes of them is refused."""
    _own(connection, None, plans.c.owner == world_id)


def _own(connection: Connection, owner: UUID | None, which: ColumnElement[bool]) -> None:
    one = literal_column("1", Integer)
    changed = {"owner": owner, "epoch": plans.c.epoch + one, "version": plans.c.version + one}
    connection.execute(update(plans).where(which).values(**changed))


def _claimable(
    connection: Connection, bulk: Bulk, world_id: UUID, plan_ids: Collection[UUID]
) -> Sequence[_Claimed]:
    """Lock and return what can be claimed; what another claims at this moment is passed over."""
    ownerless = plans.c.owner.not_in(LIVING_WORLDS) & (plans.c.owner != world_id)
    found = connection.execute(
        select(plans.c.id, plans.c.owner)
        .where(
            plans.c.id.in_(select(bulk.rows(_ID, hex_rows(plan_ids)))),
            plans.c.state != "stopped",
            or_(plans.c.owner.is_(None), ownerless),
        )
        .with_for_update(skip_locked=True, of=plans)
    )
    return [_Claimed(row.id, row.owner) for row in found]


def _takeovers(claimed: Iterable[_Claimed], world_id: UUID, at: float) -> Iterable[HistoryRecord]:
    for each in claimed:
        if each.owner is not None:
            yield HistoryRecord(each.id, at, "takeover", world_id, detail=f"from world {each.owner}")
