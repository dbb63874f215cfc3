"""OneThreadWorld: the real engine, without threads and without waiting."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from random import Random
from typing import Any, Final, Self
from uuid import UUID

from mcoflow.action.base import Action
from mcoflow.action.registry import REGISTERED, Registry
from mcoflow.domain.records import PlanRecord
from mcoflow.engine.settings import WorldSettings
from mcoflow.engine.world import World
from mcoflow.faults import watched_points
from mcoflow.testing.broker import MemoryConnector
from mcoflow.testing.clock import ManagedClock
from mcoflow.testing.ground import Ground
from mcoflow.testing.hosts import FakeHosts
from mcoflow.testing.stored import Stored
from mcoflow.testing.turns import (
    InlineCrew,
    InlineEventFutures,
    InlineFleet,
    InlineFutures,
    Move,
    OneThreadExecutor,
)

SETTINGS: Final = WorldSettings(lease=timedelta(days=1))
"""A lease runs by the machine's clock: a day outlives every look around in a debugger."""


class Crash(BaseException):
    """The process is dead from here on; a BaseException, so that no handler keeps it alive."""


class NotReachedError(AssertionError):
    """What was done inside crash_at() never came to the point of the crash."""


class OneThreadWorld(World):
    """The real planner, director, outbox and recovery, taking turns in the thread of the caller.

    `trigger` stores a plan and runs nothing; `drain` runs everything until only time, a person or a host
    could go on. A context manager: start … terminate.

    Args:
        clock: time stands still but for what you advance it; a new clock if None.
        ground: the store, broker and hosts of another world, to stand beside it; new ones if None.
        order: draws which of all possible things happens next; None: always the same order.
        actions, settings, executor: as for a World.
    """

    def __init__(
        self,
        clock: ManagedClock | None = None,
        *,
        ground: Ground | None = None,
        order: Random | None = None,
        actions: Registry = REGISTERED,
        settings: WorldSettings = SETTINGS,
        executor: bool = True,
        confirm: bool = True,
    ) -> None:
        self._owns_ground = ground is None
        self.ground = ground or Ground(clock, order=order)
        self.store = self.ground.store
        self.stored = Stored(self.store)
        self._confirm = confirm
        super().__init__(
            self.store,
            None,
            clock=self.ground.clock,
            chance=self.ground.chance,
            settings=settings,
            actions=actions,
            executor=executor,
            crew=InlineCrew(self.ground.step),
        )

    # -- life ---------------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Connect and take up what waits in the store; nothing runs before drain()."""
        self._connector = self.ground.broker.connector(confirm=self._confirm)
        self._ending = threading.Event()
        self._fleet = None
        super().start()
        self.ground.worlds.append(self)
        return self

    def terminate(self, *, timeout: timedelta = timedelta(seconds=60)) -> bool:
        """End in good order: running code ends, plans are freed. The store stays until close()."""
        ended = super().terminate(timeout=timeout)
        self._leave()
        return ended

    def restart(self) -> Self:
        """End in good order, or stay dead after a crash, and start anew from what is stored."""
        if self in self.ground.worlds:
            self.terminate()
        return self.start()

    def crash(self) -> None:
        """Die as by kill -9: what is in memory is lost, what was not acknowledged comes again."""
        executor = self._executor
        self._executor = None
        self._leave()
        if isinstance(self._connector, MemoryConnector):
            self._connector.sever()
        if executor is not None:
            self.store.expire_world(executor.world.id)
        else:
            self._expire_unborn()

    def _expire_unborn(self) -> None:
        """Expire an executor that was registered, and died before it had begun."""
        others = (world.executor for world in self.ground.worlds)
        known = {executor.world.id for executor in others if executor is not None}
        for each in self.store.worlds():
            if each.alive and each.id not in known:
                self.store.expire_world(each.id)

    @contextmanager
    def crash_at(self, point: str, *, hit: int = 1) -> Iterator[None]:
        """Crash when what is done inside passes a fault point for the `hit`-th time; the rest is left out.

        Go on with restart().

        Raises:
            NotReachedError: the point was not passed as often.
        """
        passed = 0

        def pass_by(name: str) -> None:
            nonlocal passed
            if name == point and self.ground.acting in (None, self):
                passed += 1
                if passed == hit:
                    self.crash()
                    raise Crash(point)

        with watched_points(pass_by), suppress(Crash):
            yield
        if passed < hit:
            raise NotReachedError(f"{point} was passed {passed} times, not {hit}")

    def close(self) -> None:
        """Terminate, and remove the store if it is this world's own."""
        if self in self.ground.worlds:
            self.terminate()
        if self._owns_ground:
            self.ground.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- running ------------------------------------------------------------------------------------------

    @property
    def clock(self) -> ManagedClock:
        """The time of this world."""
        return self.ground.clock

    @property
    def hosts(self) -> FakeHosts:
        """The hosts that this world's requests go to."""
        return self.ground.hosts

    @property
    def executor(self) -> OneThreadExecutor | None:
        """What runs plans here; None in a client, and in a world that is dead."""
        return self._executor if isinstance(self._executor, OneThreadExecutor) else None

    def drain(self) -> int:
        """Do all that can be done now, and return how many moves that took."""
        return self.ground.drain()

    def run(self, action: type[Action], /, *args: Any, **named: Any) -> PlanRecord:
        """Trigger a plan, drain, and return the plan as it is then."""
        made = self.trigger(action, *args, **named)
        self.drain()
        return self.stored.plan(made.plan_id)

    def advance(self, seconds: float) -> None:
        """Let time pass; what becomes due happens at its own time."""
        self.clock.advance(timedelta(seconds=seconds))

    def moves(self) -> list[Move]:
        """What this world can do next."""
        executor, fleet = self.executor, self._fleet
        chores = [fleet.work] if isinstance(fleet, InlineFleet) else []
        return [*(executor.moves() if executor else ()), *chores]

    def awaited(self) -> list[UUID]:
        """The plans whose futures are not resolved."""
        assert isinstance(self._futures, InlineFutures)
        return self._futures.waited()

    def awaited_events(self) -> list[UUID]:
        """The events whose futures are not resolved."""
        assert isinstance(self._event_futures, InlineEventFutures)
        return self._event_futures.waited()

    # -- parts --------------------------------------------------------------------------------------------

    def _leave(self) -> None:
        if self in self.ground.worlds:
            self.ground.worlds.remove(self)
