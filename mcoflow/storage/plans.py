"""The rows of a plan itself: `plans`, which every commit writes, and `blueprints`, which none does again."""

from typing import Any, Final, TypeAlias
from uuid import UUID

from sqlalchemy import Connection, Integer, Row, Select, and_, case, insert, literal_column, select, update

from mcoflow.domain.graph import Graph
from mcoflow.domain.locks import Lock
from mcoflow.domain.records import PlanRecord
from mcoflow.domain.states import PlanResult, PlanState, StepState
from mcoflow.storage.many import Many, Values, fields_of
from mcoflow.storage.many import Row as Given
from mcoflow.storage.rollouts import branches_of, branches_stored, rollout_of, rollout_text
from mcoflow.storage.tables import blueprints, plans, worlds
from mcoflow.storage.texts import clean, from_json, hex_or_none, to_json

PlanRow: TypeAlias = Row[Any]

_OF_BLUEPRINT: Final = (blueprints.c.args, blueprints.c.hosts, blueprints.c.locks, blueprints.c.hooks)
SELECT_PLANS: Final[Select[Any]] = select(plans, *_OF_BLUEPRINT).join(
    blueprints, blueprints.c.plan_id == plans.c.id
)


def _insert(row: Values) -> Any:
    """A world that is gone owns nothing, nor can it write again: nobody would ever find its plans."""
    owner = select(worlds.c.id).where(worlds.c.id == row["owner"]).scalar_subquery()
    gone = and_(row["owner"].is_not(None), owner.is_(None))
    epoch = case((gone, row["epoch"] + literal_column("1", Integer)), else_=row["epoch"])
    return insert(plans).from_select(
        list(row), select(*(dict(row) | {"owner": owner, "epoch": epoch}).values())
    )


def _update(row: Values) -> Any:
    kept = {name: row[name] for name in row if name not in ("id", "epoch")}
    return (
        update(plans)
        .where(and_(plans.c.id == row["id"], plans.c.epoch == row["epoch"]))
        .values(version=plans.c.version + literal_column("1"), **kept)
    )


def _update_blueprint(row: Values) -> Any:
    return (
        update(blueprints)
        .where(blueprints.c.plan_id == row["plan_id"])
        .values(hosts=row["hosts"], graph=row["graph"], locks=row["locks"], hooks=row["hooks"])
    )


def _update_label(row: Values) -> Any:
    return update(plans).where(plans.c.id == row["id"]).values(label=row["label"])


INSERT_PLANS: Final = Many(fields_of(*plans.columns), _insert)
INSERT_BLUEPRINTS: Final = Many.insert(blueprints)
UPDATE_BLUEPRINTS: Final = Many(
    fields_of(
        blueprints.c.hosts, blueprints.c.graph, blueprints.c.locks, blueprints.c.hooks, blueprints.c.plan_id
    ),
    _update_blueprint,
)
UPDATE_LABELS: Final = Many(fields_of(plans.c.label, plans.c.id), _update_label)
UPDATE_PLANS: Final = Many(
    fields_of(
        plans.c.state,
        plans.c.result,
        plans.c.started_at,
        plans.c.ended_at,
        plans.c.explanation,
        plans.c.counts,
        plans.c.simulated,
        plans.c.cancel_requested,
        plans.c.pause_requested,
        plans.c.abort_requested,
        plans.c.reverted,
        plans.c.progress,
        plans.c.rollout,
        plans.c.warned,
        plans.c.owner,
        plans.c.id,
        plans.c.epoch,
    ),
    _update,
)


def new_plan(plan: PlanRecord) -> Given:
    """Return the row of a plan for INSERT_PLANS."""
    return (
        plan.id.hex,
        clean(plan.label),
        plan.action,
        plan.state.value,
        plan.result.value,
        plan.created_at,
        plan.started_at,
        plan.ended_at,
        clean(plan.user),
        clean(plan.explanation),
        _counts_text(plan.counts),
        plan.simulated,
        plan.cancel_requested,
        hex_or_none(plan.owner),
        plan.epoch,
        plan.version,
        plan.pause_requested,
        plan.abort_requested,
        plan.reverted,
        clean(plan.name) or None,
        plan.chained,
        plan.ordered,
        hex_or_none(plan.caller_plan_id),
        plan.caller_action_id,
        plan.progress,
        rollout_text(plan.rollout),
        plan.warned,
    )


def new_blueprint(plan: PlanRecord, graph: Graph) -> Given:
    """Return the row of a plan for INSERT_BLUEPRINTS."""
    fixed = (clean(plan.args), to_json(plan.hosts), graph_text(graph))
    return (plan.id.hex, *fixed, locks_text(plan), hooks_text(plan))


