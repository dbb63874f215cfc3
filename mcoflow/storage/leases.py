"""Who runs a plan: finding plans that nobody runs, and becoming their owner. The database's clock decides."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    bindparam,
    exists,
    literal_column,
    or_,
    select,
    text,
    update,
)

from mcoflow.domain.records import HistoryRecord
from mcoflow.domain.states import PlanState
from mcoflow.storage import worlds
from mcoflow.storage.between_tables import NOT_HELD, locks
from mcoflow.storage.many import Bulk, Fields, Write, fields_of
from mcoflow.storage.notes import INSERT_HISTORY, new_history
from mcoflow.storage.tables import OWNED, UNOWNED, UNSTOPPED, plans
from mcoflow.storage.texts import hex_rows

_ID: Final[Fields] = fields_of(plans.c.id)
_OLDEST: Final[Select[Any]] = select(plans.c.id).order_by(plans.c.created_at, plans.c.id)
_LIMIT: Final = bindparam("limit", type_=Integer)
_NO_LOCK_LACKS: Final = ~exists().where(text(NOT_HELD), locks.c.plan_id == plans.c.id)
_UNOWNED: Final = _OLDEST.where(text(UNOWNED), _NO_LOCK_LACKS).limit(_LIMIT)
_OF_THE_DEAD: Final = _OLDEST.where(
    text(OWNED), text(UNSTOPPED), plans.c.owner.in_(bindparam("dead", expanding=True))
).limit(_LIMIT)


class _Claimed(NamedTuple):
    id: UUID
    owner: UUID | None


def waiting_plans(connection: Connection, dead: Collection[UUID], limit: int) -> Sequence[UUID]:
    """Return plans that nobody runs, then those of dead worlds.

    The plans of living worlds are not looked at, however many there are.
    """
    found = list(connection.scalars(_UNOWNED, {"limit": limit}))
    if dead and len(found) < limit:
        found += connection.scalars(_OF_THE_DEAD, {"dead": dead, "limit": limit - len(found)})
    return found


def claim(
    connection: Connection, bulk: Bulk, world_id: UUID, plan_ids: Collection[UUID], *, at: float
) -> Sequence[UUID]:
    """Make a living world the owner of plans that are not stopped and have no living owner; return which."""
    living = worlds.living(connection)
    claimed = _claimable(connection, bulk, living, plan_ids) if world_id in living else ()
    ids = [each.id for each in claimed]
    if ids:
        _own(connection, world_id, plans.c.id.in_(select(bulk.rows(_ID, hex_rows(ids)))))
        lines = _takeovers(claimed, world_id, at)
        bulk.write(connection, [Write(INSERT_HISTORY, [new_history(line) for line in lines])])
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
    connection: Connection, bulk: Bulk, living: Collection[UUID], plan_ids: Collection[UUID]
) -> Sequence[_Claimed]:
    """Lock and return what can be claimed; what another claims at this moment is passed over."""
    found = connection.execute(
        select(plans.c.id, plans.c.owner)
        .where(
            plans.c.id.in_(select(bulk.rows(_ID, hex_rows(plan_ids)))),
            plans.c.state != PlanState.STOPPED.value,
            or_(plans.c.owner.is_(None), plans.c.owner.not_in(living)),
        )
        .with_for_update(skip_locked=True, of=plans)
    )
    return [_Claimed(row.id, row.owner) for row in found]


def _takeovers(claimed: Iterable[_Claimed], world_id: UUID, at: float) -> Iterable[HistoryRecord]:
    for each in claimed:
        if each.owner is not None:
            detail = f"taken over by world {world_id}"
            yield HistoryRecord(each.id, at, "terminate execution", each.owner, detail=detail)
