"""Removing plans with everything that belongs to them, and writing all of it down before."""

import base64
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    delete,
    func,
    literal_column,
    or_,
    select,
)

from mcoflow.domain.query import Doomed
from mcoflow.domain.states import PlanResult, PlanState
from mcoflow.errors import CommandRefusedError, PlanNotFoundError
from mcoflow.storage.later_tables import prerequisites
from mcoflow.storage.many import Bulk, Fields, fields_of
from mcoflow.storage.queries import conditions
from mcoflow.storage.sub_plans import GIVEN_UP
from mcoflow.storage.tables import CALLED, metadata, plans
from mcoflow.storage.texts import hex_rows

_ID: Final[Fields] = fields_of(plans.c.id)
_STOPPED: Final = plans.c.state == PlanState.STOPPED.value
_FAILED: Final = and_(plans.c.state == PlanState.PAUSED.value, plans.c.result == PlanResult.ERROR.value)

_PARENT: Final = plans.alias("parent")
_COUNTED: Final = (
    select(_PARENT.c.id)
    .where(_PARENT.c.id == plans.c.caller_plan_id, plans.c.caller_action_id > 0)
    .where(_PARENT.c.state != PlanState.STOPPED.value)
    .exists()
)
"""A parent that has not ended counts it: were it gone, it would be planned once more."""

NAMED_AT_MOST: Final = 5
"""Sub-plans that a refusal names."""

_AWAITED: Final = select(prerequisites.c.plan_id).where(prerequisites.c.after_id == plans.c.id).exists()
"""Another plan waits for its end, or has yet to hear of it."""


def delete_plan(connection: Connection, bulk: Bulk, plan_id: UUID) -> bool:
    """Remove a stopped plan, or a paused one with an error, for which no other waits. PlanNotFoundError.

    The parent of a sub-plan waits for it until it is stopped itself. Sub-plans of the plan go
    along: none is left without its parent. CommandRefusedError, to be rolled back, names those not stopped.
    """
    removable = and_(or_(_STOPPED, _FAILED), ~_AWAITED, ~_COUNTED)
    removed = delete(plans).where(plans.c.id == plan_id, removable).returning(plans.c.state)
    gone = connection.execute(removed).first()
    if gone is not None:
        below = _below(connection, plan_id)
        alive = [each for each, state in below if state != PlanState.STOPPED.value]
        if alive:
            raise CommandRefusedError(_kept_by(plan_id, alive), plan_id, gone.state, ())
        _delete_belongings(connection, bulk, [plan_id])
        delete_plans(connection, bulk, [each for each, _ in below])
        return True
    if connection.execute(select(plans.c.id).where(plans.c.id == plan_id)).first() is None:
        raise PlanNotFoundError(plan_id)
    return False


def _below(connection: Connection, plan_id: UUID) -> Sequence[tuple[UUID, str]]:
    """Return the sub-plans of a plan, and theirs, with their states; given-up ones too."""
    called = or_(plans.c.caller_action_id > 0, plans.c.caller_action_id == GIVEN_UP)
    columns = plans.c.id, plans.c.state
    found = select(*columns).where(literal_column(CALLED), plans.c.caller_plan_id == plan_id, called)
    family = found.cte("family", recursive=True)
    next_ones = select(*columns).join(family, plans.c.caller_plan_id == family.c.id)
    family = family.union(next_ones.where(literal_column(CALLED), called))
    return [(row.id, row.state) for row in connection.execute(select(family))]


def _kept_by(plan_id: UUID, alive: Sequence[UUID]) -> str:
    named = ", ".join(map(str, sorted(alive)[:NAMED_AT_MOST]))
    more = f" and {len(alive) - NAMED_AT_MOST} more" if len(alive) > NAMED_AT_MOST else ""
    return f"task {plan_id} has sub-plans that have not stopped: {named}{more}; cancel or halt it first"


def delete_plans(connection: Connection, bulk: Bulk, plan_ids: Collection[UUID]) -> int:
    """Remove those of the plans that are stopped, and waited for by none; return how many."""
    wanted = plans.c.id.in_(select(bulk.rows(_ID, hex_rows(plan_ids))))
    removed = connection.execute(delete(plans).where(wanted, _STOPPED, ~_AWAITED).returning(plans.c.id))
    gone: list[UUID] = [row.id for row in removed]
    if gone:
        _delete_belongings(connection, bulk, gone)
    return len(gone)


def doomed_plans(connection: Connection, doomed: Doomed) -> Sequence[UUID]:
    """Return plans to remove, the oldest first; those whose parents are there have to wait for them."""
    found = _roots(doomed).order_by(plans.c.ended_at, plans.c.id).limit(doomed.limit)
    return [row.id for row in connection.execute(found)]


def count_doomed(connection: Connection, doomed: Doomed) -> int:
    """Count all plans to remove, children of those that would be gone included."""
    found = _roots(doomed).cte("found", recursive=True)
    below = select(plans.c.id).join(found, plans.c.caller_plan_id == found.c.id)
    found = found.union_all(below.where(*_old(doomed)))
    return int(connection.execute(select(func.count()).select_from(found)).scalar_one())


def dump_plans(connection: Connection, bulk: Bulk, plan_ids: Collection[UUID]) -> Sequence[Mapping[str, Any]]:
    """Return all rows of plans: for each its id, and table → rows."""
    dumped: dict[UUID, dict[str, list[Any]]] = {plan_id: {} for plan_id in plan_ids}
    for table in (plans, *_belonging()):
        key = _key_of(table)
        wanted = select(table).where(key.in_(select(bulk.rows(_ID, hex_rows(plan_ids)))))
        for row in connection.execute(wanted.order_by(*table.primary_key.columns)):
            tables = dumped[getattr(row, key.key)]
            tables.setdefault(table.name, []).append(
                {name: _plain(each) for name, each in row._mapping.items()}
            )
    return [{"id": str(plan_id), **tables} for plan_id, tables in dumped.items()]


def _roots(doomed: Doomed) -> Select[tuple[UUID]]:
    parent = plans.alias("parent")
    alone = ~select(parent.c.id).where(parent.c.id == plans.c.caller_plan_id).exists()
    return select(plans.c.id).where(*_old(doomed), or_(plans.c.caller_plan_id.is_(None), alone))


def _old(doomed: Doomed) -> list[ColumnElement[bool]]:
    return [_STOPPED, ~_AWAITED, plans.c.ended_at <= doomed.before, *conditions(doomed.where)]


def _delete_belongings(connection: Connection, bulk: Bulk, plan_ids: Collection[UUID]) -> None:
    for table in _belonging():
        wanted = _key_of(table).in_(select(bulk.rows(_ID, hex_rows(plan_ids))))
        connection.execute(delete(table).where(wanted))


def orphans(connection: Connection) -> Mapping[str, int]:
    """Count the rows whose plan is gone, by table."""
    found: dict[str, int] = {}
    for table in _belonging():
        lost = table.c.plan_id.is_not(None), ~select(plans.c.id).where(plans.c.id == table.c.plan_id).exists()
        count = connection.execute(select(func.count()).select_from(table).where(*lost)).scalar_one()
        if count:
            found[table.name] = count
    return found


@cache
def _belonging() -> Sequence[Table]:
    """Whatever table has a `plan_id`: what is added one day is neither forgotten here nor left behind."""
    return [table for table in metadata.sorted_tables if "plan_id" in table.columns]


def _key_of(table: Table) -> Any:
    return plans.c.id if table is plans else table.c.plan_id


def _plain(value: Any) -> Any:
    """Return a value as JSON can hold it; bytes in base 64."""
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(bytes(value)).decode()
    return value
