"""World: what the rest of mcoflow holds of the engine, whether the process runs plans or not."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from datetime import timedelta
from random import Random
from typing import Any, Final, Self
from uuid import UUID, uuid4

from mcoflow.action.base import Action
from mcoflow.action.chain import Chains
from mcoflow.action.middleware import NO_MIDDLEWARES, Middlewares
from mcoflow.action.registry import REGISTERED, Registry
from mcoflow.action.transaction import TransactionAdapter
from mcoflow.clock import Clock
from mcoflow.domain.caller import Caller
from mcoflow.domain.records import PlanDraft
from mcoflow.domain.requests import CommandKind
from mcoflow.domain.states import PlanState
from mcoflow.engine.batch import Batch
from mcoflow.engine.commands import COMMAND_WAIT, Commands
from mcoflow.engine.crew import Crew
from mcoflow.engine.executor import DUE, Executor, link_is_up
from mcoflow.engine.finding import Finding
from mcoflow.engine.fleet import Fleet
from mcoflow.engine.futures import PlanFuture
from mcoflow.engine.handles import Planned, PlanningFailed, Triggered
from mcoflow.engine.intake import Intake
from mcoflow.engine.later import Later
from mcoflow.engine.observing import Observing
from mcoflow.engine.operating import Operating
from mcoflow.engine.people import ALLOWED
from mcoflow.engine.presenting import Presenting
from mcoflow.engine.recurrences import Recurrences
from mcoflow.engine.scheduling import Scheduling
from mcoflow.engine.settings import WorldSettings
from mcoflow.engine.sweeper import Sweeper
from mcoflow.engine.triggering import Triggering
from mcoflow.engine.wanted import Wanted, valid_name
from mcoflow.errors import (
    BusError,
    McoflowError,
    StoreUnavailableError,
)
from mcoflow.ports.bus import Bell, ExecutorConnector, Link, LinkReport, Parcel, Plans, Receipt, Shared
from mcoflow.ports.engine import Submitted
from mcoflow.ports.measures import Key
from mcoflow.ports.observer import NOBODY, Observer
from mcoflow.ports.store import Store

log = logging.getLogger("mcoflow.world")
POLL: Final = 0.1
POLL_OWN: Final = 0.5
"""Seconds between two looks of a world that hears its own commits, for the plans of other executors."""
RENEWAL_PAUSE: Final = 1.0
PRESENCE_PREFETCH: Final = 500


class World(Operating, Later, Presenting, Finding):
    """Plans actions, gives commands, watches; with `executor` it runs plans too.

    Satisfies `mcoflow.ports.engine.Engine`. A client (executor=False) may have no connector: then executors
    find its plans and commands by looking, within a quarter of a second.
    """

    def __init__(
        self,
        store: Store,
        connector: ExecutorConnector | None,
        *,
        clock: Clock,
        chance: Random,
        settings: WorldSettings | None = None,
        actions: Registry = REGISTERED,
        middleware: Middlewares = NO_MIDDLEWARES,
        transaction: TransactionAdapter | None = None,
        executor: bool = True,
        crew: Crew | None = None,
        observer: Observer = NOBODY,
    ) -> None:
        self._observer = observer
        self._observing = Observing(observer)
        self._crew = crew or Crew()
        self._store = store
        self._connector = connector
        self._clock = clock
        self._chance = chance
        self._settings = settings or WorldSettings()
        self._actions = actions
        self._chains = Chains(middleware, transaction)
        self._runs_plans = executor
        self._watch = self._crew.watch(clock, poll=POLL_OWN if executor else POLL)
        self._link = LinkReport(Link.CONNECTING)
        self._executor: Executor | None = None
        self._fleet: Fleet | None = None
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._sweeper: Sweeper | None = None
        self._futures = self._crew.futures(store)
        self._event_futures = self._crew.event_futures(store)
        self._intake = Intake(
            store,
            actions,
            self._chains,
            clock,
            self._futures,
            executor=lambda: self._executor,
            offer=self._offer,
            observing=self._observing,
        )
        self._scheduling = Scheduling(
            store, actions, clock, self._futures, self._watch, chains=self._chains, ring=self._ring_schedules
        )
        self._recurrences = Recurrences(store, actions, clock, ring=self._ring_schedules)
        self._commands = Commands(
            store,
            clock,
            self._watch,
            self._event_futures,
            executor=lambda: self._executor,
            ring=self._ring_for,
            end=self._scheduling.cancel,
        )

    # -- life ---------------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Connect, and take up plans if this world runs them."""
        if self._connector is not None:
            self._connector.open(self._link_changed)
            if self._runs_plans:
                self._start_executor(self._connector)
                self._start_sweeper()
        return self

    def terminate(self, *, timeout: timedelta = timedelta(seconds=60)) -> bool:
        """Take nothing new, let running code end, free the plans, close; suspended steps are not waited for.

        Returns whether everything ended in time.
        """
        log.info("world.terminating")
        self._ending.set()
        self._futures.close()
        self._event_futures.close()
        with self._lock:
            executor, self._executor = self._executor, None
        ended = executor is None or executor.stop(wait=timeout.total_seconds())
        if self._sweeper is not None:
            self._sweeper.stop()
        if self._fleet is not None:
            self._fleet.close()
        if self._connector is not None:
            self._connector.close(wait=timedelta(seconds=5))
        log.info("world.terminated")
        return ended

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.terminate()

    # -- Engine -------------------------------------------------------------------------------------------

    def submit(
        self, action: str, arguments: Mapping[str, Any], *, user: str, plan_id: UUID | None = None
    ) -> Submitted:
        """See Engine.submit."""
        return self._intake.submit(action, arguments, user=user, plan_id=plan_id)

    def rehearse(self, action: str, arguments: Mapping[str, Any]) -> PlanDraft:
        """See Engine.rehearse."""
        return self._intake.rehearse(action, arguments)

    def trigger(self, action: type[Action], /, *args: Any, **named: Any) -> Triggered | PlanningFailed:
        """Plan the action with these arguments, store the plan, hand it to an executor.

        Returns after the commit. A plan method that fails raises nothing: the plan is stored as stopped, and
        PlanningFailed has the error. Without any executor alive the plan waits for one.

        Raises:
            NotSerialisableError: the arguments are no JSON; nothing is stored.
            StoreUnavailableError: the database is away; nothing is stored.
        """
        return self.with_options().trigger(action, *args, **named)

    def plan(self, action: type[Action], /, *args: Any, **named: Any) -> Planned | PlanningFailed:
        """Plan and store the action as trigger does, and let nothing of it run before `execute`."""
        return self.with_options().plan(action, *args, **named)

    def execute(self, plan_id: UUID, *, actor: str = "") -> PlanFuture:
        """Have a plan run that was only planned, or let a paused one go on.

        Raises:
            PlanNotFoundError, CommandRefusedError: there is nothing to be executed; nothing changed.
        """
        if self._store.order(plan_id):
            self._offer(plan_id)
            return self.future(plan_id)
        return self.resume(plan_id, actor=actor)

    def with_options(
        self,
        *,
        plan_id: UUID | None = None,
        name: str | None = None,
        user: str = "",
        caller: Caller | None = None,
    ) -> Triggering:
        """Return what triggers plans with these options.

        Args:
            plan_id: the id that the plan gets. Triggered twice with it, the same action with the same
                arguments is one plan; with others PlanExistsError is raised.
            name: unique among all plans, 1 to 200 characters; trigger raises NameTakenError if it is taken.
            user: who wants it, for the record.
            caller: the plan, and perhaps the action of it, for which it is made: waited for by none, and
                found by `caller_plan_id` and `caller_action_id`.

        Raises:
            InputInvalidError: the name is empty, too long, or has control characters.
        """
        return self._triggering(Wanted(user, plan_id, valid_name(name), caller))

    def future(self, plan_id: UUID) -> PlanFuture:
        """Return the future of a stored plan; of one at rest it is resolved already.

        Raises:
            PlanNotFoundError: by `wait`, if there is no such plan.
        """
        future = self._futures.of(plan_id)
        self._futures.stored(plan_id)
        self._futures.look(plan_id)
        return future

    def hosts_matching(
        self, target: str, *, limit: str | int | None = None, one: bool = False, seed: int | None = None
    ) -> Sequence[str]:
        """See WorldHandle.hosts_matching."""
        return self._intake.find_hosts(target, limit=limit, one=one, seed=seed)

    def resume(self, plan_id: UUID, *, actor: str = "") -> PlanFuture:
        """Let a paused plan go on: what failed is tried once more, what is done is not repeated.

        Of a running plan it withdraws the pause that was asked for and has not come.

        Raises:
            PlanNotFoundError, CommandRefusedError: nothing changed.
            WaitTimeoutError: committed, to be applied when an executor is there.
        """
        self.command(plan_id, CommandKind.RESUME, {}, actor=actor, wait=COMMAND_WAIT)
        return self.future(plan_id)

    def command(
        self, plan_id: UUID, kind: CommandKind, arguments: Mapping[str, Any], *, actor: str, wait: timedelta
    ) -> dict[str, Any]:
        """See Engine.command."""
        return self._commands.give(plan_id, kind, arguments, actor=actor, wait=wait)

    def allowed(self, state: str, result: str) -> Sequence[CommandKind]:  # noqa: ARG002 - part of the port
        """See Engine.allowed."""
        return ALLOWED[PlanState(state)]

    def wait_for_change(self, seen: Mapping[UUID, int], *, wait: timedelta) -> Mapping[UUID, int]:
        """See Engine.wait_for_change."""

        def look() -> dict[UUID, int] | None:
            now = self._store.versions(seen.keys())
            return {plan_id: version for plan_id, version in now.items() if version != seen[plan_id]} or None

        return self._watch.until(look, seen.keys(), wait=wait.total_seconds()) or {}

    def link(self) -> LinkReport:
        """See Engine.link."""
        return self._link

    def executors_alive(self) -> int:
        """See Engine.executors_alive."""
        return sum(world.alive and world.kind == "executor" for world in self._store.worlds())

    def execution_status(self) -> dict[str, int]:
        """How much this world has in hand: plans, open requests, parcels not yet published."""
        executor = self._executor
        return executor.status() if executor is not None else {}

    def gauges(self) -> list[tuple[Key, float]]:
        """How the worker pools of this world stand; nothing, if it runs no plans."""
        executor = self._executor
        return executor.gauges() if executor is not None else []

    def _triggering(self, wanted: Wanted) -> Triggering:
        return Triggering(self._intake, self._scheduling, self._commands, wanted)

    def _offer(self, plan_id: UUID) -> None:
        """Tell our own executor, or those at the other end of the bus, of a plan that is stored."""
        if self._executor is not None:
            self._executor.ring()
        elif self._connector is not None and link_is_up(self._link):
            self._connector.publish([Parcel(Plans(), "plan", uuid4(), str(plan_id).encode())], _unconcerned)

    def _ring_schedules(self) -> None:
        """Say that a scheduled plan is due; unheard, it is found within a second."""
        if self._executor is not None:
            self._executor.schedules.ring()
        elif self._connector is not None and link_is_up(self._link):
            self._connector.publish([Parcel(Plans(), "plan", uuid4(), DUE)], _unconcerned)

    def _ring_for(self, owner: UUID | None) -> None:
        if self._executor is not None:
            self._executor.ring()
        if self._connector is None or owner is None or not link_is_up(self._link):
            return
        tokens = [world.token for world in self._store.worlds() if world.id == owner]
        parcels = [Parcel(Bell(token), "bell", uuid4(), b"", durable=False) for token in tokens]
        self._connector.publish(parcels, _unconcerned)

    # -- the executor ---------------------------------------------------------------------------------------

    def _start_executor(self, connector: ExecutorConnector) -> None:
        if self._fleet is None:
            self._fleet = self._crew.fleet(
                self._store,
                connector,
                self._clock,
                admit_simulated=self._settings.admit_simulated,
                approve=self._settings.approve,
            )
            self._fleet.load()
            connector.consume(Shared.PRESENCE, self._fleet.inlet, prefetch=PRESENCE_PREFETCH)
        executor = self._crew.executor(
            self._store,
            connector,
            self._actions,
            self._settings,
            clock=self._clock,
            chance=self._chance,
            fleet=self._fleet,
            on_commit=self._committed,
            on_expired=self._expired,
            on_discovered=self._watch.ring,
            chains=self._chains,
            options=self._triggering,
            observer=self._observer,
        )
        try:
            executor.start()
        except (StoreUnavailableError, BusError):
            executor.stop(wait=1.0)
            raise
        self._executor = executor
        executor.link_changed(self._link)

    def _committed(self, batch: Batch) -> None:
        self._futures.committed(batch.written())
        self._event_futures.committed(batch.events_gone(), batch.events_dropped())
        self._watch.ring(batch.shown())

    def _start_sweeper(self) -> None:
        policy = self._settings.cleaning
        if policy is not None:
            every = self._settings.clean_every
            self._sweeper = Sweeper(lambda: self.clean(policy), every=every, ending=self._ending)
            self._sweeper.start()

    def _expired(self, executor: Executor) -> None:
        """Others have declared this world dead, or it broke: drop its plans, go on under a new name."""
        while not self._renewed(executor):
            self._ending.wait(RENEWAL_PAUSE)

    def _renewed(self, executor: Executor) -> bool:
        with self._lock:
            if self._executor is not executor or self._connector is None or self._ending.is_set():
                return True
            executor.stop(wait=5.0)
            try:
                self._start_executor(self._connector)
            except McoflowError as error:
                log.warning("world.not_renewed", extra={"reason": str(error)})
                return False
            return True

    def _link_changed(self, report: LinkReport) -> None:
        if report.link is Link.DOWN and self._fleet is not None:
            self._fleet.link_broke()
        self._link = report
        level = logging.WARNING if report.link in (Link.DOWN, Link.BLOCKED) else logging.INFO
        log.log(level, "link.changed", extra={"link": report.link.value, "why": report.why})
        if self._executor is not None:
            self._executor.link_changed(report)


def _unconcerned(_parcel: Parcel, _receipt: Receipt) -> None:
    """A bell that is lost costs a quarter of a second."""
