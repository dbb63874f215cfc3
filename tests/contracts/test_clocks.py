"""The contract of clocks, kept by the machine's and by the one in the hands of tests."""

from datetime import timedelta

import pytest

from mcoflow.clock import Clock, SystemClock
from mcoflow.testing import ManagedClock
from mcoflow.testing.contracts.clock import TICK, ClockContract


class TestSystemClock(ClockContract):
    @pytest.fixture
    def clock(self) -> Clock:
        return SystemClock()


class TestManagedClock(ClockContract):
    @pytest.fixture
    def clock(self) -> Clock:
        return ManagedClock()

    def pass_time(self, clock: Clock) -> None:
        assert isinstance(clock, ManagedClock)
        clock.advance(timedelta(seconds=TICK))
