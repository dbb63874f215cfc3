"""Time in the hands of a test."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

from mcoflow.clock import SystemClock

START: Final = datetime(2026, 11, 21, 5, 0, tzinfo=UTC)
_AT_ONCE: Final = 100_000
"""Timers that one advance() fires at the most: more of them are a loop."""


@dataclass(frozen=True, slots=True, order=True)
class Timer:
    """Something that happens by itself at a time. `what` names it: silence of step 2 of plan …"""

    due_at: datetime
    what: str
    plan_id: UUID | None = None
    step_id: int | None = None


class Timed(Protocol):
    """Somebody for whom things become due: a OneThreadWorld, late hosts."""

    def timers(self) -> Iterable[Timer]:
        """What is to happen by itself."""

    def time_passed(self) -> None:
        """Do what is due now."""


class TimersNeverEndError(AssertionError):
    """There is always another timer: a polling step, or one that is retried for ever."""


class ManagedClock:
    """Stands still until it is told to move, and lets each timer fire at its own time on the way.

    Args:
        start: the first time, aware.
        running: let the monotonic time be that of the machine, so that threads can wait for each other; the
            wall time stands still all the same.
    """

    def __init__(self, start: datetime = START, *, running: bool = False) -> None:
        if start.tzinfo is None:
            raise ValueError(f"a clock needs an aware time, not {start}")
        self._start = self._now = start.astimezone(UTC)
        self._machine = SystemClock() if running else None
        self._timed: list[Timed] = []
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Return the wall time, aware, in UTC."""
        with self._lock:
            return self._now

    def monotonic(self) -> float:
        """Return seconds since the start."""
        if self._machine is not None:
            return self._machine.monotonic()
        return (self.now() - self._start).total_seconds()

    def serve(self, timed: Timed) -> None:
        """Let somebody's timers fire with this clock."""
        if timed not in self._timed:
            self._timed.append(timed)

    def leave(self, timed: Timed) -> None:
        """Fire somebody's timers no more."""
        if timed in self._timed:
            self._timed.remove(timed)

    def pending(self) -> list[Timer]:
        """The timers that have not fired, the earliest first."""
        return sorted(timer for timed in self._timed for timer in timed.timers())

    def advance(self, by: timedelta) -> None:
        """Let time pass; the timers on the way fire one after another, each at its own time.

        Raises:
            ValueError: `by` is negative.
            TimersNeverEndError: there are too many.
        """
        if by < timedelta(0):
            raise ValueError(f"time does not go back: {by}")
        until = self.now() + by
        for _ in range(_AT_ONCE):
            coming = [timer.due_at for timer in self.pending() if self.now() < timer.due_at <= until]
            if not coming:
                return self._move(until)
            self._move(min(coming))
        raise self._endless(_AT_ONCE)

    def fire_next(self) -> Timer | None:
        """Move to the earliest timer, let it fire, and return it; None if there is none."""
        waiting = self.pending()
        if not waiting:
            return None
        self._move(max(waiting[0].due_at, self.now()))
        return waiting[0]

    def fire_all(self, limit: int = 1000) -> list[Timer]:
        """Fire timers until none is left, and return them in order.

        Raises:
            TimersNeverEndError: after `limit` of them there is still another.
        """
        fired: list[Timer] = []
        while (timer := self.fire_next()) is not None:
            fired.append(timer)
            if len(fired) > limit:
                raise self._endless(limit)
        return fired

    def _move(self, to: datetime) -> None:
        with self._lock:
            self._now = max(self._now, to)
        for timed in list(self._timed):
            timed.time_passed()

    def _endless(self, limit: int) -> TimersNeverEndError:
        waiting = "; ".join(f"{timer.what} at {timer.due_at:%H:%M:%S}" for timer in self.pending()[:3])
        return TimersNeverEndError(f"{limit} timers have fired and there are others: {waiting}")


def moment(stamp: float) -> datetime:
    """Return the first time of a clock at which what is due at a Unix time is due."""
    at = datetime.fromtimestamp(stamp, UTC)
    return at if at.timestamp() >= stamp else at + timedelta(microseconds=1)
