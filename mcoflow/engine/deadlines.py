"""What becomes due: deadlines of requests, and timers of steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable
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


class Deadlines:
    """Enforces what is due.

    A deadline of a host is enforced when all is read that was in the queues as it passed: a word that waits
    there may show that it was met. `read_until` is up to when that is known, `up_since` since when messages
    can be sent, None while they cannot. `on_due` is called when more has to be known.
    """

    def __init__(self, memory: Memory, steps: Steps, replies: Replies, on_due: Callable[[], None]) -> None:
        self._memory = memory
        self._steps = steps
        self._replies = replies
        self._on_due = on_due
        self._late: list[tuple[float, UUID]] = []  # passed, and not known to be missed
        self.read_until = 0.0
        self.up_since: float | None = None

    def apply(self, batch: Batch) -> None:
        """Do what is due; what goes wrong with one plan pauses that plan."""
        taken = self._memory.agenda.take_due(batch.now)
        if self._late and self._late[0][0] <= self.read_until:
            late, self._late = self._late, []
            taken = late + taken
        if len(taken) > 1:
            self._load([record_id for _, record_id in taken])
        known = len(self._late)
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
        if len(self._late) > known:
            self._on_due()

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
        if due.due_at > self.read_until and self._is_of_host(due):
            self._late.append((due.due_at, due.id))
            return
        if isinstance(due, TimerRecord):
            self._steps.timer_due(batch, due)
        else:
            follows = self._memory.flights.overdue(due, batch.now, up_since=self.up_since)
            self._replies.follow(batch, due, follows)
        faultpoint("timer.fired")

    def _is_of_host(self, due: RequestRecord | TimerRecord) -> bool:
        """Whether an unread reply may settle it."""
        if isinstance(due, RequestRecord):
            return True
        return due.kind == SILENCE and bool(self._memory.runs[due.plan_id].requests.get(due.step_id))
