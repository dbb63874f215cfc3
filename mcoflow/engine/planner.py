"""The plan phase: from an action and its arguments to a plan that is stored whole."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import UUID

from mcoflow.action.base import Action
from mcoflow.action.schema import valid_input
from mcoflow.action.stage import Stage
from mcoflow.domain.plain import plain, to_json
from mcoflow.domain.records import ActionRecord, ErrorRecord, HistoryRecord, PlanDraft, PlanRecord, StepRecord
from mcoflow.domain.reference import OutputReference, find_references
from mcoflow.domain.states import Phase, PlanResult, PlanState, StepState
from mcoflow.engine.flow import Block, GraphMaker
from mcoflow.errors import PhaseError, PlanningError
from mcoflow.faults import faultpoint

log = logging.getLogger("mcoflow.planner")
A = TypeVar("A", bound=Action)


def make_plan(
    action: type[Action],
    arguments: Mapping[str, Any],
    *,
    plan_id: UUID,
    user: str,
    now: float,
    args: Sequence[Any] = (),
) -> PlanDraft:
    """Run the plan methods and return the draft. A planning that fails is a draft that is stopped/error.

    `args` and `arguments` are the positional and the named arguments of the plan method.

    Raises:
        NotSerialisableError: the arguments are no JSON; nothing can be stored.
    """
    plan = PlanRecord(
        id=plan_id,
        label=action.title or action.name,
        action=action.name,
        state=PlanState.PLANNED,
        created_at=now,
        user=user,
        args=to_json(plain(stored_arguments(args, arguments))),
    )
    planner = _Planner(plan)
    try:
        root = planner.plan_action(action, tuple(args), dict(arguments))
        plan.label = root.label()[:200]
        return planner.draft()
    except Exception as error:  # noqa: BLE001 - the author's code may raise anything; it becomes the plan's error
        log.info("plan.failed", extra={"plan": str(plan_id), "action": action.name})
        return planner.failed(error, now)


class _Planner:
    """One planning: implements PlanningStage for all actions of the plan."""

    def __init__(self, plan: PlanRecord) -> None:
        self._plan = plan
        self._actions: list[ActionRecord] = []
        self._steps: list[StepRecord] = []
        self._finalize: list[int] = []
        self._references: dict[tuple[int, int], bool] = {}  # those without an alternative: True
        self._block = Block("C")
        self._output_keys: dict[int, tuple[str, ...]] = {}
        self._parents: list[ActionRecord] = []
        self._root = self._block

    def plan_action(self, action: type[A], args: tuple[Any, ...], fields: dict[str, Any]) -> A:
        """Plan an action at once, as a child of the one whose plan method runs now."""
        parent = self._parents[-1].id if self._parents else None
        step = self._add_step(len(self._actions) + 1, Phase.PLAN, action, StepState.SUCCESS)
        record = ActionRecord(len(self._actions) + 1, action.name, parent, step.id, None, None)
        self._actions.append(record)
        self._output_keys[record.id] = tuple(action.Output.model_fields) if action.Output else ()
        stage = Stage("plan", self._plan.id, record.id, parent is None, {}, {}, planning=self)
        made = action(stage)
        self._parents.append(record)
        faultpoint("planner.mid")
        with self.block("C"):
            made.plan(*args, **fields)
        self._parents.pop()  # not in a finally: those left on it are the ones that failed
        return made

    def plan_self(self, action: Action, given: dict[str, Any]) -> None:
        """Add the run and finalize steps of the action whose plan method runs now."""
        record = self._actions[action.id - 1]
        if self._parents[-1] is not record:
            raise PhaseError(f"{record.name}: plan_self is for its own plan method")
        if record.run_step_id or record.finalize_step_id:
            raise PhaseError(f"{record.name}: plan_self was called twice")
        action.input = valid_input(f"{record.name} (step {len(self._steps) + 1})", action.Input, given)
        record.input = to_json(action.input)
        host = action.input.get("host")
        if action.has("run"):
            step = self._add_step(record.id, Phase.RUN, type(action), StepState.PENDING)
            step.host = host if isinstance(host, str) else None
            record.run_step_id = step.id
            self._block.parts.append(step.id)
            self._refer(given, step.id)
        if action.has("finalize"):
            step = self._add_step(record.id, Phase.FINALIZE, type(action), StepState.PENDING)
            record.finalize_step_id = step.id
            self._finalize.append(step.id)
            if record.run_step_id is None:
                self._refer(given, step.id)

    def output_of(self, action: Action) -> OutputReference:
        """A reference to the output of the action's run step."""
        run_step = self._actions[action.id - 1].run_step_id
        if run_step is None:
            raise PlanningError(f"{action.name} has no run step, so it has no output to refer to")
        return OutputReference(action.id, run_step)

    @contextmanager
    def block(self, kind: str) -> Iterator[None]:
        """Collect what is planned inside in a block of its own."""
        outer, self._block = self._block, Block(kind)
        try:
            yield
        finally:
            outer.parts.append(self._block)
            self._block = outer

    def draft(self) -> PlanDraft:
        """Return the planned plan; PlanningError for a cycle."""
        maker = GraphMaker()
        maker.add(self._root)
        maker.chain_after_all(self._finalize)
        for producer, consumer in sorted(self._references):
            maker.reference(producer, consumer)
        optional = (edge for edge, required in self._references.items() if not required)
        graph = maker.graph(frozenset(self._references), frozenset(optional))
        open_steps = [step for step in self._steps if step.phase is not Phase.PLAN]
        self._plan.counts = {StepState.PENDING: len(open_steps)} if open_steps else {}
        self._plan.hosts = tuple(dict.fromkeys(step.host for step in open_steps if step.host))
        return PlanDraft(self._plan, self._actions, self._steps, graph)

    def failed(self, error: Exception, now: float) -> PlanDraft:
        """Return the plan as stopped/error; the steps of the planning action and its ancestors failed."""
        record = ErrorRecord(type(error).__name__, str(error), traceback.format_exc())
        failing = {action.plan_step_id for action in self._parents} or {1}
        steps = [step for step in self._steps if step.phase is Phase.PLAN]
        for step in steps:
            step.started_at = step.ended_at = now
            if step.id in failing:
                step.state, step.error = StepState.ERROR, record
        for action in self._actions:
            action.run_step_id = action.finalize_step_id = None
        plan = self._plan
        plan.state, plan.result = PlanState.STOPPED, PlanResult.ERROR
        plan.started_at = plan.ended_at = now
        plan.explanation = f"planning failed: {record.message}"[:500]
        history = [HistoryRecord(plan.id, now, "finish execution", detail=plan.explanation)]
        return PlanDraft(plan, self._actions, steps, GraphMaker().graph(), history)

    def _add_step(self, action_id: int, phase: Phase, action: type[Action], state: StepState) -> StepRecord:
        step = StepRecord(len(self._steps) + 1, action_id, phase, action.name, state, queue=action.queue)
        self._steps.append(step)
        return step

    def _refer(self, given: Mapping[str, Any], consumer: int) -> None:
        for reference in find_references(given):
            if reference.action_id not in self._output_keys:
                raise PlanningError(f"step {consumer} reads {reference}, which is not in this plan")
            keys = self._output_keys[reference.action_id]
            if keys and reference.path and reference.path[0] not in keys:
                raise PlanningError(
                    f"step {consumer} reads {reference}, but that output only has {', '.join(keys)}"
                )
            edge = (reference.step_id, consumer)
            self._references[edge] = self._references.get(edge, False) or reference.required


def stored_arguments(args: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a plan method as one JSON object: positional ones, if any, under `*`."""
    return {**({"*": list(args)} if args else {}), **named}
