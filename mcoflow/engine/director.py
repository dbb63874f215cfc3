"""The one thread that changes plans: it takes what waits, applies it, commits once, shows the world."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from mcoflow.clock import Clock
from mcoflow.domain.records import PlanDraft, PlanSnapshot
from mcoflow.domain.states import PlanState
from mcoflow.engine.batch import Batch
from mcoflow.engine.committer import Committer
from mcoflow.engine.mailbox import Mailbox
from mcoflow.engine.memory import Memory
from mcoflow.engine.patient import PatientStore
from mcoflow.engine.people import People
from mcoflow.engine.plan_run import PlanRun
from mcoflow.engine.post import Post
from mcoflow.engine.receipts import Receipted, Receipts
from mcoflow.engine.recovery import Recovery
from mcoflow.engine.replies import Message, Replies
from mcoflow.engine.steps import JobDone, Steps
from mcoflow.engine.workers import Workers
from mcoflow.errors import StoreUnavailableError
from mcoflow.faults import faultpoint
from mcoflow.ports.bus import Connector, Link, LinkReport, Verdict

log = logging.getLogger("mcoflow.director")

BATCH: Final = 1000
"""Letters applied in one transaction at the most: bounds how long the first of them waits."""
POLL: Final = 0.25
"""Seconds between two looks into the database for plans and commands that no bell announced."""
CLAIM: Final = 500
HELD: Final = 0.5
"""Seconds between two looks at deadlines that are held back until waiting replies were read."""


@dataclass(frozen=True, slots=True)
class PlanMade:
    """A plan from a planner in this process; `stored` is resolved after the commit."""

    draft: PlanDraft
    stored: Future[UUID]


@dataclass(frozen=True, slots=True)
class Ring:
    """There is something in the database for us."""


@dataclass(frozen=True, slots=True)
class RepliesRead:
    """What waited in the reply queues at the start has been read: deadlines may be enforced."""


@dataclass(frozen=True, slots=True)
class HostDeclared:
    """The queues of a host that had lost them exist again: send the request once more."""

    request_id: UUID


Letter = PlanMade | Ring | RepliesRead | HostDeclared | Message | Receipted | JobDone | LinkReport


@dataclass(slots=True)
class Parts:
    """What the director directs."""

    memory: Memory
    steps: Steps
    replies: Replies
    people: People
    recovery: Recovery
    receipts: Receipts
    workers: Workers
    post: Post
    committer: Committer
    mailbox: Mailbox[Letter] = field(default_factory=Mailbox)


class Director:
    """Runs until stopped. What it has committed when it stops, or is killed, is what the next owner finds."""

    def __init__(
        self,
        parts: Parts,
        *,
        store: PatientStore,
        connector: Connector,
        clock: Clock,
        world_id: UUID,
        on_commit: Callable[[], None],
    ) -> None:
        self._parts = parts
        self._store = store
        self._connector = connector
        self._clock = clock
        self._world_id = world_id
        self._on_commit = on_commit
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="director", daemon=True)
        self._next_poll = 0.0
        self._hold_deadlines = True
        self._link = Link.CONNECTING
        self._held: list[Message] = []
        self._draining = False

    def start(self) -> None:
        """Begin to take plans up."""
        self._thread.start()

    def drain(self) -> None:
        """Start nothing more; what runs may end, and is stored."""
        self._draining = True
        self._parts.steps.draining = True

    def stop(self, *, wait: float) -> bool:
        """Finish the batch under way and end; return whether it ended in `wait` seconds."""
        self._stopping.set()
        self._store.give_up()
        self._parts.mailbox.wake()
        self._thread.join(wait)
        return not self._thread.is_alive()

    @property
    def alive(self) -> bool:
        """Whether the loop runs."""
        return self._thread.is_alive()

    def status(self) -> dict[str, int]:
        """Count what is in memory; a glance from another thread, so it may be a batch old."""
        memory = self._parts.memory
        return {
            "plans": len(memory.runs),
            "requests": len(memory.flights.open),
            "unpublished": len(self._parts.post),
        }

    # -- the loop -----------------------------------------------------------------------------------------

    def _loop(self) -> None:
        last = False
        while not last:
            last = self._stopping.is_set()
            letters = self._parts.mailbox.take(wait=self._patience(), limit=BATCH)
            try:
                self._turn(letters)
            except StoreUnavailableError as error:  # only once the store was told to give up: we stop
                log.warning("director.without_store", extra={"reason": str(error)})
                return
        log.info("director.stopped")

    def _turn(self, letters: Sequence[Letter]) -> None:
        parts = self._parts
        batch = Batch(self._clock.now().timestamp())
        self._apply(batch, letters)
        self._deadlines(batch)
        if not self._draining:
            parts.steps.start_ready(batch)
        parts.steps.conclude(batch)
        faultpoint("director.before_commit")
        if parts.committer.commit(batch):
            faultpoint("director.after_commit")
            self._effects(batch)
        parts.post.pump()
        parts.memory.texts.trim()

    def _apply(self, batch: Batch, letters: Sequence[Letter]) -> None:
        messages = [letter for letter in letters if type(letter) is Message]
        if messages:
            faultpoint("reply.received")
            self._held += self._parts.replies.apply(batch, messages)
        for letter in letters:
            self._apply_one(batch, letter)
        if self._clock.monotonic() >= self._next_poll and not self._draining:
            self._look(batch)

    def _apply_one(self, batch: Batch, letter: Letter) -> None:
        match letter:
            case Receipted():
                self._parts.receipts.apply(batch, letter)
            case JobDone():
                self._parts.steps.job_done(batch, letter)
            case PlanMade():
                self._plan_made(batch, letter)
            case LinkReport():
                self._link = letter.link
            case HostDeclared():
                self._parts.receipts.send_again(batch, letter.request_id)
            case RepliesRead():
                self._hold_deadlines = False
            case Ring():
                self._next_poll = 0.0

    def _plan_made(self, batch: Batch, made: PlanMade) -> None:
        """Take up a plan that is stored in this same commit: its steps begin at once."""
        draft = made.draft
        batch.drafts[draft.plan.id] = draft
        batch.resolved.append((made.stored, draft.plan.id))
        if draft.plan.state is PlanState.STOPPED:
            return
        draft.plan.owner, draft.plan.epoch = self._world_id, 1
        run = PlanRun(PlanSnapshot(draft.plan, draft.steps, draft.graph))
        self._parts.memory.runs[run.id] = run
        for action in draft.actions:
            self._parts.memory.texts.put((run.id, action.id), (action.input, action.output))
        self._parts.steps.note(batch, run, "start execution")
        batch.open(run, run.begin(batch.now))

    def _look(self, batch: Batch) -> None:
        """Take up plans and commands that wait in the database."""
        parts = self._parts
        self._next_poll = self._clock.monotonic() + POLL
        waiting = self._store.waiting(self._world_id, limit=CLAIM)
        wanted = set(waiting.plans) | {command.plan_id for command in waiting.commands}
        wanted -= parts.memory.runs.keys()
        if wanted:
            faultpoint("lease.before_take")
            parts.recovery.take_up(batch, self._store.claim(self._world_id, wanted))
            faultpoint("lease.after_take")
        for command in waiting.commands:
            if command.plan_id in parts.memory.runs:
                parts.people.apply(batch, command)
        if len(waiting.plans) == CLAIM:
            self._next_poll = 0.0
        held, self._held = self._held, []
        if held:
            self._held += parts.replies.apply(batch, held)

    def _deadlines(self, batch: Batch) -> None:
        memory = self._parts.memory
        for due_at, record_id in memory.agenda.take_due(batch.now):
            record = memory.flights.open.get(record_id)
            timer = memory.timers.get(record_id)
            if record is not None and record.due_at == due_at:
                if self._hold_deadlines:
                    record.due_at = batch.now + HELD
                    memory.agenda.add(record.due_at, record_id)
                    continue
                follows = memory.flights.overdue(record, batch.now, link_up=self._link is Link.UP)
                self._parts.replies.follow(batch, record, follows)
                faultpoint("timer.fired")
            elif timer is not None and timer.due_at == due_at:
                self._parts.steps.timer_due(batch, timer)
                faultpoint("timer.fired")

    def _effects(self, batch: Batch) -> None:
        """Let the world see what was committed."""
        parts = self._parts
        if batch.deliveries:
            faultpoint("reply.committed")
            self._connector.settle(batch.deliveries, Verdict.ACK)
            faultpoint("reply.acked")
        kept = [record for record in batch.new_requests if record.plan_id not in batch.dropped]
        parcels = [parts.recovery.first_parcel(record) for record in kept]
        parcels += [parcel for plan_id, parcel in batch.parcels if plan_id not in batch.dropped]
        parts.post.send(parcels)
        parts.receipts.forward(batch.forwards)
        for plan_id, queue, job in batch.jobs:
            if plan_id not in batch.dropped:
                parts.workers.submit(queue, job)
        for future, value in batch.resolved:
            future.set_result(value)
        if batch.answers:
            faultpoint("command.committed")
        self._at_rest(batch.touched.values())
        self._on_commit()

    def _at_rest(self, runs: Iterable[PlanRun]) -> None:
        for run in runs:
            if run.plan.state in (PlanState.PAUSED, PlanState.STOPPED):
                self._parts.memory.forget(run)

    def _patience(self) -> float:
        """How long the loop may sleep."""
        now = self._clock.monotonic()
        wait = max(0.0, self._next_poll - now)
        due = self._parts.memory.agenda.next_due()
        if due is not None:
            wait = min(wait, max(0.0, due - self._clock.now().timestamp()))
        return wait