def changed_plan(plan: PlanRecord) -> Given:
    """Return the row of a plan for UPDATE_PLANS."""
    return (
        plan.state.value,
        plan.result.value,
        plan.started_at,
        plan.ended_at,
        clean(plan.explanation),
        _counts_text(plan.counts),
        plan.simulated,
        plan.cancel_requested,
        plan.pause_requested,
        plan.abort_requested,
        plan.reverted,
        plan.progress,
        rollout_text(plan.rollout),
        plan.warned,
        hex_or_none(plan.owner),
        plan.id.hex,
        plan.epoch,
    )


def order(connection: Connection, plan_id: UUID) -> bool:
    """Let a plan be taken up that waited for the order; False if it did not."""
    waits = (plans.c.id == plan_id) & ~plans.c.ordered & (plans.c.state == PlanState.PLANNED.value)
    ordered = {"ordered": True, "explanation": "", "version": plans.c.version + literal_column("1")}
    return connection.execute(update(plans).where(waits).values(**ordered)).rowcount == 1


def planned_later(plan: PlanRecord, graph: Graph) -> Given:
    """Return the row of a plan that was stored before it was planned, for UPDATE_BLUEPRINTS."""
    return (to_json(plan.hosts), graph_text(graph), locks_text(plan), hooks_text(plan), plan.id.hex)


def labelled(plan: PlanRecord) -> Given:
    """Return the row of such a plan for UPDATE_LABELS."""
    return (clean(plan.label), plan.id.hex)


def plan_of(row: PlanRow) -> PlanRecord:
    """Return the plan of a row of SELECT_PLANS."""
    return PlanRecord(
        id=row.id,
        label=row.label,
        action=row.action,
        state=PlanState(row.state),
        created_at=row.created_at,
        result=PlanResult(row.result),
        user=row.user_name,
        explanation=row.explanation,
        counts={StepState(state): count for state, count in from_json(row.counts).items()},
        hosts=tuple(from_json(row.hosts)),
        simulated=row.simulated,
        args=row.args,
        started_at=row.started_at,
        ended_at=row.ended_at,
        cancel_requested=row.cancel_requested,
        pause_requested=row.pause_requested,
        abort_requested=row.abort_requested,
        reverted=row.reverted,
        owner=row.owner,
        epoch=row.epoch,
        version=row.version,
        progress=row.progress,
        warned=row.warned,
        name=row.name or "",
        chained=row.chained,
        ordered=row.ordered,
        locks=tuple(Lock(*lock) for lock in from_json(row.locks)) if row.locks else (),
        caller_plan_id=row.caller_plan_id,
        caller_action_id=row.caller_action_id,
        hooks=tuple((number, name) for number, name in from_json(row.hooks)) if row.hooks else (),
        rollout=rollout_of(row.rollout) if row.rollout else None,
    )


def locks_text(plan: PlanRecord) -> str | None:
    """Return the locks of a plan as JSON, None if it wants none."""
    return to_json([(lock.name, lock.mode, lock.conflict) for lock in plan.locks]) if plan.locks else None


def hooks_text(plan: PlanRecord) -> str | None:
    """Return the actions of a plan that have hooks as JSON, None if none has."""
    return to_json(plan.hooks) if plan.hooks else None


def graph_text(graph: Graph) -> str:
    """Return a graph as JSON: pairs of a node and its needs, the references, the optional ones of them.

    Only a plan with rollouts has those as a fourth part.
    """
    nodes = [[node, needs] for node, needs in graph.needs.items()]
    parts = [nodes, sorted(graph.references), sorted(graph.optional)]
    return to_json([*parts, *([list(map(branches_stored, graph.rollouts))] if graph.rollouts else [])])


def graph_of(text: str) -> Graph:
    """Undo graph_text."""
    needs, references, optional, *rollouts = from_json(text)
    return Graph(
        {node: tuple(before) for node, before in needs},
        frozenset((producer, consumer) for producer, consumer in references),
        frozenset((producer, consumer) for producer, consumer in optional),
        tuple(branches_of(each) for part in rollouts for each in part),
    )


def same_plan(plan: PlanRecord, action: str, args: str) -> bool:
    """Whether a plan was made from this action and these arguments."""
    return plan.action == action and (plan.args == args or from_json(plan.args) == from_json(args))


def _counts_text(counts: dict[StepState, int]) -> str:
    return to_json({state.value: count for state, count in counts.items()})
