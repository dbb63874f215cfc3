"""What becomes due: deadlines of requests, and timers of steps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from mcoflow.domain.requests import RequestRecord, TimerRecord
from mcoflow.domain.states import StepState
from mcoflow.engine.arrivals import SILENCE
from mcoflow.engine.batch import Batch
from mcoflow.engine.memory import Memory
from mcoflow.engine.quarantine import break_off
from mcoflow.engine.replies import Replies
from mcoflow.engine.steps import Steps
from mcoflow.engine.work import keys
from mcoflow.errors import StoreUnavailableError
from mcoflow.faults import faultpoint
from mcoflow.ports.store import ActionKey

HELD: Final = 0.5
"""Seconds between two looks at deadlines that are held back until waiting replies were read."""


class Deadlines:
    """Enforces what is due. While `held`, a waiting reply may still show that a deadline was met."""

    def __init__(self, memory: Memory, steps: Steps, replies: Replies) -> None:
        self._memory = memory
        self._steps = steps
        self._replies = replies
        self.held = True
        self.link_up = False

    def apply(self, batch: Batch) -> None:
        """Do what is due; what goes wrong with one plan pauses that plan."""
        taken = self._memory.agenda.take_due(batch.now)
        if len(taken) > 1:
            self._load([record_id for _, record_id in taken])
        for due_at, record_id in taken:
            record = self._memory.flights.open.get(record_id)
            timer = self._memory.timers.get(record_id)
            due = record if record is not None else timer
            if due is None and record_id in self._memory.runs:
                batch.touch(self._memory.runs[record_id])  # a wave may begin
            if due is None or due.due_at != due_at:
                continue
            try:
                self._enforce(batch, due)
            except StoreUnavailableError:
                raise
            except Exception as error:  # noqa: BLE001 - the other plans must not suffer
                break_off(self._memory, batch, due.plan_id, error)

    def _load(self, record_ids: Iterable[UUID]) -> None:
        """Have at hand, by one statement, what waking the steps of these timers needs."""
        wanted: list[ActionKey] = []
        for timer in filter(None, map(self._memory.timers.get, record_ids)):
            run = self._memory.runs.get(timer.plan_id)
            step = run.steps.get(timer.step_id) if run is not None else None
            if run is not None and step is not None and step.state is StepState.SUSPENDED:
                wanted += keys(run, step)
        self._memory.texts.load(wanted)

    def _enforce(self, batch: Batch, due: RequestRecord | TimerRecord) -> None:
        if self.held and self._put_off(due, batch.now + HELD):
            return
        if isinstance(due, TimerRecord):
            self._steps.timer_due(batch, due)
        else:
            follows = self._memory.flights.overdue(due, batch.now, link_up=self.link_up)
            self._replies.follow(batch, due, follows)
        faultpoint("timer.fired")

    def _put_off(self, due: RequestRecord | TimerRecord, until: float) -> bool:
        """Put off what an unread reply may settle; False for what no host has to do with."""
        if isinstance(due, RequestRecord):
            due.due_at = until
            self._memory.agenda.add(until, due.id)
            return True
        awaited = self._memory.runs[due.plan_id].requests.get(due.step_id)
        if due.kind == SILENCE and awaited:
            self._memory.put_off(due, until)
            return True
        return False
