"""Work that comes back."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from mcoflow.domain.records import PlanRecord
from mcoflow.domain.recurrence import Recurrence, RecurrenceState
from mcoflow.domain.states import PlanResult, PlanState
from mcoflow.errors import (
    InvalidMoveError,
    NotSerialisableError,
    PurposeTakenError,
    RecurrenceNotFoundError,
    ScheduleInvalidError,
)
from mcoflow.ports.store import Listing
from tests.unit.engine.house import House
from tests.unit.engine.play import Compose, do, play
from tests.waiting import until

HOUR = 3600.0
HOURLY = Recurrence("0 * * * *")


def recur(house: House, recurrence: Recurrence = HOURLY) -> UUID:
    return house.world.recur(recurrence, Compose, layout=play.layout(do("a")))


def plans(house: House) -> list[PlanRecord]:
    """The plans, the oldest first."""
    return list(reversed(house.store.plans(Listing(limit=500))))


def after_hours(house: House, hours: float, runs: int) -> list[PlanRecord]:
    """Let time pass and wait for so many plans, all of them over."""
    house.advance(hours * HOUR)
    until(
        lambda: [plan.state for plan in plans(house)] == [PlanState.STOPPED] * runs,
        f"{runs} runs, not {plans(house)}",
    )
    return plans(house)


def test_an_action_comes_back_at_its_times(house: House) -> None:
    """E-091: a plan for each time, whose id follows from it."""
    recurrence_id = recur(house)
    first_at = house.clock.now().timestamp() + HOUR
    assert plans(house) == []

    (first,) = after_hours(house, 1.0, 1)
    first, second = after_hours(house, 1.0, 2)

    record = house.world.recurrences.get(recurrence_id)
    assert first.id == record.plan_id(first_at)
    assert second.id == record.last_plan_id
    assert (record.runs, record.next_at) == (2, first_at + 2 * HOUR)
    assert {plan.result for plan in plans(house)} == {PlanResult.SUCCESS}
    assert house.history(first.id)[:2] == ["delay", "start execution"]


def test_the_last_run_finishes_a_recurrence(house: House) -> None:
    """E-091: max_runs and ends respected."""
    counted = recur(house, Recurrence("0 * * * *", max_runs=2, missed="all", overlap="allow"))
    after_hours(house, 5.0, 2)
    record = house.world.recurrences.get(counted)
    assert (record.state, record.runs) == (RecurrenceState.FINISHED, 2)

    ended = recur(house, Recurrence("0 * * * *", ends=house.clock.now() + timedelta(hours=1)))
    after_hours(house, 1.0, 3)
    assert house.world.recurrences.get(ended).state is RecurrenceState.FINISHED
    with pytest.raises(InvalidMoveError, match="finished"):
        house.world.recurrences.enable(ended)


def fail(_action: Any, _event: Any) -> None:
    raise RuntimeError("broken")


def test_no_bad_run_ends_a_recurrence(house: House) -> None:
    """E-092: a run fails and stays paused, one is cancelled: the next one comes."""
    play.scripts["a"] = fail
    recurrence_id = recur(house)
    house.advance(HOUR)
    until(lambda: [plan.state for plan in plans(house)] == [PlanState.PAUSED], "it failed")
    house.advance(HOUR)
    until(lambda: [plan.state for plan in plans(house)] == [PlanState.PAUSED] * 2, "the next one came")
    for plan in plans(house):
        house.cancel(plan.id)
    del play.scripts["a"]

    assert [plan.result for plan in after_hours(house, 1.0, 3)] == [
        PlanResult.CANCELLED,
        PlanResult.CANCELLED,
        PlanResult.SUCCESS,
    ]
    assert house.world.recurrences.get(recurrence_id).state is RecurrenceState.ACTIVE


def test_of_one_purpose_only_one_is_active(house: House) -> None:
    """E-092: two active with one purpose: refused."""
    nightly = Recurrence("0 4 * * *", purpose="backup")
    first = recur(house, nightly)
    with pytest.raises(PurposeTakenError, match="backup"):
        recur(house, nightly)
    house.world.recurrences.disable(first)
    second = recur(house, nightly)
    with pytest.raises(PurposeTakenError, match="backup"):
        house.world.recurrences.enable(first)
    house.world.recurrences.cancel(second)

    assert house.world.recurrences.enable(first).state is RecurrenceState.ACTIVE
    assert recur(house, Recurrence("0 4 * * *")) != recur(house, Recurrence("0 4 * * *"))


def test_two_executors_make_one_plan_for_a_time(house: House) -> None:
    """E-091: next_at is moved in the transaction that inserts the plan."""
    house.another()
    recur(house)

    for runs in (1, 2, 3):
        after_hours(house, 1.0, runs)

    assert play.log == ["a"] * 3


@pytest.mark.parametrize(("missed", "runs"), [("none", 0), ("one", 1), ("all", 3)])
def test_what_was_missed_while_nobody_was_there(empty_house: House, missed: Any, runs: int) -> None:
    """E-093: down for three periods."""
    empty_house.another(executor=False)
    recurrence_id = recur(empty_house, Recurrence("0 * * * *", missed=missed))
    empty_house.clock.advance(timedelta(hours=3.5))
    empty_house.another()
    until(
        lambda: (
            (empty_house.store.recurrence(recurrence_id).next_at or 0) > empty_house.clock.now().timestamp()
        ),
        "it was looked at",
    )

    after_hours(empty_house, 0.0, runs)
    assert len(play.log) == runs
    told = empty_house.world.recurrences.get(recurrence_id).explanation
    assert ("no executor was there" in told) == (missed != "all")
    assert ("all but the last" in told) == (missed == "one")


@pytest.mark.parametrize(
    ("overlap", "at_once", "in_the_end"), [("skip", 1, 1), ("allow", 2, 2), ("queue", 1, 2)]
)
def test_a_run_that_overlaps(house: House, overlap: Any, at_once: int, in_the_end: int) -> None:
    """E-093: skip, allow, queue as named."""
    held = play.hold("a")
    recurrence_id = recur(house, Recurrence("0 * * * *", overlap=overlap))
    house.advance(HOUR)
    play.wait_inside("a")
    house.advance(HOUR)
    until(
        lambda: (house.store.recurrence(recurrence_id).next_at or 0) > house.clock.now().timestamp(),
        "it was looked at",
    )
    until(lambda: len(play.log) == at_once, f"{at_once} run")
    assert len(play.log) == at_once
    if overlap == "skip":
        assert "was still going on" in house.world.recurrences.get(recurrence_id).explanation
    held.set()

    after_hours(house, 0.0, in_the_end)
    assert len(play.log) == in_the_end


def test_what_was_left_out_is_told_until_something_else_is(house: House) -> None:
    """E-093: the next run that goes well does not hide that one was skipped."""
    held = play.hold("a")
    recurrence_id = recur(house)
    house.advance(HOUR)
    play.wait_inside("a")
    house.advance(HOUR)
    until(lambda: bool(house.store.recurrence(recurrence_id).explanation), "one was skipped")
    held.set()
    until(lambda: plans(house)[0].state is PlanState.STOPPED, "the first ended")
    first, _ = after_hours(house, 1.0, 2)

    told = house.world.recurrences.get(recurrence_id).explanation
    assert told.startswith("skipped the run of 20")
    assert f"task {first.id}, the one before, was still going on" in told


@pytest.mark.parametrize("disabled", [False, True])
def test_a_run_by_hand_is_made_at_once_beside_the_times(house: House, disabled: bool) -> None:
    """Pages, 3.2: run now. It is none of its runs, and changes nothing of them."""
    recurrence_id = recur(house, Recurrence("0 * * * *", max_runs=1))
    if disabled:
        house.world.recurrences.disable(recurrence_id)
    before = house.world.recurrences.get(recurrence_id)

    plan_id = house.world.recurrences.run_now(recurrence_id, user="ann")

    (made,) = after_hours(house, 0.0, 1)
    assert (made.id, made.user, made.result) == (plan_id, "ann", PlanResult.SUCCESS)
    assert "by hand" in house.store.history(plan_id)[0].detail
    assert house.world.recurrences.get(recurrence_id) == before
    with pytest.raises(RecurrenceNotFoundError):
        house.world.recurrences.run_now(uuid4())


def test_a_disabled_recurrence_makes_no_plans_and_misses_nothing(house: House) -> None:
    recurrence_id = recur(house, Recurrence("0 * * * *", missed="all"))
    house.world.recurrences.disable(recurrence_id)
    house.advance(5 * HOUR)
    assert [each.id for each in house.world.recurrences.find(RecurrenceState.DISABLED)] == [recurrence_id]

    house.world.recurrences.enable(recurrence_id)

    after_hours(house, 1.0, 1)
    house.world.recurrences.cancel(recurrence_id)
    assert house.world.recurrences.find(RecurrenceState.ACTIVE) == []
    with pytest.raises(InvalidMoveError):
        house.world.recurrences.disable(recurrence_id)


def test_a_recurrence_whose_zone_is_gone_has_failed_and_says_why(house: House) -> None:
    """It can be enabled again, once the zone is there."""
    from sqlalchemy import text

    recurrence_id = recur(house)
    with house.store._database.writing() as connection:
        connection.execute(text("UPDATE recurrences SET timezone = 'Mars/Olympus'"))
    house.advance(HOUR)
    until(lambda: house.store.recurrence(recurrence_id).state is RecurrenceState.FAILED, "it failed")

    assert "Mars/Olympus" in house.world.recurrences.get(recurrence_id).explanation
    assert plans(house) == []


def test_what_cannot_recur_is_refused(house: House) -> None:
    over = Recurrence("0 * * * *", ends=house.clock.now() - timedelta(hours=1))
    with pytest.raises(ScheduleInvalidError, match="no time before"):
        recur(house, over)
    with pytest.raises(NotSerialisableError):
        house.world.recur(HOURLY, Compose, layout={1})
    with pytest.raises(RecurrenceNotFoundError):
        house.world.recurrences.get(uuid4())
    assert house.world.recurrences.find() == []
