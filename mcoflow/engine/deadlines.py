"""What becomes due: deadlines of requests, and timers of steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final
from uuid import UUID

from mcoflow.domain.requests import RequestRecord, TimerRecord, Wait
from mcoflow.domain.states import StepState
from mcoflow.engine.arrivals import SILENCE
from mcoflow.engine.batch import Batch
from mcoflow.engine.flights import ANSWER
from mcoflow.engine.memory import Memory
from mcoflow.engine.post import Post
from mcoflow.engine.quarantine import break_off
from mcoflow.engine.replies import Replies
from mcoflow.engine.steps import Steps
from mcoflow.engine.work import keys
from mcoflow.errors import StoreUnavailableError
from mcoflow.faults import faultpoint
from mcoflow.ports.store import ActionKey

_TOLD: Final = frozenset({Wait.CANCEL, Wait.FIRST_QUERY, Wait.SECOND_QUERY})
"""What a request waits for after its host was told something."""


class Deadlines:
    """Enforces what is due.

    A deadline of a host is enforced when all is read that was in the queues as it passed: a word that waits
    there may show that it was met. `read_until` is up to when that is known, `up_since` since when messages
    can be sent, None while they cannot. `on_due` is called when more has to be known. Nor is a host given up
    while what it was told may still wait here to be sent.
    """

    def __init__(
        self, memory: Memory, steps: Steps, replies: Replies, post: Post, on_due: Callable[[], None]
    ) -> None:
        self._memory = memory
        self._steps = steps
        self._replies = replies
        self._on_due = on_due
        self._post = post
        self._unsent: dict[UUID, int] = {}  # how much has to leave before the host was told; 0: it has left
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
        if self._late:  # also those of before: a clock that was set back may have told less than was wanted
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
        if isinstance(due, RequestRecord) and self._is_unsent(due, batch.now):
            return
        if isinstance(due, TimerRecord):
            self._steps.timer_due(batch, due)
        else:
            follows = self._memory.flights.overdue(due, batch.now, up_since=self.up_since)
            self._replies.follow(batch, due, follows)
        faultpoint("timer.fired")

    def _is_unsent(self, due: RequestRecord, now: float) -> bool:
        """Whether the cancel or query may have left too late to be answered; then it is waited for anew."""
        mark = self._unsent.pop(due.id, None)
        if due.wait not in _TOLD or mark == 0 or (mark is None and not len(self._post)):
            return False
        if mark is None:
            mark = self._post.queued
            if len(self._unsent) > len(self._memory.flights.open):  # others have ended meanwhile
                self._unsent = {
                    each: n for each, n in self._unsent.items() if each in self._memory.flights.open
                }
        self._unsent[due.id] = 0 if self._post.sent >= mark else mark
        due.due_at = now + ANSWER
        self._memory.agenda.add(due.due_at, due.id)
        return True

    def _is_of_host(self, due: RequestRecord | TimerRecord) -> bool:
        """Whether an unread reply may settle it."""
        if isinstance(due, RequestRecord):
            return True
        return due.kind == SILENCE and bool(self._memory.runs[due.plan_id].requests.get(due.step_id))
