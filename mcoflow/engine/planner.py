"""The plan phase: from an action and its arguments to a plan that is stored whole."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID

from mcoflow.action.arguments import check_arguments
from mcoflow.action.base import Action
from mcoflow.action.chain import BARE, Chains
from mcoflow.action.naming import on_hosts, subject_of
from mcoflow.action.registry import REGISTERED, Registry
from mcoflow.action.schema import valid_input
from mcoflow.action.singleton import locks_of
from mcoflow.action.stage import Stage
from mcoflow.action.world import FindHosts
from mcoflow.domain.locks import Lock, merged
from mcoflow.domain.plain import plain, to_json
from mcoflow.domain.records import (
    ActionRecord,
    ErrorRecord,
    HistoryRecord,
    HookRecord,
    PlanDraft,
    PlanRecord,
    StepRecord,
)
from mcoflow.domain.reference import OutputReference, find_references
from mcoflow.domain.rollout import Rollout
from mcoflow.domain.states import Phase, PlanResult, PlanState, StepState
from mcoflow.domain.view import PlanView
from mcoflow.engine.flow import Block, GraphMaker
from mcoflow.engine.planning_world import PlanningWorld
from mcoflow.engine.turns import Turns, check_apart
from mcoflow.errors import McoflowError, PhaseError, PlanningError
from mcoflow.faults import faultpoint

A = TypeVar("A", bound=Action)


class _RehearsedError(Exception):
    """Ends a transaction in which nothing is to be kept."""


DEFAULT_QUEUE: Final = "default"


def make_plan(
    action: type[Action],
    arguments: Mapping[str, Any],
    *,
    plan_id: UUID,
    user: str,
    now: float,
    args: Sequence[Any] = (),
    actions: Registry = REGISTERED,
    chains: Chains = BARE,
    written: Mapping[str, Any] | None = None,
    find_hosts: FindHosts | None = None,
    refused: tuple[type[Exception], ...] = (),
    rehearsed: bool = False,
) -> PlanDraft:
    """Run the plan methods and return the draft. A planning that fails is a draft that is stopped/error.

    `args` and `arguments` are the positional and the named arguments of the plan method; `actions` has those
    that may subscribe, `chains` what goes around the methods; `written` is the input that the root action has
    since its delay phase, `find_hosts` what the plan methods find hosts with, `refused` errors of them that
    are raised, so that nothing is stored. What is only `rehearsed` rolls back what the plan methods wrote
    elsewhere: the draft is to be looked at.

    Raises:
        ConfigurationError: middlewares of the action that want to be around each other; nothing is stored.
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
    planner = Planner(plan, actions, chains, subject_of(arguments), written, find_hosts=find_hosts)

    def plan_all() -> None:
        root = planner.plan_action(action, tuple(args), dict(arguments))
        plan.label = root.label()[:200]

    chain = chains.of(action)
    phase = chain.around("plan_phase", plan_all, PlanView.of(plan)) if chain.has("plan_phase") else plan_all
    try:
        with chains.transaction.transaction() if chains.transaction is not None else nullcontext():
            phase()
            draft = planner.draft()
            if rehearsed:
                raise _RehearsedError
        return draft
    except _RehearsedError:
        return draft
    except refused:
        raise
    except Exception as error:  # noqa: BLE001 - the author's code may raise anything; it becomes the plan's error
        return planner.failed(error, now)


