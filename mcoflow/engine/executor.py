"""An executor: the director with all its parts, wired for one registration in the store."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from random import Random
from typing import Final
from uuid import UUID, uuid4

from mcoflow import __version__
from mcoflow.action.chain import BARE, Chains
from mcoflow.action.registry import Registry
from mcoflow.clock import Clock
from mcoflow.domain.ids import new_executor_token, new_uuid
from mcoflow.domain.records import PlanDraft
from mcoflow.domain.requests import CommandAnswer, CommandRecord, WorldRecord
from mcoflow.engine.committer import Committer
from mcoflow.engine.director import Director
from mcoflow.engine.discoverer import Discoverer
from mcoflow.engine.fleet import Fleet
from mcoflow.engine.here import Here
from mcoflow.engine.hooks import QUEUE as HOOKS
from mcoflow.engine.hooks import Hooks
from mcoflow.engine.keeper import REPLIES_PREFETCH, Keeper
from mcoflow.engine.letter import HostDeclared, LetGo, Letter, OnCommit, PlanMade, RepliesRead, Ring, Told
from mcoflow.engine.liveness import this_process
from mcoflow.engine.mailbox import Mailbox
from mcoflow.engine.memory import Memory
from mcoflow.engine.observing import Observing
from mcoflow.engine.outputs import Outputs
from mcoflow.engine.parts import Parts
from mcoflow.engine.patient import PatientStore
from mcoflow.engine.people import People
from mcoflow.engine.post import Post, Receipted
from mcoflow.engine.receipts import Receipts
from mcoflow.engine.recovery import Recovery
from mcoflow.engine.replies import Replies as ReplyDesk
from mcoflow.engine.replies import read
from mcoflow.engine.rescue import Rescuing
from mcoflow.engine.resting import Resting
from mcoflow.engine.revert import Reverting
from mcoflow.engine.rolling import Rolling
from mcoflow.engine.schedules import Scheduler
from mcoflow.engine.settings import WorldSettings
from mcoflow.engine.step_world import OptionsOfCall
from mcoflow.engine.steps import Steps
from mcoflow.engine.up_to_date import UpToDate, Waiting
from mcoflow.engine.workers import Pool, Workers
from mcoflow.engine.writer import Writer
from mcoflow.errors import BusError, StoreUnavailableError
from mcoflow.ports.bus import (
    Bells,
    Delivery,
    ExecutorConnector,
    Link,
    LinkReport,
    Parcel,
    Receipt,
    Replies,
    Shared,
    Verdict,
)
from mcoflow.ports.measures import Key
from mcoflow.ports.observer import NOBODY, Observer
from mcoflow.ports.store import Store
from mcoflow.wire.messages import PresenceBody

log = logging.getLogger("mcoflow.executor")
DUE: Final = b"due"
"""The body of a doorbell that says: a scheduled plan is due."""
AFTER_BREAK: Final = 1.0
"""Seconds after a director broke before the next begins, lest a lasting cause keeps the machine busy."""


class Executor:
    """Runs plans. One object is one registration: when its lease is lost, a new one is made.

    The connector is opened and closed by whoever owns it.
    """

    def __init__(
        self,
        store: Store,
        connector: ExecutorConnector,
        actions: Registry,
        settings: WorldSettings,
        *,
        clock: Clock,
        chance: Random,
        fleet: Fleet,
        on_commit: OnCommit,
        on_expired: Callable[[Executor], None],
        on_discovered: Callable[[Collection[UUID]], None],
        chains: Chains = BARE,
        options: OptionsOfCall | None = None,
        observer: Observer = NOBODY,
    ) -> None:
        self._store = store
        self._options = options
        self._observer = observer
        self._connector = connector
        self._settings = settings
        self._clock = clock
        self._chance = Random(chance.getrandbits(256))  # noqa: S311 - ids and waits, no secrets
        self._fleet = fleet
        self.mailbox: Mailbox[Letter] = Mailbox()
        queues = {HOOKS: 2, **settings.queues}
        told = {**this_process(), "version": __version__, "queues": queues}
        self.world = WorldRecord(uuid4(), "executor", new_executor_token(chance), told)
        self._workers = self._pool(queues)
        self._stopping = threading.Event()
        self._sources = (
            (Replies(self.world.token), self._reply, REPLIES_PREFETCH),
            (Bells(self.world.token), self._bell, 50),
            (Shared.PLANS, self._bell, 50),
            (Shared.DEAD, self._reply, 50),
            (Shared.STRAY, self._reply, 50),
        )
        self._on_expired = on_expired
        self._here = Here(actions, clock)
        self.schedules = Scheduler(
            store,
            actions,
            self._workers,
            lambda draft: self.store_plan(draft, scheduled=True),
            clock=clock,
            world_id=self.world.id,
            chains=chains,
            on_stored=self.ring,
            observer=observer,
        )
        self.discoverer = Discoverer(
            store,
            connector,
            clock,
            world_id=self.world.id,
            token=self.world.token,
            on_changed=on_discovered,
        )
        self.up_to_date = UpToDate(
            self._waiting_replies,
            clock,
            lambda at: self.mailbox.put(RepliesRead(at)),
            prefetch=REPLIES_PREFETCH,
        )
        self._patient = PatientStore(store, observer)
        self._director = self._wire(self._patient, actions, chains, on_commit)
        self._keeper = Keeper(
            store,
            connector,
            clock,
            self.world,
            settings,
            inlet=self._reply,
            on_found=self.ring,
            on_expired=lambda: on_expired(self),
        )

    # -- life ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Register, take up what waits, and begin."""
        self._store.register_world(self.world, lease=self._settings.lease.total_seconds())
        self._keeper.reconcile()
        self._fleet.token = self.world.token
        self._fleet.on_answers = self.discoverer.answered
        for source, inlet, prefetch in self._sources:
            self._connector.consume(source, inlet, prefetch=prefetch)
        self._begin()
        log.info("world.started", extra={"world": str(self.world.id), "token": self.world.token})

    def _pool(self, queues: Mapping[str, int]) -> Pool:
        return Workers(queues, self._clock if self._observer is not NOBODY else None)

    def _begin(self) -> None:
        self._director.start()
        self.schedules.start()
        self.discoverer.start()
        self._keeper.start()
        watch = (self._stopping, self._broke)
        threading.Thread(target=self._here.watch, args=watch, name="director-watch", daemon=True).start()
        reading = (self._stopping,)
        threading.Thread(target=self.up_to_date.serve, args=reading, name="replies-read", daemon=True).start()

    def stop(self, *, wait: float) -> bool:
        """Let running code end, finish the batch, free the plans; return whether all of it did in time."""
        until = self._clock.monotonic() + wait
        self._stopping.set()
        self.up_to_date.want()  # to end
        self.schedules.stop()
        self.discoverer.stop()
        self._director.drain()
        for source, _, _ in self._sources:
            self._connector.stop_consuming(source)
        ended = self._workers.stop(wait=max(0.0, until - self._clock.monotonic()), clock=self._clock)
        ended = self._director.stop(wait=max(1.0, until - self._clock.monotonic())) and ended
        self._keeper.stop()
        try:
            self._leave()
        except StoreUnavailableError as error:  # the lease will run out by itself
            log.warning("world.not_unregistered", extra={"reason": str(error)})
        return ended

    def _leave(self) -> None:
        """Free the plans. While replies may come, the row stays as that of a dead world: others read them."""
        if self._retired():
            self._store.unregister_world(self.world.id)
        else:
            self._store.lay_down_world(self.world)

    def _retired(self) -> bool:
        """Delete our reply queue, if nothing waits in it and no plan for what may come; see Keeper."""
        if self._store.awaited([self.world.token]):
            return False
        try:
            return self._connector.retire_executor(self.world.token)
        except BusError as error:
            log.info("queue.not_retired", extra={"reason": str(error)})
            return False

    def store_plan(self, draft: PlanDraft, *, scheduled: bool = False) -> Future[UUID]:
        """Let the director store a plan and its first steps in one commit with whatever else waits.

        `scheduled`: it is stored already and was claimed by this executor, to plan it. The future fails with
        ExecutorStoppedError if the director has ended without taking it.

        Raises:
            StoreUnavailableError: the director waits for the database; a new plan is not taken meanwhile.
        """
        if not scheduled and (why := self._patient.still_away()):
            raise StoreUnavailableError(why)
        stored: Future[UUID] = Future()
        self.mailbox.put(PlanMade(draft, stored, scheduled))
        self._director.refuse_left()
        return stored

    def tell(self, command: CommandRecord) -> Future[CommandAnswer | None]:
        """Have a command applied without a row of its own, if the plan is in our hands; None if it is not."""
        answered: Future[CommandAnswer | None] = Future()
        self.mailbox.put(Told(command, answered))
        self._director.refuse_left()
        return answered

    def ring(self) -> None:
        """Have the director look into the database now."""
        self.mailbox.put(Ring())

    def let_go(self, plan_id: UUID) -> None:
        """Have the director forget a plan that was taken away in the database."""
        self.mailbox.put(LetGo(plan_id))

    def link_changed(self, report: LinkReport) -> None:
        """Hear of the link to the bus."""
        if report.link is Link.DOWN:
            self.up_to_date.forget()
        self.mailbox.put(report)
        self.discoverer.link_changed(report)

    @property
    def alive(self) -> bool:
        """Whether the director runs."""
        return self._director.alive

    def status(self) -> dict[str, int]:
        """How much this executor has in hand: plans, open requests, parcels not yet published."""
        return self._director.status()

    def gauges(self) -> list[tuple[Key, float]]:
        """How the worker pools stand."""
        return self._workers.gauges()

    # -- wiring -------------------------------------------------------------------------------------------

    def _wire(self, store: PatientStore, actions: Registry, chains: Chains, on_commit: OnCommit) -> Director:
        memory = Memory(store)
        writer = Writer(self.world.token, self._fleet, self._settings.pickup, lambda: new_uuid(self._chance))
        steps = Steps(
            memory,
            actions,
            writer,
            self.mailbox.put,
            world_id=self.world.id,
            chance=self._chance,
            here=self._here,
            chains=chains,
            store=store,
            rolling=Rolling(memory, store),
            options=self._options,
        )
        rescuing = Rescuing(store, actions, self.mailbox.put, auto=self._settings.auto_rescue)
        reverting = Reverting(store, actions, steps.work)
        resting = Resting(memory, steps, rescuing, reverting)
        outputs = Outputs(memory, writer, store, self._clock)
        replies = ReplyDesk(memory, steps, writer, store, outputs)
        observing = Observing(self._observer)
        committer = Committer(store, memory, self._clock, observing)
        post = Post(self._connector, self._receipt)
        receipts = Receipts(
            memory=memory,
            replies=replies,
            writer=writer,
            committer=committer,
            post=post,
            store=store,
            admissions=self._fleet,
            on_declared=self._host_declared,
        )
        confirms = self._connector.capabilities.confirm
        recovery = Recovery(memory, steps, store, writer, actions, confirms=confirms)
        people = People(memory, steps, actions, reverting)
        hooks = Hooks(
            store,
            actions,
            chains,
            self._workers,
            self.mailbox.put,
            clock=self._clock,
            world_id=self.world.id,
            observer=self._observer,
        )
        parts = Parts(
            memory,
            steps,
            resting,
            replies,
            people,
            recovery,
            receipts,
            self._workers,
            hooks,
            post,
            committer,
            observing,
            outputs,
            self.mailbox,
        )
        return Director(
            parts,
            store=store,
            connector=self._connector,
            clock=self._clock,
            world_id=self.world.id,
            on_commit=on_commit,
            on_chained=self.schedules.ring,
            on_broken=self._broke,
            on_due=self.up_to_date.want,
        )

    # -- from other threads ---------------------------------------------------------------------------------

    def _reply(self, delivery: Delivery) -> None:
        """A reply is for the director; a host that was asked who it is answers with its presence."""
        message = read(delivery)
        if message.envelope is not None and isinstance(message.envelope.body, PresenceBody):
            self._fleet.inlet(delivery)
        else:
            self.mailbox.put(message)
        self.up_to_date.heard(delivery.source)

    def _bell(self, delivery: Delivery) -> None:
        """A doorbell, or the offer of a plan: it has no authority, the database is asked."""
        self._connector.settle([delivery], Verdict.ACK)
        if delivery.body == DUE:
            self.schedules.ring()
        else:
            self.ring()

    def _receipt(self, parcel: Parcel, receipt: Receipt) -> None:
        self.mailbox.put(Receipted(parcel, receipt))

    def _host_declared(self, request_id: UUID) -> None:
        self.mailbox.put(HostDeclared(request_id))

    def _broke(self) -> None:
        """The director cannot go on: another one has to begin anew, and waits for this thread to end."""
        if not self._stopping.wait(AFTER_BREAK):
            threading.Thread(target=self._on_expired, args=(self,), name="renewal", daemon=True).start()

    def _waiting_replies(self) -> Waiting:
        """Count what waits in the reply queues that are read here, or were read by executors that died."""
        dead = [world.token for world in self._store.worlds() if not world.alive]
        sources = dict.fromkeys(Replies(token) for token in (self.world.token, *self._keeper.adopted, *dead))
        found = {source: self._connector.census(source) for source in sources}
        return {source: census.messages for source, census in found.items() if census is not None}


def link_is_up(report: LinkReport) -> bool:
    """Whether messages can be sent."""
    return report.link is Link.UP
