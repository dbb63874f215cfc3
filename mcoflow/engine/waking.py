"""Events and timers: what wakes a step that sleeps."""

from __future__ import annotations

import json
from typing import Final
from uuid import uuid4

from mcoflow.action.stage import Produced, Suspension
from mcoflow.domain.events import Forever
from mcoflow.domain.records import StepRecord
from mcoflow.domain.requests import EventRecord, TimerRecord
from mcoflow.domain.states import Phase, StepState
from mcoflow.engine.arrivals import SILENCE, loaded
from mcoflow.engine.batch import Batch
from mcoflow.engine.memory import Memory
from mcoflow.engine.plan_run import PlanRun
from mcoflow.engine.work import Work

DELAYED: Final = "event"
"""The kind of a timer that becomes a user event."""


class Waking:
    """Stores events and timers, and gives them to their steps one after another."""

    def __init__(self, memory: Memory, work: Work) -> None:
        self._memory = memory
        self._work = work

    def add_event(
        self,
        batch: Batch,
        run: PlanRun,
        step: StepRecord,
        kind: str,
        value: str,
        *,
        optional: bool = False,
    ) -> None:
        """Store an event for a step and wake it if it sleeps; one that cannot take it any more drops it."""
        if not takes_events(step):
            if not optional:
                detail = f"step {step.id} is {step.state}, it takes no {kind} event"
                self._work.note(batch, run, "event dropped", detail=detail)
            return
        event = EventRecord(uuid4(), run.id, step.id, batch.now, kind, value, optional)
        batch.touch(run)
        batch.new_events.append(event)
        self._memory.add_events([event])
        self.wake(batch, run, step)

    def wake(self, batch: Batch, run: PlanRun, step: StepRecord) -> None:
        """Give a suspended step the oldest event that waits for it."""
        if step.state is not StepState.SUSPENDED or self._work.draining:
            return
        event = self._memory.take_event((run.id, step.id))
        if event is not None:
            self._work.load(run, step)
            self._work.to_worker(batch, run, step, loaded(event), event.id)

    def send_produced(self, batch: Batch, run: PlanRun, step: StepRecord, produced: Produced) -> None:
        """Send the events that a call produced: at once, or by a timer."""
        for event in produced.events:
            target = run.steps.get(event.step_id or step.id)
            value = json.dumps(event.value)
            delay = event.delay.total_seconds()
            if target is None:
                self._work.note(batch, run, "event dropped", detail=f"there is no step {event.step_id}")
            elif delay > 0:
                due_at = batch.now + delay
                self._set_timer(batch, TimerRecord(uuid4(), run.id, target.id, due_at, DELAYED, value))
            else:
                self.add_event(batch, run, target, "user", value, optional=event.optional)

    def expect_silence(self, batch: Batch, run: PlanRun, step: StepRecord, suspension: Suspension) -> None:
        """Have a step that begins to sleep told when nothing came for as long as it bears."""
        if isinstance(suspension.patience, Forever):
            return
        waited = suspension.patience.total_seconds()
        due_at = batch.now + waited
        self._set_timer(batch, TimerRecord(uuid4(), run.id, step.id, due_at, SILENCE, json.dumps(waited)))

    def drop_left(self, batch: Batch, run: PlanRun, step: StepRecord) -> None:
        """Drop the timers of a step that ended, and the events that nobody will take."""
        key = (run.id, step.id)
        batch.dropped_timers += self._memory.drop_timers(key, (SILENCE, DELAYED))
        while (event := self._memory.take_event(key)) is not None:
            batch.consumed_events.append((run.id, event.id))
            if not event.optional:
                detail = f"step {step.id} ended before the {event.kind} event could be delivered"
                self._work.note(batch, run, "event dropped", detail=detail)

    def _set_timer(self, batch: Batch, timer: TimerRecord) -> None:
        batch.new_timers.append(timer)
        self._memory.add_timer(timer)


def takes_events(step: StepRecord) -> bool:
    """Whether the step is inside run, or suspended in it."""
    return step.phase is Phase.RUN and step.state in (StepState.RUNNING, StepState.SUSPENDED)
