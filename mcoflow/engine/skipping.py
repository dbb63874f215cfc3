"""Skipping steps whose actions have a say: `on_skip` comes first, then all that the skip covers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from mcoflow.action.base import Action
from mcoflow.domain.events import Skip
from mcoflow.domain.records import StepRecord
from mcoflow.domain.states import Phase, StepState
from mcoflow.engine.batch import Batch
from mcoflow.engine.plan_run import PlanRun
from mcoflow.engine.work import JobDone, Work

READERS_ONLY: Final = "readers only"
"""The reason of a step that is being skipped without those that merely follow it."""


class Skipping:
    """Marks failed steps as skipped. Where `on_skip` is written, nothing else changes until it ended well.

    Should the executor die meanwhile, the next one calls it again.
    """

    def __init__(self, work: Work) -> None:
        self._work = work

    def mark(
        self, run: PlanRun, step_id: int, covered: Sequence[int], now: float, *, followers: bool
    ) -> None:
        """Mark a failed step of a paused plan, with what it covers; it is done when the plan is resumed."""
        step = run.steps[step_id]
        if self._has_a_say(step):
            run.skip([step_id], now)
            step.reason = "" if followers else READERS_ONLY
        else:
            run.skip(covered, now)

    def to_hear(self, run: PlanRun) -> list[int]:
        """The steps marked whose actions have a say."""
        marked = (step for step in run.steps.values() if step.state is StepState.SKIPPING)
        return [step.id for step in marked if self._has_a_say(step)]

    def skip_and_go_on(self, batch: Batch, run: PlanRun, failed: Iterable[int]) -> None:
        """Skip failed steps of a running plan with what reads their outputs."""
        heard = [step_id for step_id in failed if self._has_a_say(run.steps[step_id])]
        batch.open(run, run.skip_and_go_on([each for each in failed if each not in heard], batch.now))
        for step_id in heard:
            run.skip([step_id], batch.now)
            run.steps[step_id].reason = READERS_ONLY
        self.hear(batch, run, heard)

    def hear(self, batch: Batch, run: PlanRun, step_ids: Iterable[int]) -> None:
        """Call `on_skip` of these steps; the plan does not come to rest meanwhile."""
        for step_id in step_ids:
            step = run.steps[step_id]
            run.heard.add(step_id)
            run.live += 1
            if not self._work.draining:  # else the next owner calls it
                self._work.load(run, step)
                self._work.submit(batch, run, step, Skip())

    def ended(self, batch: Batch, run: PlanRun, step: StepRecord, done: JobDone) -> None:
        """Skip the step and what it covers; if `on_skip` failed, only the step is back in error."""
        batch.touch(run)
        run.heard.discard(step.id)
        run.live -= 1
        result = done.result
        step.execution_time += result.seconds
        self._work.keep_chunks(batch, run, step, result)
        if result.state is StepState.SUCCESS:
            self._work.keep_output(batch, run, step, result.output)
            followers = step.reason != READERS_ONLY
            batch.open(run, run.finish_skip(step, followers=followers, now=batch.now))
            return
        run.move(step, StepState.ERROR, batch.now)
        step.reason = ""
        why = result.error.message if result.error is not None else f"it ended as {result.state}"
        detail = f"step {step.id} is not skipped, its on_skip failed: {why}"
        self._work.note(batch, run, "skip", detail=detail[:500])

    def _has_a_say(self, step: StepRecord) -> bool:
        action = self._work.action(step)
        return step.phase is Phase.RUN and isinstance(action, type) and action.on_skip is not Action.on_skip
