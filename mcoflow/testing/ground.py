"""What the worlds of a test stand on: time, a database, a broker, hosts; and who does what next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Final, Protocol

from mcoflow.domain.requests import RequestRecord, TimerRecord
from mcoflow.testing.broker import MemoryBroker
from mcoflow.testing.clock import ManagedClock, Timer, moment
from mcoflow.testing.database import quick_store
from mcoflow.testing.hosts import FakeHosts
from mcoflow.testing.turns import Move, OneThreadExecutor

ENOUGH: Final = 100_000
"""Moves that one drain() makes at the most."""


class NeverRestsError(AssertionError):
    """There is always something left to do: steps that send each other events without end, say."""


class Inhabitant(Protocol):
    """A world on this ground."""

    @property
    def executor(self) -> OneThreadExecutor | None:
        """What runs plans, if it lives."""

    def moves(self) -> list[Move]:
        """What it can do next."""


class Ground:
    """A clock, a store, a broker and hosts, shared by the worlds of one test.

    `order` is a source of chance: with one, the next of all possible moves is drawn, so that a seed is an
    interleaving.
    """

    def __init__(self, clock: ManagedClock | None = None, *, order: Random | None = None) -> None:
        self._held = ExitStack()
        self.clock = clock or ManagedClock()
        self.store = self._held.enter_context(quick_store(self.clock))
        self.broker = MemoryBroker()
        self.hosts = FakeHosts(self.broker, self.clock)
        self.worlds: list[Inhabitant] = []
        self.chance = Random(7)  # noqa: S311 - one for all worlds, so that no id comes twice
        self.acting: Inhabitant | None = None  #: whose move it is
        self._order = order
        self.clock.serve(self)

    @property
    def database(self) -> Path:
        """The file of the store."""
        return Path(str(self.store._database.writer.url.database))

    def close(self) -> None:
        """Remove the database."""
        self.clock.leave(self)
        self.clock.leave(self.hosts)
        self._held.close()

    def step(self) -> bool:
        """Make one move; False if there is none to make."""
        moves: list[tuple[Inhabitant | None, Move]] = [(w, move) for w in self.worlds for move in w.moves()]
        moves.insert(1, (None, self.broker.step))
        if self._order is not None:
            self._order.shuffle(moves)
        return any(self._made(world, move) for world, move in moves)

    def drain(self, limit: int = ENOUGH) -> int:
        """Make moves until none is left; only time, a person or a late host can bring another.

        Returns how many there were.

        Raises:
            NeverRestsError: there were more than `limit`.
        """
        for executor in self._executors():
            executor.ring()
        for made in range(limit):
            if not self.step() and not self._took_over_a_queue():
                return made
        raise NeverRestsError(f"after {limit} moves there is still something to do")

    def _took_over_a_queue(self) -> bool:
        """Have executors look for the queues of dead ones, if something waits there; whether that helped."""
        stranded = self.broker.stranded()
        for executor in self._executors() if stranded else ():
            executor.look_around()
        return stranded and not self.broker.stranded()

    # -- time ---------------------------------------------------------------------------------------------

    def timers(self) -> Iterable[Timer]:
        """What becomes due in the executors of this ground."""
        timers = [_timer(each) for executor in self._executors() for each in executor.waits()]
        due_at = self.store.next_due() if any(self._executors()) else None
        if due_at is not None and moment(due_at) > self.clock.now():
            timers.append(Timer(moment(due_at), "a scheduled plan"))
        return timers

    def time_passed(self) -> None:
        """Let the executors notice, and look for the dead."""
        for executor in self._executors():
            executor.look_around()
        self.drain()

    def _made(self, world: Inhabitant | None, move: Move) -> bool:
        self.acting = world
        try:
            return move()
        finally:
            self.acting = None

    def _executors(self) -> Iterator[OneThreadExecutor]:
        return (world.executor for world in self.worlds if world.executor is not None)


def _timer(due: RequestRecord | TimerRecord) -> Timer:
    what = f"{due.wait.value} of a request to {due.host}" if isinstance(due, RequestRecord) else due.kind
    where = f"{what}, step {due.step_id} of plan {due.plan_id}"
    return Timer(moment(due.due_at), where, due.plan_id, due.step_id)
