"""The `hooks` table: states of plans whose hooks are still to be called, and by whom."""

from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Connection, Select, Uuid, delete, insert, literal, or_, select, update

from mcoflow.domain.records import HookRecord
from mcoflow.domain.states import PlanResult, PlanState
from mcoflow.storage.many import Many, Row, Values, fields_of
from mcoflow.storage.tables import blueprints, hooks, plans
from mcoflow.storage.texts import clean, hex_or_none

_COLUMNS: Final = tuple(each for each in hooks.columns if each.name != "number")


def _drop(row: Values) -> Any:
    return delete(hooks).where(hooks.c.id == row["id"])


INSERT_HOOKS: Final = Many.insert(hooks, "number")
DROP_HOOKS: Final = Many(fields_of(hooks.c.id), _drop)


def new_hook(record: HookRecord) -> Row:
    """Return the row of a state for INSERT_HOOKS."""
    standing = (record.at, record.state.value, record.result.value, clean(record.explanation))
    return (record.id.hex, record.plan_id.hex, *standing, hex_or_none(record.world))


def tell(connection: Connection, plan_id: UUID) -> None:
    """Leave word that a plan was stopped in the database, if it has hooks; whoever looks next calls them."""
    told = {
        "id": literal(uuid4(), Uuid),
        "plan_id": plans.c.id,
        "at": plans.c.ended_at,
        "state": plans.c.state,
        "result": plans.c.result,
        "explanation": plans.c.explanation,
    }
    of_plan = select(*told.values()).join(blueprints, blueprints.c.plan_id == plans.c.id)
    hooked = of_plan.where(plans.c.id == plan_id, blueprints.c.hooks.is_not(None))
    connection.execute(insert(hooks).from_select(list(told), hooked))


def left(world_id: UUID, living: Collection[UUID], limit: int) -> Select[Any]:
    """Select those that no living world calls, of plans that no other living world runs."""
    return (
        select(*_COLUMNS)
        .join(plans, plans.c.id == hooks.c.plan_id)
        .where(
            or_(hooks.c.world.is_(None), hooks.c.world.not_in(living)),
            or_(plans.c.owner.is_(None), plans.c.owner == world_id, plans.c.owner.not_in(living)),
        )
        .order_by(hooks.c.number)
        .limit(limit)
    )


def adopt(
    connection: Connection, world_id: UUID, living: Collection[UUID], limit: int
) -> Sequence[HookRecord]:
    """Make a living world the one that calls them; what another adopts at this moment is passed over."""
    if world_id not in living:
        return ()
    query = left(world_id, living, limit).with_for_update(skip_locked=True, of=hooks)
    found = [_record(row, world_id) for row in connection.execute(query)]
    ids = [each.id for each in found]
    connection.execute(update(hooks).where(hooks.c.id.in_(ids)).values(world=world_id))
    return found


def _record(row: Any, world_id: UUID) -> HookRecord:
    standing = (PlanState(row.state), PlanResult(row.result), row.explanation)
    return HookRecord(row.id, row.plan_id, row.at, *standing, world_id)
