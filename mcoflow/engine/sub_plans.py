"""Steps that wait for sub-plans: woken when those ring, with a count of them, never with themselves."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final
from uuid import UUID

from mcoflow.action.stage import ChildrenWait
from mcoflow.action.sub_plans import WithSubPlans
from mcoflow.domain.records import StepRecord
from mcoflow.domain.requests import CommandKind
from mcoflow.domain.states import Phase, StepState
from mcoflow.engine.arrivals import CHILDREN
from mcoflow.engine.batch import Batch
from mcoflow.engine.memory import Memory, StepKey
from mcoflow.engine.plan_run import PlanRun
from mcoflow.engine.waking import Waking
from mcoflow.engine.work import Work
from mcoflow.ports.sub_plans import SubPlanStore

BETWEEN_COUNTS: Final = 1.0
"""Seconds between two counts of the same sub-plans, however many of them ring."""
SAFETY: Final = 15.0
"""Seconds after which they are counted although none rang."""


class Parents:
    """The steps in memory that wait for sub-plans. Only the director's thread touches it."""

    def __init__(self, memory: Memory, work: Work, waking: Waking, store: SubPlanStore) -> None:
        self._memory = memory
        self._work = work
        self._waking = waking
        self._store = store
        self._counted_at: dict[StepKey, float] = {}
        self._unstored: set[StepKey] = set()  # they created sub-plans in the batch about to be stored
        self._deferred: set[StepKey] = set()  # of these, the ones to be counted right after it
        self._uncounted: set[StepKey] = set()
        self._rung: set[UUID] = set()

    def sleep(
        self, batch: Batch, run: PlanRun, step: StepRecord, wait: ChildrenWait, *, created: int = 0
    ) -> None:
        """Wake a step that begins to sleep when there is something to do for its sub-plans.

        Those that were `created` are stored with this batch: only after it can they be counted.
        """
        key = (run.id, step.id)
        counted_at = self._counted_at.setdefault(key, 0.0)
        self._deferred.discard(key)
        if created:
            self._unstored.add(key)
        batch.dropped_timers += self._memory.drop_timers(key, (CHILDREN,))
        step.reason = "its sub-plans"
        old = batch.now - counted_at >= BETWEEN_COUNTS
        if wait.more and not (created and (wait.fresh or old)):
            self.tick(batch, run, step, fresh=wait.fresh or old)
            return
        if wait.more:
            self._deferred.add(key)
        due_at = batch.now + SAFETY if wait.until is None else min(wait.until, batch.now + SAFETY)
        if run.id in self._rung:
            due_at = min(due_at, counted_at + BETWEEN_COUNTS)
        self._waking.set_timer(batch, run, step, CHILDREN, after=max(0.0, due_at - batch.now))

    def tick(self, batch: Batch, run: PlanRun, step: StepRecord, *, fresh: bool) -> None:
        """Wake a step, with a new count of its sub-plans if wanted.

        Not while some are about to be stored: a count would miss them, and they are counted right after.
        """
        key = (run.id, step.id)
        if self._memory.has_event(key, CHILDREN):
            return
        if fresh and key in self._unstored:
            self._deferred.add(key)
            return
        counts = None
        if fresh:
            self._rung.discard(run.id)
            counts = self._store.count_sub_plans(run.id, step.action_id)
            self._counted_at[key] = batch.now
        told = json.dumps({"at": batch.now, "attempt": step.attempt, "counts": counts})
        self._waking.add_event(batch, run, step, CHILDREN, told, optional=True)

    def adopt(self, batch: Batch, run: PlanRun, step: StepRecord) -> bool:
        """Count anew for a step whose executor died, wherever it was; False if it has no sub-plans."""
        if not self.has(step):
            return False
        if self._waking.awaits_next_try(run, step):
            return True
        if step.state is StepState.RUNNING:  # what it had begun was not stored; it goes on from what was
            run.move(step, StepState.SUSPENDED, batch.now)
            batch.touch(run)
        for event in self._memory.drop_events((run.id, step.id), keep="user"):
            batch.consumed_events.append((run.id, event.id))
        self._counted_at[run.id, step.id] = 0.0
        if run.plan.cancel_requested:
            run.told.discard(step.id)
        else:
            self.sleep(batch, run, step, ChildrenWait(more=True, fresh=True))
        return True

    def forward(self, run: PlanRun, kind: CommandKind, *, actor: str, now: float) -> None:
        """Give a command to the sub-plans of a plan at rest, whose steps cannot do it: once per attempt."""
        for step in run.steps.values():
            began = step.started_at is not None or step.attempt > 1
            if step.phase is Phase.RUN and began and self.has(step):
                token = f"{run.id}/{step.id}/{step.attempt}/at rest"
                self._store.command_sub_plans(run.id, step.action_id, kind, token=token, at=now, actor=actor)

    def has(self, step: StepRecord) -> bool:
        """Whether the step is one that has sub-plans."""
        action = self._work.action(step)
        return isinstance(action, type) and issubclass(action, WithSubPlans)

    def rang(self, plan_ids: Iterable[UUID | None], now: float) -> None:
        """Hear that sub-plans of these plans, if they are ours, came to rest: count soon."""
        for plan_id in plan_ids:
            if plan_id is not None and plan_id in self._memory.runs and plan_id not in self._rung:
                self._rung.add(plan_id)
                self._hurry(plan_id, now)

    def stored(self) -> None:
        """Hear that what was created is stored: the next look can count it."""
        self._uncounted |= self._deferred
        self._deferred.clear()
        self._unstored.clear()

    def look(self, batch: Batch) -> None:
        """Count what was stored meanwhile, and hear of those that came to rest elsewhere.

        Costs nothing while no step waits for sub-plans.
        """
        if not self._counted_at:
            return
        uncounted, self._uncounted = self._uncounted, set()
        for key in filter(self._waits, uncounted):
            run = self._memory.runs[key[0]]
            self.tick(batch, run, run.steps[key[1]], fresh=True)
        for key in [each for each in self._counted_at if not self._waits(each)]:
            del self._counted_at[key]
        self._rung &= self._memory.runs.keys()
        silent = {plan_id for plan_id, _ in self._counted_at} - self._rung
        if silent:
            self.rang(self._store.rung(silent), batch.now)

    def _hurry(self, plan_id: UUID, now: float) -> None:
        """Let the timers of the steps of a plan that wait for sub-plans go off as soon as they may."""
        for key, counted_at in self._counted_at.items():
            if key[0] == plan_id:
                for timer in self._memory.timers_of(key):
                    if timer.kind == CHILDREN:
                        due_at = max(now, counted_at + BETWEEN_COUNTS)
                        self._memory.put_off(timer, min(timer.due_at, due_at))

    def _waits(self, key: StepKey) -> bool:
        run = self._memory.runs.get(key[0])
        return run is not None and run.steps[key[1]].state in (StepState.RUNNING, StepState.SUSPENDED)