def stored_arguments(args: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a plan method as one JSON object: positional ones, if any, under `*`."""
    return {**({"*": list(args)} if args else {}), **named}


def check_plan_arguments(action: type[Action], args: Sequence[Any], named: Mapping[str, Any]) -> None:
    """Raise InputInvalidError unless the plan method of the action takes these arguments."""
    own = action.plan is not Action.plan
    check_arguments(action.name, action.plan if own else action.plan_self, args, named)


class Planner:
    """One planning: implements PlanningStage for all actions of the plan."""

    def __init__(
        self,
        plan: PlanRecord,
        registry: Registry,
        chains: Chains,
        works_on: str,
        written: Mapping[str, Any] | None = None,
        *,
        find_hosts: FindHosts | None = None,
    ) -> None:
        self._plan = plan
        self._registry = registry
        self._chains = chains
        self._works_on = works_on
        self._written = written or {}
        self._world = None if find_hosts is None else PlanningWorld(find_hosts)
        self._actions: list[ActionRecord] = []
        self._steps: list[StepRecord] = []
        self._finalize: list[int] = []
        self._references: dict[tuple[int, int], bool] = {}  # those without an alternative: True
        self._output_keys: dict[int, tuple[str, ...]] = {}
        self._queues: list[str] = []  # of the actions, in their order; likewise their blocks
        self._blocks: list[Block] = []
        self._orders: list[tuple[Block, Block]] = []
        self._parents: list[Action] = []
        self._hooked: list[tuple[int, str]] = []
        self._root = self._block = Block("C")
        self._locks: list[Lock] = []
        self._turns = Turns()

    def plan_action(self, action: type[A], args: tuple[Any, ...], fields: dict[str, Any]) -> A:
        """Plan an action at once, as a child of the one whose plan method runs now; and its subscribers."""
        return self._plan_action(action, args, fields, subscribed=False)

    def _plan_action(
        self, action: type[A], args: tuple[Any, ...], fields: dict[str, Any], *, subscribed: bool
    ) -> A:
        subscribers = self._registry.subscribers(action)
        if not subscribers:
            return self._plan_one(action, args, fields, subscribed)
        with self.block("C"):
            made = self._plan_one(action, args, fields, subscribed)
            self._parents.append(made)
            for each in subscribers:
                self._check_ends(each)
                self._plan_action(each, args, fields, subscribed=True)
            self._parents.pop()
        return made

    def _plan_one(
        self, action: type[A], args: tuple[Any, ...], fields: dict[str, Any], subscribed: bool
    ) -> A:
        parent = self._parents[-1] if self._parents else None
        number = len(self._actions) + 1
        self._queues.append(action.queue or (self._queues[parent.id - 1] if parent else DEFAULT_QUEUE))
        step = self._add_step(number, Phase.PLAN, action, StepState.SUCCESS)
        self._actions.append(
            ActionRecord(number, action.name, parent.id if parent else None, step.id, None, None)
        )
        self._output_keys[number] = _output_keys(action)
        if action.plan_hooks:
            self._hooked.append((number, action.name))
        given = {} if parent else dict(self._written)
        stage = Stage("plan", self._plan.id, number, parent is None, given, {}, self, parent, subscribed)
        stage.world = self._world
        made = action(stage)
        self._parents.append(made)
        faultpoint("planner.mid")
        with self.block("C"):
            self._blocks.append(self._block)
            chain = self._chains.of(action)
            if chain.has("plan"):
                chain.around("plan", partial(_call_plan, made), made)(*args, **fields)
            else:
                _call_plan(made, *args, **fields)
        self._locks += locks_of(made)
        self._parents.pop()  # not in a finally: those left on it are the ones that failed
        return made

    def _check_ends(self, subscriber: type[Action]) -> None:
        """Refuse a subscriber that plans, itself, what it subscribes to."""
        if any(type(each) is subscriber and each.from_subscription for each in self._parents):
            trigger = self._parents[-1].name
            raise PlanningError(
                f"{subscriber.name} subscribes to {trigger} and plans {trigger}: that would never end"
            )

    def plan_self(self, action: Action, given: dict[str, Any]) -> None:
        """Add the run and finalize steps of the action whose plan method runs now."""
        record = self._actions[action.id - 1]
        if self._parents[-1] is not action:
            raise PhaseError(f"{record.name}: plan_self is for its own plan method")
        if record.run_step_id or record.finalize_step_id:
            raise PhaseError(f"{record.name}: plan_self was called twice")
        given = {**action.input, **given}  # an earlier phase may have written some of it
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

    def order(self, first: Action, then: Action) -> None:
        """Let one action with all that it planned start after another; done when all is planned."""
        for each in (first, then):
            if each.plan_id != self._plan.id:
                raise PlanningError(f"order: {each.name} is not of this plan")
        before, after = self._blocks[first.id - 1], self._blocks[then.id - 1]
        before.kept = after.kept = True
        self._orders.append((before, after))

    def subject(self) -> str:
        """What the plan works on: `nginx on web1`."""
        return " ".join(word for word in (self._works_on, on_hosts(self._hosts())) if word)

    @contextmanager
    def block(self, kind: str) -> Iterator[None]:
        """Collect what is planned inside in a block of its own."""
        outer, self._block = self._block, Block(kind)
        try:
            yield
        finally:
            outer.parts.append(self._block)
            self._block = outer

    @contextmanager
    def rollout(self, how: Rollout) -> Iterator[None]:
        """Let the branches that are planned inside take turns."""
        with self._turns.rollout(how), self.block("C"):
            yield

    @contextmanager
    def branch(self) -> Iterator[None]:
        """What is planned inside is the work of one host."""
        with self._turns.branch(self._steps), self.block("C"):
            yield

    def draft(self) -> PlanDraft:
        """Return the planned plan; PlanningError for a cycle."""
        maker = GraphMaker()
        maker.add(self._root)
        for first, then in self._orders:
            maker.order(first, then)
        maker.chain_after_all(self._finalize)
        for producer, consumer in sorted(self._references):
            maker.reference(producer, consumer)
        optional = (edge for edge, required in self._references.items() if not required)
        graph = maker.graph(frozenset(self._references), frozenset(optional), self._turns.planned())
        check_apart(graph, self._steps)
        open_steps = [step for step in self._steps if step.phase is not Phase.PLAN]
        self._plan.counts = {StepState.PENDING: len(open_steps)} if open_steps else {}
        self._plan.hosts = self._hosts()
        self._plan.locks = merged(self._locks)
        return self._told(PlanDraft(self._plan, self._actions, self._steps, graph))

    def failed(self, error: Exception, now: float) -> PlanDraft:
        """Return the plan as stopped/error; the steps of the planning action and its ancestors failed."""
        said = _in_words(self._parents[-1] if self._parents else None, error)
        record = ErrorRecord(type(error).__name__, said, traceback.format_exc())
        failing = {self._actions[action.id - 1].plan_step_id for action in self._parents} or {1}
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
        return self._told(PlanDraft(plan, self._actions, steps, GraphMaker().graph(), history))

    def _told(self, draft: PlanDraft) -> PlanDraft:
        """Add what the hooks of the plan are called for, if it has some."""
        if self._hooked:
            plan = draft.plan
            plan.hooks = tuple(self._hooked)
            states = (PlanState.PENDING, PlanState.PLANNING, plan.state)
            draft.hooks = HookRecord.of(plan, states, plan.created_at)
        return draft

    def _hosts(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(step.host for step in self._steps if step.host))

    def _add_step(self, action_id: int, phase: Phase, action: type[Action], state: StepState) -> StepRecord:
        queue = self._queues[action_id - 1]
        step = StepRecord(len(self._steps) + 1, action_id, phase, action.name, state, queue=queue)
        step.weight = action.finalize_weight if phase is Phase.FINALIZE else action.run_weight
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


def _call_plan(made: Action, *args: Any, **fields: Any) -> None:
    """Call the plan method; when it raises TypeError, say so if the arguments were the reason."""
    try:
        made.plan(*args, **fields)
    except TypeError:
        check_plan_arguments(type(made), args, fields)
        raise


def _output_keys(action: type[Action]) -> tuple[str, ...]:
    """The keys that an output of the action has; none, if it may have any."""
    model = action.Output
    return () if model is None or model.model_config.get("extra") == "allow" else tuple(model.model_fields)


def _in_words(failing: Action | None, error: Exception) -> str:
    """What went wrong, for people: a KeyError says no more than the key."""
    if isinstance(error, McoflowError) or not isinstance(error, LookupError | TypeError | AttributeError):
        return str(error) or type(error).__name__
    where = f"{failing.name}: plan" if failing is not None else "label"
    return f"{where} raised {type(error).__name__}: {error}"
