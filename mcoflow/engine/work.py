"""What steps work on, and who does the work: their classes, their texts, the worker pools."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeGuard
from uuid import UUID

from mcoflow.action.base import Action
from mcoflow.action.chain import Chains
from mcoflow.action.host_action import HostAction
from mcoflow.action.registry import Registry
from mcoflow.action.sub_plans import WithSubPlans
from mcoflow.domain.caller import Caller
from mcoflow.domain.events import Event, Signal
from mcoflow.domain.records import ErrorRecord, HistoryRecord, StepRecord
from mcoflow.domain.states import StepState
from mcoflow.engine.arrivals import SILENCE
from mcoflow.engine.batch import Batch
from mcoflow.engine.calls import CallData, CallResult, call
from mcoflow.engine.children import Children, ParentStep
from mcoflow.engine.memory import Memory
from mcoflow.engine.plan_run import PlanRun
from mcoflow.engine.step_world import OptionsOfCall, StepWorld
from mcoflow.engine.wanted import Wanted
from mcoflow.errors import McoflowError
from mcoflow.ports.output import NewChunks
from mcoflow.ports.store import ActionKey
from mcoflow.ports.sub_plans import SubPlanStore


@dataclass(frozen=True, slots=True)
class JobDone:
    """A worker's report. `texts` are the input and output that the call was given, so that nobody has to read
    them again; `event_id` is the event that it consumed."""

    plan_id: UUID
    step_id: int
    attempt: int
    texts: tuple[str, str]
    result: CallResult
    event_id: UUID | None


class Work:
    """Finds what a call needs, and hands calls to the workers with the batch."""

    def __init__(
        self,
        memory: Memory,
        actions: Registry,
        chains: Chains,
        report: Callable[[JobDone], None],
        *,
        world_id: UUID,
        store: SubPlanStore,
        options: OptionsOfCall | None = None,
    ) -> None:
        self._memory = memory
        self._actions = actions
        self._chains = chains
        self._report = report
        self._world_id = world_id
        self._store = store
        self._options = options
        self.draining = False  #: no more code may be started, the process is about to end

    def action(self, step: StepRecord) -> type[Action] | ErrorRecord:
        """The class of a step's action; an error if this process does not have it."""
        try:
            return self._actions.find(step.action)
        except McoflowError as error:
            return ErrorRecord(type(error).__name__, str(error))

    def is_called_here(self, action: type[Action]) -> TypeGuard[type[HostAction]]:
        """Whether the director itself calls it: one that is pure, unless it was set apart."""
        return self.is_pure(action) and not self._actions.is_apart(action)

    def is_pure(self, action: type[Action]) -> bool:
        """Whether a call of it has no effect of its own: a host action, but for one with middleware."""
        return issubclass(action, HostAction) and not self._chains.of(action).has("run")

    def load(self, run: PlanRun, step: StepRecord) -> None:
        """Have at hand what data() needs."""
        self._memory.texts.load(keys(run, step))

    def data(self, run: PlanRun, step: StepRecord) -> CallData:
        """What a call of the step works on; it was loaded before."""
        texts = self._memory.texts
        given, output = texts.get((run.id, step.action_id))
        outputs = {each: texts.get((run.id, each))[1] for each in run.producers(step.id)}
        return CallData(
            run.id, step.action_id, given, output, outputs, self._memory.read_chunks, error=step.error
        )

    def keep_output(self, batch: Batch, run: PlanRun, step: StepRecord, output: str | None) -> None:
        """Have the output of a step's action stored, if it changed."""
        key = (run.id, step.action_id)
        given, before = self._memory.texts.get(key)
        if output is not None and output != before:
            batch.outputs[key] = output
            self._memory.texts.put(key, (given, output))

    def keep_chunks(self, batch: Batch, run: PlanRun, step: StepRecord, result: CallResult) -> None:
        """Have stored what a call said, and forgotten what it wants forgotten."""
        produced = result.produced
        if produced.drop_chunks and result.state is StepState.SUCCESS:
            batch.dropped_chunks.append((run.id, step.action_id))
        if produced.chunks:
            batch.new_chunks.append(NewChunks(run.id, step.action_id, produced.chunks, batch.now))

    def to_worker(
        self,
        batch: Batch,
        run: PlanRun,
        step: StepRecord,
        event: Event | Signal | None = None,
        event_id: UUID | None = None,
    ) -> None:
        """Let a worker call the step's code once the batch is committed; its data was loaded before."""
        action = self.action(step)
        if isinstance(action, ErrorRecord):
            run.fail(step, action, batch.now)
            return
        run.move(step, StepState.RUNNING, batch.now)
        if step.outcome is None:  # else it is a part of the outcome
            step.reason = ""
        batch.touch(run)
        batch.dropped_timers += self._memory.drop_timers((run.id, step.id), (SILENCE,))
        self.submit(batch, run, step, event, event_id)

    def submit(
        self,
        batch: Batch,
        run: PlanRun,
        step: StepRecord,
        event: Event | Signal | None,
        event_id: UUID | None = None,
    ) -> None:
        """Have a worker call the step's code, whatever the step's state; its class is known."""
        found = self.action(step)
        assert isinstance(found, type)
        data, report = self.data(run, step), self._report
        children = self._children(batch, run, step) if issubclass(found, WithSubPlans) else None
        data.sub_planner = children
        if self._options is not None:
            data.world = StepWorld(
                self._options, Caller(run.id, step.action_id), step.id, run.plan.user, event_id
            )
        chain = self._chains.of(found)
        plan_id, step_id, phase, attempt = run.id, step.id, step.phase, step.attempt

        def job() -> None:
            result = call(found, phase, data, event, chain)
            if children is not None and result.state is StepState.SUSPENDED:
                result.drafts = children.drafts
            report(JobDone(plan_id, step_id, attempt, (data.input, data.output), result, event_id))

        batch.jobs.append((run.id, step.queue, job))

    def _children(self, batch: Batch, run: PlanRun, step: StepRecord) -> Children:
        caller = ParentStep(run.id, step.action_id, step.id, step.attempt, run.plan.user, batch.now)
        world = self._options(Wanted(run.plan.user)) if self._options is not None else None
        find_hosts = world.hosts_matching if world is not None else None
        return Children(caller, self._store, self._actions, self._chains, find_hosts)

    def note(self, batch: Batch, run: PlanRun, name: str, *, actor: str = "", detail: str = "") -> None:
        """Add a line to the plan's history."""
        batch.history.append(HistoryRecord(run.id, batch.now, name, self._world_id, actor, detail))


def keys(run: PlanRun, step: StepRecord) -> list[ActionKey]:
    """The actions whose texts a call of the step needs: its own, and those that its input refers to."""
    return [(run.id, each) for each in (step.action_id, *run.producers(step.id))]
