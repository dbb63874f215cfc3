"""What a story is told on: two worlds on rough ground, and what was seen of them so far."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import timedelta
from random import Random
from typing import Any, ClassVar
from uuid import UUID

import pytest
from hypothesis.stateful import RuleBasedStateMachine

from mcoflow.engine import patient
from mcoflow.errors import (
    CommandRefusedError,
    EventDroppedError,
    InputInvalidError,
    PlanNotFoundError,
    StoreUnavailableError,
    WaitTimeoutError,
)
from mcoflow.testing import FakeHosts, Ground, ManagedClock, OneThreadWorld, error, late, ok, only
from mcoflow.testing.hosts import accepted, out_of_order, restart_amid, twice
from mcoflow.testing.stored import Stored
from tests.unit.engine.machine.holds import Seen
from tests.unit.engine.machine.ledger import Ledger
from tests.unit.engine.machine.weather import RoughBroker, WatchedExecutor, Weather

REFUSALS = (
    CommandRefusedError,
    EventDroppedError,
    InputInvalidError,
    PlanNotFoundError,
    StoreUnavailableError,
    WaitTimeoutError,
)
"""What people may be told; anything else that is raised ends the story."""


class Complaints(logging.Handler):
    """What the engine logs as its own failure."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it with its traceback."""
        self.heard.append(
            logging.Formatter("%(name)s %(message)s").format(record) + f" {vars(record).get('reason')}"
        )


class Stage(RuleBasedStateMachine):
    """Sets the scene. The same seed tells the same story, ids included."""

    executor: ClassVar[type[WatchedExecutor]] = WatchedExecutor

    def set_up(self, seed: int) -> None:
        """Build the ground and start two worlds on it."""
        chance = Random(seed)
        self.held = ExitStack()
        patch = self.held.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(os, "urandom", chance.randbytes)
        patch.setattr(patient, "_WAITS", (0.0,))
        self.complaints = Complaints()
        logging.getLogger("mcoflow").addHandler(self.complaints)
        self.held.callback(lambda: logging.getLogger("mcoflow").removeHandler(self.complaints))
        Ledger.now = self.ledger = Ledger()
        self.weather = Weather(Random(seed + 1))
        self.ground = Ground(ManagedClock(), order=Random(seed))
        self.held.callback(self.ground.close)
        self.stored = Stored(self.ground.store)
        self.seen = Seen(self.ground, self.ledger)
        self._roughen()
        self.sabotage()
        executor = type("Watched", (self.executor,), {"weather": self.weather})
        self.worlds = [OneThreadWorld(ground=self.ground) for _ in range(2)]
        for world in self.worlds:
            world._crew.executor = executor  # type: ignore[misc]
            world.start()
        self.told = 0

    def sabotage(self) -> None:
        """Break what is to be found broken; here nothing."""

    def _roughen(self) -> None:
        ground = self.ground
        ground.clock.leave(ground.hosts)
        ground.broker = RoughBroker(self.weather, self.seen.acked)
        ground.hosts = FakeHosts(ground.broker, ground.clock)
        self.weather.shake(ground.store, self.seen.committed)
        ground.hosts.answers = {
            "good": ok(by="good"),
            "bad": error(4),
            "torn": restart_amid(ok()),
            "echo": twice(ok(by="echo")),
            "mute": only(accepted()),
            "slow": late(timedelta(minutes=30), ok()),
            "again": out_of_order(ok()),
        }
        ground.hosts.unknown.add("gone")

    def attempt(self, what: Callable[[], object]) -> bool:
        """Do what may be refused; whether it was not."""
        with suppress(*REFUSALS):
            what()
            return True
        return False

    def living(self, which: int) -> OneThreadWorld | None:
        """A world whose executor lives."""
        world = self.worlds[which]
        return world if world.executor is not None else None

    def any_plan(self, number: int) -> UUID | None:
        """One of the stored plans."""
        ids = self.stored.ids()
        return ids[number % len(ids)] if ids else None

    def clear_up(self) -> None:
        """Let the sun shine: all worlds live, the bus and the store are there."""
        self.weather.away, self.weather.rough = 0, False
        broker: Any = self.ground.broker
        broker.come_up()
        for world in self.worlds:
            world.restart()
        self.ground.drain()
