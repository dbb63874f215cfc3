"""What clients of a smart proxy's Dynflow API are told of a task (HTTP specification, 2.2)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from mcoflow.domain.records import HistoryRecord, JsonObject, PlanRecord
from mcoflow.domain.states import Phase, PlanResult
from mcoflow.ports.engine import Engine
from mcoflow.ports.store import PlanWhole, Reader
from mcoflow.services.flow import finalize_flow, run_flow
from mcoflow.services.operations import Operations
from mcoflow.services.presented import presentation_of

EVERY: Final = "all"


class Contract:
    """The use cases of contract clients."""

    def __init__(self, engine: Engine, reader: Reader, operations: Operations) -> None:
        self._engine, self._reader = engine, reader
        self._operations = operations

    def create(self, action: str, arguments: Mapping[str, Any], *, user: str) -> UUID:
        """Plan and start a task; also one whose planning fails has an id.

        Raises:
            UnknownActionError, InputInvalidError: nothing was stored.
        """
        prepared = self._operations.prepared(action, arguments)
        return self._engine.submit(action, prepared, user=user).plan_id

    def count(self, state: str | None) -> tuple[int, str]:
        """Return how many tasks are in a state, and the state as it is echoed; none or `all` counts all."""
        if state is None or state == EVERY:
            return self._reader.count_plans(None), EVERY
        return self._reader.count_plans(state), state

    def status(self, plan_id: UUID) -> JsonObject:
        """Return the full status; PlanNotFoundError."""
        whole = self._reader.whole(plan_id)
        return {**_plan(whole), "actions": _actions(whole)}


def _plan(whole: PlanWhole) -> JsonObject:
    plan, steps, graph = whole.snapshot.plan, whole.snapshot.steps, whole.snapshot.graph
    by_phase = {phase: sorted(step.id for step in steps if step.phase is phase) for phase in Phase}
    return {
        "id": str(plan.id),
        "class": plan.action,
        "label": plan.label,
        "state": str(plan.state),
        "result": _result(plan),
        "root_plan_step_id": by_phase[Phase.PLAN][0] if by_phase[Phase.PLAN] else None,
        "run_flow": run_flow(graph, by_phase[Phase.RUN]),
        "finalize_flow": finalize_flow(by_phase[Phase.FINALIZE]),
        "step_ids": sorted(step.id for step in steps),
        "started_at": _time(plan.started_at),
        "ended_at": _time(plan.ended_at),
        "execution_time": float(sum(step.execution_time for step in steps)),
        "real_time": _real_time(plan),
        "execution_history": [_line(line) for line in whole.history],
    }


def _actions(whole: PlanWhole) -> list[JsonObject]:
    presentation = presentation_of(whole)
    return [
        {
            "class": action["name"],
            "execution_plan_id": str(whole.snapshot.plan.id),
            "id": action["id"],
            "plan_step_id": action["plan_step_id"],
            "run_step_id": action["run_step_id"],
            "finalize_step_id": action["finalize_step_id"],
            "caller_execution_plan_id": None,
            "caller_action_id": action["parent_id"],
            "input": presentation.action(action["id"]).input,
            "output": presentation.action(action["id"]).output,
        }
        for action in whole.actions
    ]


def _line(line: HistoryRecord) -> JsonObject:
    return {"time": int(line.at), "name": line.name, "world_id": str(line.world) if line.world else None}


def _result(plan: PlanRecord) -> str:
    """Return the result in Dynflow's words: it calls what was halted pending."""
    return str(PlanResult.PENDING if plan.result is PlanResult.HALTED else plan.result)


def _real_time(plan: PlanRecord) -> float:
    if plan.started_at is None or plan.ended_at is None:
        return 0.0
    return float(plan.ended_at - plan.started_at)


def _time(stored: float | None) -> str | None:
    """Return `YYYY-MM-DD HH:MM:SS.mmm` in UTC."""
    if stored is None:
        return None
    return datetime.fromtimestamp(stored, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
