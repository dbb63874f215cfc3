"""Plans loaded with their steps and graph, many at once in a constant number of statements."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Select, bindparam, select

from mcoflow.domain.records import PlanRecord, PlanSnapshot, StepRecord
from mcoflow.domain.states import Phase
from mcoflow.errors import PlanNotFoundError
from mcoflow.storage.many import Bulk, Lookup, fields_of
from mcoflow.storage.plans import SELECT_PLANS, graph_of, plan_of
from mcoflow.storage.steps import step_of
from mcoflow.storage.tables import blueprints, plans, steps
from mcoflow.storage.texts import hex_rows

_WITH_GRAPH: Final[Select[Any]] = SELECT_PLANS.add_columns(blueprints.c.graph)
_IN_ORDER: Final[Select[Any]] = select(steps).order_by(steps.c.plan_id, steps.c.id)
_ID: Final = fields_of(plans.c.id)
_ONE_PLAN: Final[Select[Any]] = SELECT_PLANS.where(plans.c.id == bindparam("plan"))
_PLANS: Final = Lookup(
    _ID,
    lambda wanted: _WITH_GRAPH.where(plans.c.id.in_(select(wanted))).order_by(plans.c.created_at, plans.c.id),
)
_THEIR_STEPS: Final = Lookup(
    _ID,
    lambda wanted: _IN_ORDER.where(steps.c.plan_id.in_(select(wanted)), steps.c.phase != Phase.PLAN.value),
)


def load_many(connection: Connection, bulk: Bulk, plan_ids: Collection[UUID]) -> Sequence[PlanSnapshot]:
    """Return plans as the director needs them, the oldest first; plan-phase steps are left out."""
    wanted = hex_rows(plan_ids)
    of_plan: defaultdict[UUID, list[StepRecord]] = defaultdict(list)
    for row in bulk.find(connection, _THEIR_STEPS, wanted):
        of_plan[row[0]].append(step_of(row))
    found = bulk.find(connection, _PLANS, wanted)
    return [PlanSnapshot(plan_of(row), of_plan[row.id], graph_of(row.graph)) for row in found]


def load(connection: Connection, plan_id: UUID) -> PlanSnapshot:
    """Return one plan with all its steps; PlanNotFoundError."""
    row = connection.execute(_WITH_GRAPH.where(plans.c.id == plan_id)).one_or_none()
    if row is None:
        raise PlanNotFoundError(plan_id)
    found = connection.execute(_IN_ORDER.where(steps.c.plan_id == plan_id))
    return PlanSnapshot(plan_of(row), [step_of(each) for each in found], graph_of(row.graph))


def load_plan(connection: Connection, plan_id: UUID) -> PlanRecord:
    """Return one plan without its steps; PlanNotFoundError."""
    row = connection.execute(_ONE_PLAN, {"plan": plan_id}).one_or_none()
    if row is None:
        raise PlanNotFoundError(plan_id)
    return plan_of(row)
