"""The one thread that changes plans: it takes what waits, applies it, commits once, shows the world."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

from mcoflow.clock import Clock
from mcoflow.domain.requests import RequestRecord, TimerRecord
from mcoflow.domain.states import PlanState
from mcoflow.engine.batch import Batch
from mcoflow.engine.deadlines import Deadlines
from mcoflow.engine.letter import (
    Letter,
    OnCommit,
    PlanMade,
    Told,
    can_wait,
)
from mcoflow.engine.lookout import POLL, Lookout
from mcoflow.engine.parts import Parts
from mcoflow.engine.patient import PatientStore
from mcoflow.engine.quarantine import Quarantine
from mcoflow.engine.reading import Reading
from mcoflow.engine.replies import Message, read
from mcoflow.errors import ExecutorStoppedError, LeaseLostError, StoreUnavailableError
from mcoflow.faults import faultpoint
from mcoflow.ports.bus import Connector, Parcel, Verdict

log = logging.getLogger("mcoflow.director")

BATCH: Final = 1000
"""Letters applied in one transaction at the most: bounds how long the first of them waits."""
LINGER: Final = 0.02
"""Seconds that good news of no consequence waits for something worth a commit."""
CROWD: Final = 200
"""Letters that are worth a commit whatever they say."""


class Director:
    """Runs until stopped. What it has committed when it stops, or is killed, is what the next owner finds.

    What goes wrong with one plan pauses that plan. `on_chained` is called when a plan came to rest for which
    others wait, `on_due` when a host is overdue, and a RepliesRead wanted. Should the loop itself fail, the
    director ends and calls `on_broken`: another one has to start from what is stored.
    """

    def __init__(
        self,
        parts: Parts,
        *,
        store: PatientStore,
        connector: Connector,
        clock: Clock,
        world_id: UUID,
        on_commit: OnCommit,
        on_chained: Callable[[], None],
        on_broken: Callable[[], None],
        on_due: Callable[[], None],
    ) -> None:
        self._parts = parts
        self._store = store
        self._connector = connector
        self._clock = clock
        self._world_id = world_id
        self._on_commit = on_commit
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="director", daemon=True)
        self._lookout = Lookout(
            parts.memory, parts.people, parts.recovery, store=store, clock=clock, world_id=world_id
        )
        self._deadlines = Deadlines(parts.memory, parts.steps, parts.replies, parts.post, on_due)
        self._reading = Reading(parts, self._deadlines, self._lookout, world_id)
        self._held: list[Message] = []
        self._draining = False
        self._on_chained = on_chained
        self._on_broken = on_broken
        self._quarantine = Quarantine(store, world_id)
        self._ended = threading.Event()
        self._refusing = threading.Lock()

    def start(self) -> None:
        """Begin to take plans up."""
        self._thread.start()

    def drain(self) -> None:
        """Start nothing more; what runs may end, and is stored."""
        self._draining = True
        self._parts.steps.work.draining = True

    def stop(self, *, wait: float) -> bool:
        """Finish the batch under way and end; return whether it ended in `wait` seconds."""
        self._stopping.set()
        self._store.give_up()
        self._parts.mailbox.wake()
        if self._thread.ident is not None:
            self._thread.join(wait)
        if self._thread.is_alive():  # held by code that does not come back: nobody shall wait for it
            self._ended.set()
            self.refuse_left()
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

    @property
    def due(self) -> bool:
        """Whether there is something to do, letters or not."""
        return self._lookout.due or bool(self._parts.steps.left)

    def waits(self) -> list[RequestRecord | TimerRecord]:
        """What becomes due by itself; in the director's thread only."""
        memory = self._parts.memory
        return [*memory.flights.open.values(), *memory.timers.values()]

    # -- the loop -----------------------------------------------------------------------------------------

    def _loop(self) -> None:
        last = False
        while not last:
            last = self._stopping.is_set()
            letters = self._gather()
            try:
                self.turn(letters)
            except Exception as error:  # noqa: BLE001 - a thread that dies silently would hang everybody
                self._broke(letters, error)
                break
        self._ended.set()
        self.refuse_left()
        log.info("director.stopped")

    def _gather(self) -> list[Letter]:
        """Take what waits; letters that only say that all goes well wait a moment for company.

        A commit of their own would hold up the result that mostly follows on their heels.
        """
        mailbox = self._parts.mailbox
        letters = mailbox.take(wait=self._patience(), limit=BATCH)
        until = self._clock.monotonic() + LINGER
        while letters and len(letters) < CROWD and not len(self._parts.post) and all(map(can_wait, letters)):
            left = min(until - self._clock.monotonic(), self._patience())
            if left <= 0 or self._stopping.is_set():
                break
            letters += mailbox.take(wait=left, limit=BATCH)
        return letters

    def _broke(self, letters: Sequence[Letter], error: Exception) -> None:
        """Tell those whose plans were in this batch, and let somebody start anew."""
        for letter in letters:
            if isinstance(letter, PlanMade) and not letter.stored.done():
                letter.stored.set_exception(error)
            elif isinstance(letter, Told) and not letter.answered.done():
                letter.answered.set_result(None)
        if isinstance(error, StoreUnavailableError):  # only once the store was told to give up: we stop
            log.warning("director.without_store", extra={"reason": str(error)})
        else:
            log.critical("director.broken", exc_info=error)
            self._on_broken()

    def refuse_left(self) -> None:
        """Once the director has ended: refuse the plans and commands that wait for it."""
        if self._ended.is_set():
            with self._refusing:
                for letter in self._parts.mailbox.take(wait=0, limit=sys.maxsize):
                    if isinstance(letter, PlanMade):
                        letter.stored.set_exception(ExecutorStoppedError("this executor has stopped"))
                    elif isinstance(letter, Told):
                        letter.answered.set_result(None)

    def turn(self, letters: Sequence[Letter]) -> None:
        """Apply these letters and what is due, commit once, and let the world see it."""
        parts = self._parts
        batch = Batch(self._clock.now().timestamp(), facts=parts.observing.facts())
        self._apply(batch, letters)
        self._deadlines.apply(batch)
        if not self._draining:
            parts.steps.start_ready(batch)
        parts.resting.conclude(batch)
        parts.hooks.note(batch)
        if parts.committer.commit(batch):
            faultpoint("director.after_commit")
            if batch.broken:
                self._quarantine.take_in(batch)
            self._effects(batch)
        parts.observing.turned(batch, letters, parts.workers.waits())
        parts.post.pump()
        parts.memory.trim()

    def _apply(self, batch: Batch, letters: Sequence[Letter]) -> None:
        messages = [letter for letter in letters if type(letter) is Message]
        if messages:
            faultpoint("reply.received")
            self._held += self._parts.replies.apply(batch, messages)
        for letter in letters:
            self._reading.apply(batch, letter)
        if self._lookout.due and not self._draining:
            self._lookout.look(batch)
            self._parts.steps.parents.look(batch)
            self._parts.hooks.look(batch)
            self._parts.outputs.look(batch)
            held, self._held = self._held, []
            if held:
                self._held += self._parts.replies.apply(batch, held)

    def _effects(self, batch: Batch) -> None:
        """Let the world see what was committed."""
        parts = self._parts
        if batch.deliveries:
            faultpoint("reply.committed")
            self._connector.settle(batch.settled(), Verdict.ACK)
            faultpoint("reply.acked")
            self._held += map(read, batch.unsettled())
        parts.post.send(self._parcels(batch))
        for plan_id, queue, job in batch.jobs:
            if plan_id not in batch.dropped:
                parts.workers.submit(queue, plan_id, job)
        parts.hooks.committed(batch)
        for future, plan_id in batch.resolved:
            if plan_id in batch.dropped:
                future.set_exception(batch.broken.get(plan_id) or LeaseLostError([plan_id]))
            else:
                future.set_result(plan_id)
        if batch.new_commands:
            self._lookout.next_look = 0.0  # they may be for plans of our own
        if batch.answers or batch.told:
            faultpoint("command.committed")
        for given, plan_id, answer in batch.told:
            given.set_result(None if plan_id in batch.dropped and not answer.error else answer)
        self._at_rest(batch)
        self._on_commit(batch)

    def _parcels(self, batch: Batch) -> list[Parcel]:
        """What is to be sent; not what this same batch has called back, be it new or sent before."""
        kept = [record for record in batch.new_requests if record.plan_id not in batch.dropped]
        parcels = [self._parts.recovery.first_parcel(record) for record in kept]
        parcels += [parcel for plan_id, parcel in batch.parcels if plan_id not in batch.dropped]
        if batch.withdrawn:
            return [parcel for parcel in parcels if parcel.message_id not in batch.withdrawn]
        return parcels

    def _at_rest(self, batch: Batch) -> None:
        """Forget the plans that came to rest, and let begin who waited for them."""
        rested = [run for run in batch.touched.values() if run.plan.state is not PlanState.RUNNING]
        for run in rested:
            self._parts.memory.forget(run)
        if rested:
            self._parts.steps.parents.rang((run.plan.caller_plan_id for run in rested), batch.now)
        if batch.children:
            self._parts.steps.parents.stored()
        if batch.children or any(run.plan.locks for run in rested):
            self._lookout.next_look = 0.0
        if batch.rests or any(run.plan.chained for run in rested):
            self._on_chained()

    def _patience(self) -> float:
        """How long the loop may sleep."""
        if self._parts.steps.left and not self._draining:
            return 0.0
        now = self._clock.monotonic()
        wait = POLL if self._draining else max(0.0, self._lookout.next_look - now)
        due = self._parts.memory.agenda.next_due()
        if due is not None:
            wait = min(wait, max(0.0, due - self._clock.now().timestamp()))
        return wait
