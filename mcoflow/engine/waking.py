"""Events and timers: what wakes a step that sleeps."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from uuid import UUID, uuid4

from mcoflow.action.stage import Produced, Suspension
from mcoflow.domain.events import Forever
from mcoflow.domain.records import StepRecord
from mcoflow.domain.requests import EventRecord, TimerRecord
from mcoflow.domain.states import Phase, StepState
from mcoflow.engine.arrivals import DELAYED, LIMIT, POLL, RETRY, SIGNALS, SILENCE, loaded
from mcoflow.engine.batch import Batch
from mcoflow.engine.memory import Memory
from mcoflow.engine.plan_run import PlanRun
from mcoflow.engine.work import Work
from mcoflow.ports.measures import EVENTS

log = logging.getLogger("mcoflow.steps")
Begin = Callable[[Batch, PlanRun, StepRecord], None]


class Waking:
    """Stores events and timers, and gives them to their steps one after another.

    `begin` is called for the next try of a step that failed.
    """

    def __init__(self, memory: Memory, work: Work, begin: Begin) -> None:
        self._memory = memory
        self._work = work
        self._begin = begin

    def add_event(
        self,
        batch: Batch,
        run: PlanRun,
        step: StepRecord,
        kind: str,
        value: str,
        *,
        optional: bool = False,
        event_id: UUID | None = None,
    ) -> None:
        """Store an event for a step and wake it if it sleeps; one that cannot take it any more drops it."""
        if not takes_events(step):
            if not optional:
                detail = f"step {step.id} is {step.state}, it takes no {kind} event"
                self._work.note(batch, run, "event dropped", detail=detail)
                batch.tell(run.id, (EVENTS, kind, "dropped"), step=step.id)
            return
        event = EventRecord(event_id or uuid4(), run.id, step.id, batch.now, kind, value, optional)
        batch.touch(run)
        batch.new_events.append(event)
        self._memory.add_events([event])
        self.wake(batch, run, step)

    def wake(self, batch: Batch, run: PlanRun, step: StepRecord) -> None:
        """Give a suspended step the oldest event that waits for it, or the signal that comes before all."""
        if step.state is not StepState.SUSPENDED or self._work.draining or self.awaits_next_try(run, step):
            return
        event = self._memory.take_event((run.id, step.id))
        if event is None:
            return
        batch.tell(run.id, (EVENTS, event.kind, "delivered"), step=step.id)
        self._work.load(run, step)
        if event.kind == RETRY:
            batch.consumed_events.append((run.id, event.id))
            self._begin(batch, run, step)
        else:
            self._work.to_worker(batch, run, step, loaded(event), event.id)

    def awaits_next_try(self, run: PlanRun, step: StepRecord) -> bool:
        """Whether a step failed and only waits until it is tried again."""
        return step.tries > 0 and self._memory.has_timer((run.id, step.id), RETRY)

    def set_produced(self, batch: Batch, run: PlanRun, step: StepRecord, produced: Produced) -> None:
        """Set the timers that a call produced."""
        for timer in produced.timers:
            if timer.kind == POLL:
                batch.dropped_timers += self._memory.drop_timers((run.id, step.id), (POLL,))
            self.set_timer(batch, run, step, timer.kind, after=timer.delay)

    def expect_silence(self, batch: Batch, run: PlanRun, step: StepRecord, suspension: Suspension) -> None:
        """Have a step that begins to sleep told when nothing came for as long as it bears."""
        step.reason = self._awaited(run, step, suspension)
        if not isinstance(suspension.patience, Forever):
            self.set_timer(batch, run, step, SILENCE, after=suspension.patience.total_seconds())

    def _awaited(self, run: PlanRun, step: StepRecord, suspension: Suspension) -> str:
        if suspension.requests:
            return "a reply"
        if self._memory.has_timer((run.id, step.id), POLL):
            return "the next poll"
        return "a person" if isinstance(suspension.patience, Forever) else "an event"

    def set_timer(
        self,
        batch: Batch,
        run: PlanRun,
        step: StepRecord,
        kind: str,
        *,
        after: float,
        value: str | None = None,
    ) -> None:
        """Have a step woken `after` seconds from now; that is the value of the event too, unless given."""
        stored = json.dumps(after) if value is None else value
        timer = TimerRecord(uuid4(), run.id, step.id, batch.now + after, kind, stored)
        batch.new_timers.append(timer)
        self._memory.add_timer(timer)

    def timer_due(self, batch: Batch, run: PlanRun, step: StepRecord, timer: TimerRecord) -> None:
        """Turn a due timer into the event that it stands for."""
        if timer.kind == LIMIT and step.state is StepState.RUNNING:
            where = {"plan": str(run.id), "step": step.id, "action": step.action}
            log.warning("step.over_limit", extra=where)
        kind = "user" if timer.kind == DELAYED else timer.kind
        self.add_event(batch, run, step, kind, timer.value, optional=timer.kind in SIGNALS)

    def drop_left(self, batch: Batch, run: PlanRun, step: StepRecord) -> None:
        """Drop the timers of a step that ended, and the events that nobody will take."""
        key = (run.id, step.id)
        batch.dropped_timers += self._memory.drop_timers(key)
        while (event := self._memory.take_event(key)) is not None:
            detail = f"step {step.id} ended before the {event.kind} event could be delivered"
            batch.drop_event(event, detail)
            if not event.optional:
                batch.tell(run.id, (EVENTS, event.kind, "dropped"), step=step.id)
                self._work.note(batch, run, "event dropped", detail=detail)

    def drop_of_try(self, batch: Batch, run: PlanRun, step: StepRecord) -> None:
        """Drop what a failed try leaves behind; what others sent, or will, is for the next one."""
        key = (run.id, step.id)
        kinds = {timer.kind for timer in self._memory.timers_of(key)} - {DELAYED}
        batch.dropped_timers += self._memory.drop_timers(key, kinds)
        for event in self._memory.drop_events(key, keep="user"):
            batch.consumed_events.append((run.id, event.id))

    def over_limit(self, run: PlanRun, step: StepRecord) -> bool:
        """Whether the step's limit passed while its code was inside."""
        return self._memory.has_event((run.id, step.id), LIMIT)


def takes_events(step: StepRecord) -> bool:
    """Whether the step is inside run, suspended in it, or about to be tried again."""
    held = step.state is StepState.PENDING and step.tries > 0
    return step.phase is not Phase.FINALIZE and (
        held or step.state in (StepState.RUNNING, StepState.SUSPENDED)
    )
