"""What every clock promises. Give a `clock` fixture, and `pass_time` if time has to be moved."""

from __future__ import annotations

import threading
from datetime import UTC, timedelta

import pytest

from mcoflow.clock import Clock

TICK = 0.05
"""Seconds that pass in a test."""


class ClockContract:
    """A subclass gives a `clock` fixture."""

    @pytest.fixture
    def clock(self) -> Clock:
        """Return the clock under test."""
        raise NotImplementedError("give the fixture `clock`")

    def pass_time(self, clock: Clock) -> None:
        """Let TICK seconds pass; of a clock that runs by itself they are waited for."""
        threading.Event().wait(TICK)

    def test_the_wall_time_is_aware_and_in_utc(self, clock: Clock) -> None:
        now = clock.now()

        assert now.tzinfo is not None
        assert now.utcoffset() == timedelta(0)
        assert now == now.astimezone(UTC)

    def test_the_wall_time_passes(self, clock: Clock) -> None:
        before = clock.now()

        self.pass_time(clock)

        assert clock.now() - before >= timedelta(seconds=TICK / 2)

    def test_durations_never_go_backwards(self, clock: Clock) -> None:
        seen = [clock.monotonic()]
        for _ in range(50):
            seen.append(clock.monotonic())
        self.pass_time(clock)
        seen.append(clock.monotonic())

        assert seen == sorted(seen)

    def test_durations_are_seconds(self, clock: Clock) -> None:
        before = clock.monotonic()

        self.pass_time(clock)

        assert TICK / 2 <= clock.monotonic() - before < TICK * 200

    def test_a_stamp_stands_for_its_moment(self, clock: Clock) -> None:
        """What is stored is Unix time."""
        now = clock.now()

        assert abs(now.timestamp() - now.astimezone(UTC).timestamp()) < 1e-6
        assert now.timestamp() > 1_000_000_000
