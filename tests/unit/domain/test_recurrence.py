"""When work comes back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from mcoflow.domain.recurrence import (
    AT_ONCE,
    RECURRENCE_MOVES,
    Recurrence,
    RecurrenceRecord,
    RecurrenceState,
    check_recurrence_move,
    firing,
    first_time,
    next_after,
)
from mcoflow.errors import InvalidMoveError, ScheduleInvalidError

HOUR = 3600.0
START = datetime(2026, 11, 21, 5, 0, tzinfo=UTC).timestamp()


def record(cron: str = "0 * * * *", **fields: Any) -> RecurrenceRecord:
    return RecurrenceRecord(UUID(int=7), "a", "{}", "A", START, cron, **{"next_at": START, **fields})


def follow(cron: str, zone: str, start: datetime, count: int) -> list[datetime]:
    """Go from time to time, as executors do."""
    at: float | None = start.timestamp()
    found: list[datetime] = []
    for _ in range(count):
        assert at is not None
        at = next_after(cron, zone, at)
        assert at is not None
        found.append(datetime.fromtimestamp(at, ZoneInfo(zone)))
    return found


@pytest.mark.parametrize("cron", ["30 2 * * *", "0 3 * * *", "*/20 * * * *", "0 */6 * * *", "15 1,2,3 * * *"])
@pytest.mark.parametrize("day", [(2026, 3, 28), (2026, 10, 24)])
@pytest.mark.parametrize("zone", ["Europe/Vienna", "UTC"])
def test_times_are_those_of_cronsim_over_both_changes_of_the_clock(
    cron: str, day: tuple[int, int, int], zone: str
) -> None:
    """E-091: each time once, as cronsim says, also when it is asked anew after each."""
    start = datetime(*day, 12, tzinfo=ZoneInfo(zone))
    said = [each.timestamp() for each in islice(CronSim(cron, start), 300)]
    expected = list(dict.fromkeys(said))[:150]

    found = [each.timestamp() for each in follow(cron, zone, start, 150)]

    assert found == expected
    assert all(earlier < later for earlier, later in pairwise(found))


def test_a_night_job_comes_once_each_day_over_the_changes() -> None:
    """E-091: 02:30 does not exist in spring, and exists twice in autumn."""
    for month, day in ((3, 27), (10, 23)):
        start = datetime(2026, month, day, 12, tzinfo=ZoneInfo("Europe/Vienna"))
        days = [each.date() for each in follow("30 2 * * *", "Europe/Vienna", start, 4)]
        assert days == [start.date() + timedelta(days=n) for n in range(1, 5)]


@given(st.integers(0, 366 * 24 * 60), st.sampled_from(["*/7 * * * *", "30 2 * * *", "5 0 29 2 *"]))
def test_the_next_time_is_always_later(minutes: int, cron: str) -> None:
    at = START + 60.0 * minutes + 0.25
    found = next_after(cron, "Europe/Vienna", at)
    assert found is not None
    assert found > at


@pytest.mark.parametrize(("missed", "runs"), [("none", 0), ("one", 1), ("all", 3)])
def test_missed_times_are_made_up_for_as_named(missed: str, runs: int) -> None:
    """E-093: down for three periods."""
    todo = firing(record(missed=missed), START + 2 * HOUR + 1800)

    assert len(todo.times) == runs
    assert todo.next_at == START + 3 * HOUR
    assert todo.times == tuple(START + n * HOUR for n in range(3 - runs, 3))


@pytest.mark.parametrize(("missed", "since"), [("none", START), ("one", START), ("all", None)])
def test_what_gets_no_run_of_its_own_is_told(missed: str, since: float | None) -> None:
    """E-093: nobody has to guess which runs were left out."""
    assert firing(record(missed=missed), START + 2 * HOUR + 1800).missed_from == since
    assert firing(record(missed=missed), START + 2.0).missed_from is None
    one_late = firing(record(missed=missed), START + 600.0)
    assert one_late.missed_from == (START if missed == "none" else None)


def test_a_time_that_has_just_come_is_not_missed() -> None:
    """E-093: a look comes a second later, or two."""
    assert firing(record(missed="none"), START + 2.0).times == (START,)


def test_years_of_missed_minutes_are_not_counted() -> None:
    long_ago = record("* * * * *", next_at=START - 3e8)

    assert firing(long_ago, START + 5.0).times == (START,)
    many = firing(replace(long_ago, missed="all"), START)
    assert len(many.times) == AT_ONCE
    assert many.next_at == many.times[-1] + 60.0


def test_the_number_of_runs_and_the_end_are_respected() -> None:
    """E-091: max_runs and ends."""
    assert len(firing(record(missed="all", max_runs=5, runs=3), START + 9 * HOUR).times) == 2
    ended = firing(record(missed="all", ends=START + HOUR), START + 9 * HOUR)
    assert ended.times == (START, START + HOUR)
    assert ended.next_at is None
    assert first_time(record(starts=START + 5 * HOUR), START) == START + 5 * HOUR
    assert first_time(record(ends=START - 1), START) is None


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"cron": "every day"}, "no cron expression"),
        ({"cron": "61 * * * *"}, "no cron expression"),
        ({"cron": "0 0 31 2 *"}, "no cron expression"),
        ({"timezone": "Mars/Olympus"}, "no time zone 'Mars/Olympus'"),
        ({"timezone": "../etc/passwd"}, "no time zone"),
        ({"max_runs": 0}, "max_runs"),
        ({"overlap": "maybe"}, "skip, allow or queue"),
        ({"missed": "some"}, "none, one or all"),
        ({"starts": datetime(2026, 1, 1)}, "time zone"),  # noqa: DTZ001 - that is the point
        ({"starts": datetime(2026, 1, 2, tzinfo=UTC), "ends": datetime(2026, 1, 1, tzinfo=UTC)}, "before"),
    ],
)
def test_what_is_no_recurrence_is_refused_in_words(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ScheduleInvalidError, match=named):
        Recurrence(**{"cron": "0 4 * * *", **fields})


@given(st.sampled_from(RecurrenceState), st.sampled_from(RecurrenceState))
def test_a_recurrence_makes_the_moves_of_its_table_and_no_other(
    seen: RecurrenceState, wanted: RecurrenceState
) -> None:
    if wanted in RECURRENCE_MOVES[seen]:
        check_recurrence_move(record(state=seen), wanted)
    else:
        with pytest.raises(InvalidMoveError, match=f"is {seen}"):
            check_recurrence_move(record(state=seen), wanted)


def test_the_plan_of_a_time_has_the_same_id_whoever_makes_it() -> None:
    assert record().plan_id(START) == record(state=RecurrenceState.DISABLED).plan_id(START)
    assert record().plan_id(START) != record().plan_id(START + 1)
