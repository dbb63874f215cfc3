"""Bringing plans to rest of which nothing is under way, unless their actions want them to go on."""

from __future__ import annotations

from typing import Final

from mcoflow.action.rescue import Rescue
from mcoflow.domain.states import PlanState
from mcoflow.engine.batch import Batch
from mcoflow.engine.memory import Memory
from mcoflow.engine.plan_run import PlanRun
from mcoflow.engine.quarantine import break_off
from mcoflow.engine.rescue import RescueAsked, Rescuing
from mcoflow.engine.revert import Reverting
from mcoflow.engine.steps import Steps
from mcoflow.errors import CommandRefusedError
from mcoflow.ports.measures import RESCUES

_RESCUED: Final = "rescue"


class Resting:
    """Concludes plans at the end of each batch."""

    def __init__(self, memory: Memory, steps: Steps, rescuing: Rescuing, reverting: Reverting) -> None:
        self._memory = memory
        self._work = steps.work
        self._skipping = steps.skipping
        self._waking = steps.waking
        self._parents = steps.parents
        self._rescuing = rescuing
        self._reverting = reverting

    def conclude(self, batch: Batch) -> None:
        """Bring plans to rest of which nothing is under way, and note it in their history."""
        for run in list(batch.touched.values()):
            if run.id in batch.dropped:
                continue
            try:
                self._conclude(batch, run)
            except Exception as error:  # noqa: BLE001 - the other plans must not suffer
                break_off(self._memory, batch, run.id, error)

    def rescued(self, batch: Batch, asked: RescueAsked) -> None:
        """Do what the actions of a plan want; they are not heard if something else has failed, or acted."""
        run = self._memory.runs.get(asked.plan_id)
        if run is None:
            return
        run.asked = False
        batch.touch(run)
        failed = {step.id for step in run.failed_at_rest()}
        if failed != asked.failed or run.plan.cancel_requested:
            return
        run.rescued |= failed
        batch.tell(run.id, (RESCUES, asked.strategy))
        if asked.strategy is not Rescue.PAUSE:
            names = ", ".join(map(str, sorted(failed)))
            steps = "step" if len(failed) == 1 else "steps"
            self._work.note(batch, run, _RESCUED, detail=f"{asked.strategy} for {steps} {names}")
        match asked.strategy:
            case Rescue.SKIP:
                self._skipping.skip_and_go_on(batch, run, sorted(failed))
            case Rescue.REVERT:
                self._revert(batch, run)
            case Rescue.FAIL:
                self._rest(batch, run, fail=True)
            case Rescue.PAUSE:
                self._rest(batch, run)

    def _conclude(self, batch: Batch, run: PlanRun) -> None:
        if run.plan.cancel_requested or not (run.asked or self._asks(batch, run)):
            self._rest(batch, run)
        if run.plan.state is PlanState.STOPPED:
            for step in self._memory.left_of(run):  # of steps that were to run again, and now never will
                self._waking.drop_left(batch, run, step)
        if run.plan.state is not PlanState.RUNNING:
            if any(map(self._parents.has, run.steps.values())):
                batch.hushed.add(run.id)
            run.plan.owner = None  # whoever gives the next command claims it anew

    def _asks(self, batch: Batch, run: PlanRun) -> bool:
        """Have the actions asked what shall become of the plan; each failed step once per execution.

        A process that is about to end starts no code: it leaves the plan running, and the next owner asks.
        """
        failed = run.failed_at_rest()
        if not failed or any(step.id in run.rescued for step in failed):
            return False
        if not self._rescuing.has_a_say(run):
            return False
        run.asked = True
        if not self._work.draining:
            self._rescuing.ask(batch, run)
        return True

    def _revert(self, batch: Batch, run: PlanRun) -> None:
        try:
            self._reverting.start(batch, run)
        except CommandRefusedError:  # no class of it can: a person has to decide
            self._rest(batch, run)

    def _rest(self, batch: Batch, run: PlanRun, *, fail: bool = False) -> None:
        if run.rest(batch.now, fail=fail):
            name = "pause execution" if run.plan.state is PlanState.PAUSED else "finish execution"
            self._work.note(batch, run, name, detail=run.plan.explanation)
