"""Time in the hands of a test."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from mcoflow.testing import ManagedClock, Timer, TimersNeverEndError
from mcoflow.testing.clock import moment

START = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Diary:
    """Timers that are noted when they fire; `again` sets the next one."""

    def __init__(self, clock: ManagedClock, *minutes: int, again: timedelta | None = None) -> None:
        self._clock = clock
        self._waiting = [Timer(clock.now() + each * MINUTE, f"after {each}") for each in minutes]
        self._again = again
        self.fired: list[tuple[str, datetime]] = []
        clock.serve(self)

    def timers(self) -> Iterable[Timer]:
        return list(self._waiting)

    def time_passed(self) -> None:
        now = self._clock.now()
        for timer in [each for each in self._waiting if each.due_at <= now]:
            self._waiting.remove(timer)
            self.fired.append((timer.what, now))
            if self._again is not None:
                self._waiting.append(Timer(now + self._again, timer.what))


def test_time_stands_still_until_it_is_moved() -> None:
    clock = ManagedClock(START)
    before = (clock.now(), clock.monotonic())

    clock.advance(timedelta(hours=1))

    assert before == (START, 0.0)
    assert (clock.now(), clock.monotonic()) == (START + timedelta(hours=1), 3600.0)


def test_timers_on_the_way_fire_in_order_each_at_its_own_time() -> None:
    clock = ManagedClock(START)
    diary = Diary(clock, 30, 10, 90)

    clock.advance(timedelta(hours=1))

    assert diary.fired == [("after 10", START + 10 * MINUTE), ("after 30", START + 30 * MINUTE)]
    assert [timer.what for timer in clock.pending()] == ["after 90"]
    assert clock.now() == START + timedelta(hours=1)


def test_the_next_timer_is_fired_at_its_time_and_returned() -> None:
    clock = ManagedClock(START)
    diary = Diary(clock, 20, 5)

    fired = clock.fire_next()

    assert fired == Timer(START + 5 * MINUTE, "after 5")
    assert diary.fired == [("after 5", START + 5 * MINUTE)]


def test_without_timers_nothing_fires() -> None:
    clock = ManagedClock(START)

    assert (clock.fire_next(), clock.fire_all(), clock.now()) == (None, [], START)


def test_all_timers_fire_those_included_that_are_set_meanwhile() -> None:
    clock = ManagedClock(START)
    diary = Diary(clock, 1, 2)

    assert [timer.what for timer in clock.fire_all()] == ["after 1", "after 2"]
    assert len(diary.fired) == 2


def test_timers_without_end_are_an_error_that_names_them() -> None:
    clock = ManagedClock(START)
    Diary(clock, 1, again=MINUTE)

    with pytest.raises(TimersNeverEndError, match="10 timers have fired and there are others: after 1 at"):
        clock.fire_all(limit=10)


def test_who_has_left_is_not_called_any_more() -> None:
    clock = ManagedClock(START)
    diary = Diary(clock, 1)

    clock.leave(diary)
    clock.advance(timedelta(hours=1))

    assert (diary.fired, clock.pending()) == ([], [])


def test_a_clock_without_a_zone_and_time_that_goes_back_are_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        ManagedClock(datetime(2026, 1, 1))  # noqa: DTZ001 - that is what is refused
    with pytest.raises(ValueError, match="does not go back"):
        ManagedClock(START).advance(-MINUTE)


def test_durations_run_for_those_who_have_threads() -> None:
    clock = ManagedClock(START, running=True)
    before = clock.monotonic()

    while clock.monotonic() == before:
        pass
    assert clock.now() == START


def test_a_moment_is_never_before_what_is_due_then() -> None:
    stamps = [START.timestamp() + number / 7_000_003 for number in range(2_000)]

    assert all(stamp <= moment(stamp).timestamp() < stamp + 2e-6 for stamp in stamps)
