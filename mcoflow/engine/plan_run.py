"""A plan in the memory of its owner: which steps may start, and where the plan stands.

Pure: no I/O, no clock, no threads. Ids, states and counts only, never input or output.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from uuid import UUID

from mcoflow.domain.graph import Graph
from mcoflow.domain.records import ErrorRecord, PlanRecord, PlanSnapshot, StepRecord
from mcoflow.domain.states import (
    DONE_STEP_STATES,
    FINAL_STEP_STATES,
    Phase,
    PlanResult,
    PlanState,
    StepState,
    check_plan_move,
    check_step_move,
)
from mcoflow.engine.cover import covered_by, with_readers
from mcoflow.engine.frontier import Frontier
from mcoflow.engine.progress import Progress
from mcoflow.engine.undo import undo_graph
from mcoflow.engine.verdict import exceeded_in_words, explanation_of, paused_on_request, result_of
from mcoflow.engine.waves import Waves

_LIVE = frozenset({StepState.RUNNING, StepState.SUSPENDED})


class PlanRun:
    """One plan that this executor owns.

    `changed` maps the steps moved since the last commit to the state in which they were stored; whoever
    commits clears it. `touched` says that the plan's own row has to be written. `requests` are the open
    requests of each suspended step. `rescued` are the failed steps about which the actions were heard in
    this execution, `asked` says that they are being heard. `heard` are the steps that are skipped once
    their on_skip has ended. `told` are the steps that know that the plan was cancelled. `rested` says that
    the plan is stored as paused: going on, it has to take its locks again. While `reverting`, `graph` is
    that of the steps that undo. `moments` are the states that the plan came to since the last commit, if it
    has hooks.
    """

    __slots__ = (
        "_frontier",
        "_producers",
        "asked",
        "changed",
        "heard",
        "live",
        "moments",
        "plan",
        "progress",
        "requests",
        "rescued",
        "rested",
        "reverting",
        "steps",
        "told",
        "touched",
    )

    def __init__(self, snapshot: PlanSnapshot) -> None:
        self.plan: PlanRecord = snapshot.plan
        self.steps = {step.id: step for step in snapshot.steps if step.phase is not Phase.PLAN}
        self.reverting = any(step.phase is Phase.REVERT for step in self.steps.values())
        graph = undo_graph(snapshot.graph, self.steps.values()) if self.reverting else snapshot.graph
        self._frontier = Frontier(graph, self.steps)
        self.changed: dict[int, StepState] = {}
        self.touched = False
        self.rested = self.plan.state is PlanState.PAUSED
        self.moments: list[PlanState] = []
        self.live = sum(step.state in _LIVE for step in self.steps.values())
        self.progress = Progress(self.steps.values())
        self.requests: dict[int, list[UUID]] = {}
        self.rescued: set[int] = set()
        self.heard: set[int] = set()
        self.asked = False
        self.told = {step.id for step in self.suspended()} if self.plan.cancel_requested else set()
        self._producers: dict[int, list[int]] | None = None

    @property
    def id(self) -> UUID:
        """The plan's id."""
        return self.plan.id

    @property
    def graph(self) -> Graph:
        """In which order its steps run; while `reverting`, that of the steps that undo."""
        return self._frontier.graph

    @property
    def waves(self) -> tuple[Waves, ...]:
        """The rollouts whose hosts take turns."""
        return self._frontier.waves

    def producers(self, step_id: int) -> list[int]:
        """The actions whose outputs the input of a step's action refers to."""
        if not self.graph.references:
            return []
        if self._producers is None:
            self._producers = {}
            for producer, consumer in self.graph.references:
                reader = self.steps[consumer].action_id  # its finalize step has the same input
                self._producers.setdefault(reader, []).append(self.steps[producer].action_id)
        return self._producers.get(self.steps[step_id].action_id, [])

    # -- moving -------------------------------------------------------------------------------------------

    def begin(self, now: float, heard: Collection[int] = ()) -> list[int]:
        """Take the plan up and return the steps that may start.

        In a paused plan, steps marked as skipping are skipped, but those whose actions are `heard` first, and
        failed ones are tried once more. A running plan, taken over from another executor, just goes on.
        """
        if self.plan.state is PlanState.PAUSED:
            self._finish_skips(now, heard)
            for step in self.failed_steps():
                self.retry(step)
            for step in self.held():
                self.next_try(step)
        if self.plan.state is not PlanState.RUNNING:
            self._move_plan(PlanState.RUNNING)
            self.plan.result, self.plan.explanation = PlanResult.PENDING, ""
        self.plan.started_at = self.plan.started_at or now
        return self._frontier.open_all()

    def may_start(self, step: StepRecord) -> bool:
        """Whether a step that is ready is let go: not after a pause, and after a cancel only to finalize."""
        plan = self.plan
        if step.state is not StepState.PENDING or plan.state is not PlanState.RUNNING or plan.pause_requested:
            return False
        return not plan.cancel_requested or step.phase is Phase.FINALIZE

    def retry(self, step: StepRecord) -> None:
        """Make a failed step, or one whose executor died inside it, pending once more."""
        self.move(step, StepState.PENDING, 0.0)
        step.tries, step.warnings = 0, ()
        self.next_try(step)
        step.started_at = step.ended_at = None

    def next_try(self, step: StepRecord) -> None:
        """Let the next attempt of a step that failed begin without what the last one left."""
        self.touch(step)
        step.attempt += 1
        step.error, step.outcome, step.reason = None, None, ""
        self.tell_progress(step, None)

    def held(self) -> list[StepRecord]:
        """The steps that waited for their next try when the plan was paused: they keep the count of tries."""
        return [step for step in self.steps.values() if step.state is StepState.PENDING and step.tries]

    def move(self, step: StepRecord, to: StepState, now: float) -> None:
        """Move a step and keep the counts; InvalidMoveError if the table does not have the move."""
        seen = step.state
        check_step_move(f"{step.id} of plan {self.id}", seen, to)
        self.changed.setdefault(step.id, seen)
        self.touched = True
        self.live += (to in _LIVE) - (seen in _LIVE)
        counts = self.plan.counts
        counts[seen] = counts.get(seen, 0) - 1
        if not counts[seen]:
            del counts[seen]
        counts[to] = counts.get(to, 0) + 1
        if step.warned:
            self.plan.warned += (to is StepState.SUCCESS) - (seen is StepState.SUCCESS)
        if to in DONE_STEP_STATES or seen in DONE_STEP_STATES:
            gained = 1.0 - (step.progress or 0.0)
            self.plan.progress = self.progress.gained(step, gained if to in DONE_STEP_STATES else -gained)
        step.state = to
        if to in _LIVE and step.started_at is None:
            step.started_at = now
        elif to in FINAL_STEP_STATES or to is StepState.ERROR:
            step.started_at = step.started_at or now
            step.ended_at = now
            if self.waves:
                self._frontier.ended(step, seen)

    def tell_progress(self, step: StepRecord, told: float | None) -> None:
        """Note how far an attempt is, never back; None forgets it, for the next attempt."""
        before = step.progress or 0.0
        step.progress = None if told is None else max(before, told)
        self.plan.progress = self.progress.gained(step, (step.progress or 0.0) - before)
        self.touch(step)

    def touch(self, step: StepRecord) -> None:
        """Have a step written that changed something else than its state."""
        self.changed.setdefault(step.id, step.state)
        self.touched = True

    def succeed(self, step: StepRecord, now: float) -> list[int]:
        """End a step well and return the steps that may start because of it."""
        self.move(step, StepState.SUCCESS, now)
        return self._frontier.open_after(step.id)

    def hold_back(self, step: StepRecord, now: float) -> None:
        """Make a running step pending until the plan is resumed."""
        self.move(step, StepState.PENDING, now)
        self._frontier.close(step.id)

    def fail(self, step: StepRecord, error: ErrorRecord, now: float) -> None:
        """End a step in error; what follows it stays pending."""
        self.move(step, StepState.ERROR, now)
        step.error = error

    # -- people -------------------------------------------------------------------------------------------

    def revert(self, steps: Iterable[StepRecord], now: float) -> list[int]:
        """Go on with steps that undo others, in a plan at rest; return those that may start."""
        for step in self.steps.values():
            if step.state is StepState.SKIPPING:
                self.move(step, StepState.ERROR, now)
        counts = self.plan.counts
        for step in steps:
            self.steps[step.id] = step
            counts[StepState.PENDING] = counts.get(StepState.PENDING, 0) + 1
        self.reverting = True
        self._frontier = Frontier(undo_graph(self.graph, self.steps.values()), self.steps)
        return self.begin(now)

    def covered_by_skip(self, step_id: int, *, followers: bool = True) -> list[int]:
        """The steps that are skipped with a failed one; see `covered_by`."""
        return covered_by(step_id, self.graph, self.steps, followers=followers)

    def skip(self, step_ids: Iterable[int], now: float) -> None:
        """Mark a failed step as skipping, and skip the pending ones that it covers."""
        for step_id in step_ids:
            step = self.steps[step_id]
            failed = step.state is StepState.ERROR
            self.move(step, StepState.SKIPPING if failed else StepState.SKIPPED, now)

    def pass_over(self, steps: Iterable[StepRecord], now: float) -> list[int]:
        """Skip steps that were not begun, with what reads their outputs; return the steps that may start."""
        passed = {step.id for step in steps}
        covered = with_readers(passed, self.graph, self.steps)
        opens = [step_id for step_id in sorted(passed) if self._frontier.is_open(step_id)]
        self.skip(covered, now)
        if any(self.steps[each].phase is Phase.RUN for each in covered - passed):
            return self._frontier.open_all()  # of whatever rollout they are
        return [ready for step_id in opens for ready in self._frontier.open_after(step_id)]

    def skip_and_go_on(self, step_ids: Iterable[int], now: float) -> list[int]:
        """Skip failed steps with what reads their outputs; return the steps that may start because of it."""
        for step_id in step_ids:
            self.skip(self.covered_by_skip(step_id, followers=False), now)
        self._finish_skips(now, self.heard)
        return self._frontier.open_all()

    def cancel_rest(self, now: float) -> None:
        """Cancel every step that is not live and not final."""
        left = [s for s in self.steps.values() if s.state not in _LIVE and s.state not in FINAL_STEP_STATES]
        for step in left:
            self.move(step, StepState.CANCELLED, now)
        if left and self.plan.rollout is not None:
            self._frontier.open_all()  # hosts that never had their turn are counted now
            self.plan.rollout = replace(self.plan.rollout, tallies=tuple(each.tally for each in self.waves))

    def suspended(self) -> list[StepRecord]:
        """The steps that sleep."""
        return [step for step in self.steps.values() if step.state is StepState.SUSPENDED]

    # -- coming to rest -----------------------------------------------------------------------------------

    def rest(self, now: float, *, fail: bool) -> bool:
        """Pause or stop the plan if nothing of it is under way; return whether it came to rest.

        Args:
            now: the time.
            fail: a failed plan is stopped instead of paused.
        """
        if self.live or self.plan.state is not PlanState.RUNNING:
            return False
        if self.reverting:
            return self._rest_reverting(now)
        run_steps_done = all(
            step.state in DONE_STEP_STATES for step in self.steps.values() if step.phase is Phase.RUN
        )
        counts = self.plan.counts
        if self.plan.cancel_requested and (not run_steps_done or counts.get(StepState.ERROR)):
            self.cancel_rest(now)
        failed = counts.get(StepState.ERROR, 0) > 0
        if self._waits_for_dispatch():
            return self._rest_exceeded(now) or self._rest_on_request(failed=failed)
        if not failed:
            self.cancel_rest(now)  # what is left follows a step that ended as cancelled: it can never start
        self._move_plan(PlanState.PAUSED if failed and not fail else PlanState.STOPPED)
        self._conclude(now)
        return True

    def _rest_reverting(self, now: float) -> bool:
        """Stop the plan once all is undone, or pause it if an undoing step has failed."""
        failed = bool(self.failed_steps())
        if self.plan.cancel_requested:
            self.stop_at_rest(now)
            return True
        if self._waits_for_dispatch():
            return self._rest_on_request(failed=failed)
        self._move_plan(PlanState.PAUSED if failed else PlanState.STOPPED)
        self._conclude(now)
        undoing = (step for step in self.steps.values() if step.phase is Phase.REVERT)
        self.plan.result = PlanResult.ERROR
        self.plan.reverted = all(step.state is StepState.SUCCESS for step in undoing)
        return True

    def _rest_on_request(self, *, failed: bool) -> bool:
        """Pause, though steps could start, if somebody asked for it."""
        plan = self.plan
        if not plan.pause_requested:
            return False
        self._move_plan(PlanState.PAUSED)
        plan.result = PlanResult.ERROR if failed else PlanResult.PENDING
        plan.explanation = paused_on_request(plan, held=len(self.held()))
        plan.pause_requested, plan.owner = False, None
        return True

    def _rest_exceeded(self, now: float) -> bool:
        """Pause or stop a rollout in which too many have failed, though others could have their turn."""
        too_many = next((each for each in self.waves if each.tally.exceeded), None)
        if too_many is None:
            return False
        self._move_plan(PlanState.STOPPED if too_many.stops else PlanState.PAUSED)
        self._conclude(now)
        self.plan.result = PlanResult.ERROR
        self.plan.explanation = exceeded_in_words(too_many.tally, self.plan.explanation)
        return True

    def stop_at_rest(self, now: float) -> None:
        """Cancel a plan of which nothing is under way."""
        self.cancel_rest(now)
        self._move_plan(PlanState.STOPPED)
        self._conclude(now)

    def break_off(self, error: ErrorRecord, now: float) -> None:
        """Pause a plan at which the engine itself failed: what was under way ends in error."""
        for step in self.steps.values():
            if step.state in _LIVE:
                self.fail(step, error, now)
        if self.plan.state is PlanState.PLANNED:
            self._move_plan(PlanState.RUNNING)
        self._move_plan(PlanState.PAUSED)
        self.plan.result, self.plan.owner = PlanResult.ERROR, None
        self.plan.explanation = error.message[:500]

    def failed_at_rest(self) -> list[StepRecord]:
        """The steps in error, once nothing is under way and nothing may start."""
        resting = not self.live and self.plan.state is PlanState.RUNNING
        failed = resting and self.plan.counts.get(StepState.ERROR)
        if self.reverting or not failed or self._waits_for_dispatch():
            return []
        return self.failed_steps()

    def failed_steps(self) -> list[StepRecord]:
        """The steps in error; of a plan that is being reverted, those that undo."""
        failed = [step for step in self.steps.values() if step.state is StepState.ERROR]
        return [step for step in failed if step.phase is Phase.REVERT] if self.reverting else failed

    def finish_skip(self, step: StepRecord, *, followers: bool, now: float) -> list[int]:
        """Skip a step whose action was heard, with what it covers; return the steps that may start now."""
        covered = self.covered_by_skip(step.id, followers=followers)
        self.move(step, StepState.SKIPPED, now)
        self.skip(covered, now)
        return self._frontier.open_all()

    def _finish_skips(self, now: float, heard: Collection[int] = ()) -> None:
        for step in self.steps.values():
            if step.state is StepState.SKIPPING and step.id not in heard:
                self.move(step, StepState.SKIPPED, now)

    def _conclude(self, now: float) -> None:
        plan = self.plan
        plan.result = result_of(plan, self.steps.values())
        plan.explanation = explanation_of(self.steps.values())
        plan.pause_requested, plan.owner = False, None
        if plan.state is PlanState.STOPPED:
            plan.ended_at = now
            plan.started_at = plan.started_at or now
            plan.progress = plan.progress if self.steps else 1.0

    def _move_plan(self, to: PlanState) -> None:
        check_plan_move(str(self.id), self.plan.state, to)
        self.plan.state = to
        self.touched = True
        if self.plan.hooks:
            self.moments.append(to)

    def _waits_for_dispatch(self) -> bool:
        """Whether a step was opened and not started: the executor takes its leave, the next one starts it."""
        return any(
            step.state is StepState.PENDING and self._frontier.is_open(step.id) and not self._is_stuck(step)
            for step in self.steps.values()
            if not self.reverting or step.phase is Phase.REVERT
        )

    def _is_stuck(self, step: StepRecord) -> bool:
        return any(waves.is_stuck(step.id) for waves in self.waves)
