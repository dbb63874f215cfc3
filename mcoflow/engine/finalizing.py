"""The finalize phase as one job: in a transaction of the user's, or with middleware around all of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from uuid import UUID

from mcoflow.action.base import Action
from mcoflow.action.chain import Chain, Chains
from mcoflow.action.registry import Registry
from mcoflow.domain.records import ErrorRecord, StepRecord
from mcoflow.domain.states import Phase, StepState
from mcoflow.domain.view import PlanView
from mcoflow.engine.batch import Batch
from mcoflow.engine.calls import CallData, CallResult, call, failure
from mcoflow.engine.memory import Memory
from mcoflow.engine.plan_run import PlanRun
from mcoflow.engine.work import Work, keys
from mcoflow.errors import UnknownActionError


@dataclass(frozen=True, slots=True)
class PhaseDone:
    """A worker's report of a finalize phase: what came of its steps, up to the first that failed.

    `failed` is what failed beside them: a middleware, or the commit of the user's transaction.
    """

    plan_id: UUID
    step_id: int
    attempt: int
    results: Sequence[tuple[int, CallResult]]
    failed: CallResult | None = None


@dataclass(frozen=True, slots=True)
class _Call:
    step_id: int
    action: type[Action]
    data: CallData
    chain: Chain


class _StepFailed(Exception):  # noqa: N818 - a signal to the transaction, no error of its own
    """Lets the user's transaction roll back."""


class Finalizing:
    """Starts finalize phases that are one job, and takes what came of them.

    While it runs, its first step is running and the others are pending. In a transaction all of them are
    done, or none: should one fail, a resume repeats the phase.
    """

    def __init__(
        self,
        memory: Memory,
        work: Work,
        actions: Registry,
        chains: Chains,
        *,
        report: Callable[[PhaseDone], None],
        end: Callable[[Batch, PlanRun, StepRecord, CallResult], None],
    ) -> None:
        self._memory = memory
        self._work = work
        self._actions = actions
        self._chains = chains
        self._report = report
        self._end = end

    def is_one(self, run: PlanRun) -> bool:
        """Whether the finalize phase of a plan is one job."""
        return self._chains.transaction is not None or self._around(run).has("finalize_phase")

    def start(self, batch: Batch, run: PlanRun, first: StepRecord) -> None:
        """Let a worker do the rest of the phase, from a step that may start."""
        steps = [first] + [
            step
            for step in run.steps.values()
            if step.phase is Phase.FINALIZE and step.state is StepState.PENDING and step is not first
        ]
        self._memory.texts.load([key for step in steps for key in keys(run, step)])
        calls: list[_Call] = []
        for step in steps:
            action = self._work.action(step)
            if isinstance(action, ErrorRecord):
                run.fail(first, action, batch.now)
                return
            calls.append(_Call(step.id, action, self._work.data(run, step), self._chains.of(action)))
        run.move(first, StepState.RUNNING, batch.now)
        batch.touch(run)
        view, around, attempt = PlanView.of(run.plan), self._around(run), first.attempt

        def job() -> None:
            self._report(self._done(view, around, calls, attempt))

        batch.jobs.append((run.id, first.queue, job))

    def done(self, batch: Batch, done: PhaseDone) -> None:
        """Take a worker's report; one for a plan or an attempt that is no longer ours is dropped."""
        run = self._memory.runs.get(done.plan_id)
        first = run.steps.get(done.step_id) if run is not None else None
        if run is None or first is None or (first.state, first.attempt) != (StepState.RUNNING, done.attempt):
            return
        steps = [run.steps[step_id] for step_id, _ in done.results]
        self._memory.texts.load([(run.id, step.action_id) for step in (first, *steps)])
        batch.touch(run)
        if done.results and done.results[0][0] != first.id:
            run.hold_back(first, batch.now)
        for step, (_, result) in zip(steps, done.results, strict=True):
            self._end(batch, run, step, result)
        if done.failed is not None:
            self._end(batch, run, first, done.failed)

    def _around(self, run: PlanRun) -> Chain:
        try:
            return self._chains.of(self._actions.find(run.plan.action))
        except UnknownActionError:
            return Chain()

    def _done(self, view: PlanView, around: Chain, calls: Sequence[_Call], attempt: int) -> PhaseDone:
        """On a worker: do all of it."""
        results: list[tuple[int, CallResult]] = []

        def finalize_all() -> None:
            for each in calls:
                result = call(each.action, Phase.FINALIZE, each.data, None, each.chain)
                results.append((each.step_id, result))
                if result.state is not StepState.SUCCESS:
                    raise _StepFailed

        adapter, failed = self._chains.transaction, None
        try:
            with adapter.transaction() if adapter is not None else nullcontext():
                around.around("finalize_phase", finalize_all, view)()
                if _failed(results):
                    raise _StepFailed  # a middleware may have caught the first
        except BaseException as error:  # noqa: BLE001 - whatever user code raises, the worker lives on
            failed = None if _failed(results) else failure(error)
        if failed is None and not results:  # the middleware left it out
            results = [(each.step_id, CallResult(StepState.SUCCESS)) for each in calls]
        if adapter is not None and (failed is not None or _failed(results)):
            results = results[-1:] if failed is None else []  # the others are rolled back
        elif failed is not None:
            results, failed = [*results[:-1], (calls[len(results[:-1])].step_id, failed)], None
        return PhaseDone(view.id, calls[0].step_id, attempt, results, failed)


def _failed(results: Sequence[tuple[int, CallResult]]) -> bool:
    return bool(results) and results[-1][1].state is not StepState.SUCCESS
