"""Plans that were called by the action of another one: who they are, how they stand, and their bell.

A bell is a row for each sub-plan that comes to rest: rows that are only ever inserted make nobody wait for
another, and who counts deletes those that it saw.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final
from uuid import UUID, uuid5

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    delete,
    func,
    insert,
    literal,
    literal_column,
    select,
    text,
    update,
)

from mcoflow.domain.records import PlanDraft, PlanRecord
from mcoflow.domain.requests import CommandKind
from mcoflow.domain.states import PlanResult, PlanState
from mcoflow.domain.view import AT_REST
from mcoflow.ports.store import Changes
from mcoflow.storage.between_tables import bells
from mcoflow.storage.many import Bulk, Lookup, Many, Values, Write, fields_of
from mcoflow.storage.tables import CALLED, commands, plans
from mcoflow.storage.texts import clean, hex_rows, to_json

PAGE: Final = 500
"""Sub-plans that get a command in one transaction."""
GIVEN_UP: Final = -1
"""In place of the action that called: another sub-plan is in place of this one, which failed its planning.

No step waits for plans whose calling action is no number above zero.
"""


def _ring(row: Values) -> Any:
    """A caller that does not run counts anew when it does."""
    runs = plans.c.id == row["plan_id"], text(f"state = '{PlanState.RUNNING.value}'")
    return insert(bells).from_select(["plan_id"], select(plans.c.id).where(*runs))


RING: Final = Many(fields_of(bells.c.plan_id), _ring)
DROP_BELLS: Final = Many(
    fields_of(bells.c.plan_id), lambda row: delete(bells).where(bells.c.plan_id == row["plan_id"])
)
_RUNG: Final = Lookup(
    fields_of(bells.c.plan_id),
    lambda wanted: select(bells.c.plan_id).where(bells.c.plan_id.in_(select(wanted))).distinct(),
)
_KNOWN: Final = Lookup(
    fields_of(plans.c.id),
    lambda wanted: select(plans.c.id).where(plans.c.id.in_(select(wanted)), plans.c.caller_action_id > 0),
)
_ASKED: Final = plans.c.id.in_(select(commands.c.plan_id).where(commands.c.result.is_(None)))


def ring(changes: Changes, new_plans: Collection[PlanDraft]) -> Iterator[Write]:
    """Ring the callers of plans that come to rest with these changes; nothing if there are none."""
    rested = [plan for plan in changes.plans if plan.caller_plan_id is not None and _is_awaited(plan)]
    rested += [draft.plan for draft in new_plans if _is_awaited(draft.plan)]
    if rested:
        yield Write(RING, hex_rows(plan.caller_plan_id for plan in rested if plan.caller_plan_id is not None))


def ring_for(connection: Connection, plan_id: UUID) -> None:
    """Ring the caller, if there is one, of a plan that is stopped without its owner."""
    awaited = plans.c.id == plan_id, plans.c.caller_action_id > 0
    caller = select(plans.c.caller_plan_id).where(*awaited).scalar_subquery()
    runs = plans.c.id == caller, plans.c.state == PlanState.RUNNING.value
    connection.execute(insert(bells).from_select(["plan_id"], select(plans.c.id).where(*runs)))


def rung(connection: Connection, bulk: Bulk, plan_ids: Collection[UUID]) -> Collection[UUID]:
    """Return those of the plans that were rung."""
    return {row.plan_id for row in bulk.find(connection, _RUNG, hex_rows(plan_ids))}


def count(connection: Connection, plan_id: UUID, action_id: int) -> Mapping[str, int]:
    """Hush the bell and count; what rings from now on rings again."""
    connection.execute(delete(bells).where(bells.c.plan_id == plan_id))
    asked = _ASKED.label("asked")
    found = connection.execute(
        select(plans.c.state, plans.c.result, asked, func.count().label("number"))
        .where(_of(plan_id, action_id))
        .group_by(plans.c.state, plans.c.result, asked)
    )
    counts: dict[str, int] = {}
    for row in found:
        where = _standing(PlanState(row.state), row.result, asked=bool(row.asked))
        counts[where] = counts.get(where, 0) + row.number
    return counts


def living_below(connection: Connection, plan_id: UUID) -> Collection[UUID]:
    """Return a page of the living sub-plans of a plan, then of theirs, whether those between them live."""
    columns = plans.c.id, plans.c.state
    counted = and_(literal_column(CALLED), plans.c.caller_action_id > 0)
    top = select(*columns, literal(1).label("depth")).where(plans.c.caller_plan_id == plan_id, counted)
    family = top.cte("family", recursive=True)
    below = select(*columns, family.c.depth + 1).join(family, plans.c.caller_plan_id == family.c.id)
    family = family.union_all(below.where(counted))
    living = select(family.c.id).where(family.c.state != PlanState.STOPPED.value)
    return connection.scalars(living.order_by(family.c.depth, family.c.id).limit(PAGE)).all()


def known(connection: Connection, bulk: Bulk, plan_ids: Collection[UUID]) -> Collection[UUID]:
    """Return those of the plans that are stored and not given up."""
    return {row.id for row in bulk.find(connection, _KNOWN, hex_rows(plan_ids))}


def give_up_unplanned(connection: Connection, plan_id: UUID, action_id: int) -> None:
    """Give up what failed its planning: of a plan with steps there are counts."""
    unplanned = and_(
        plans.c.state == PlanState.STOPPED.value,
        plans.c.result == PlanResult.ERROR.value,
        plans.c.counts == to_json({}),
    )
    connection.execute(
        update(plans).where(_of(plan_id, action_id), unplanned).values(caller_action_id=GIVEN_UP)
    )


def page(
    connection: Connection, plan_id: UUID, action_id: int, kind: CommandKind, after: UUID | None
) -> Collection[UUID]:
    """Return a page of the sub-plans that can take a command, in order of their ids."""
    resumed = kind is CommandKind.RESUME
    state = plans.c.state
    can = state == PlanState.PAUSED.value if resumed else state != PlanState.STOPPED.value
    conditions = [_of(plan_id, action_id), can]
    if after is not None:
        conditions.append(plans.c.id > after)
    return connection.scalars(select(plans.c.id).where(*conditions).order_by(plans.c.id).limit(PAGE)).all()


def command(
    connection: Connection,
    plan_ids: Collection[UUID],
    kind: CommandKind,
    *,
    token: str,
    at: float,
    actor: str,
) -> None:
    """Store a command for each of the plans, but those that got it with this token before."""
    ids = {uuid5(plan_id, f"{kind.value}/{token}"): plan_id for plan_id in plan_ids}
    given = set(connection.scalars(select(commands.c.id).where(commands.c.id.in_(list(ids)))))
    same = {"kind": kind.value, "at": at, "actor": clean(actor), "args": "{}", "code": "", "error": ""}
    rows = [{"id": each, "plan_id": ids[each], **same} for each in ids if each not in given]
    if rows:
        connection.execute(insert(commands), rows)


def _is_awaited(plan: PlanRecord) -> bool:
    return (plan.caller_action_id or 0) > 0 and plan.state in AT_REST


def called_by(plan_id: UUID) -> ColumnElement[bool]:
    """The condition for plans that a plan called, but those that were given up for another."""
    called = plans.c.caller_plan_id == plan_id
    return and_(literal_column(CALLED), called, plans.c.caller_action_id != GIVEN_UP)


def _of(plan_id: UUID, action_id: int) -> ColumnElement[bool]:
    """Repeats the condition of the index, which then has all that is asked for."""
    return and_(
        literal_column(CALLED), plans.c.caller_plan_id == plan_id, plans.c.caller_action_id == action_id
    )


def _standing(state: PlanState, result: str, *, asked: bool) -> str:
    """Where a sub-plan stands, in the word of SubPlanCounts."""
    if state is PlanState.STOPPED:
        return result
    if state is PlanState.PAUSED:
        return "running" if asked else "error"
    return "running" if state is PlanState.RUNNING else "planned"
