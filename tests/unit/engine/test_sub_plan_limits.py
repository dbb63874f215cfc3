"""Limits of sub-plans: how many at once, how many failures, when they begin and until when."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from mcoflow.action import Limits
from mcoflow.domain.states import PlanResult, PlanState
from mcoflow.errors import PlanningError
from tests.unit.engine.fleets import (
    Child,
    Fleet,
    asleep,
    children,
    counts,
    fresh_classes,
    names,
    rest,
    standing,
    start,
)
from tests.unit.engine.house import House
from tests.waiting import until


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    with fresh_classes():
        yield


def test_never_more_live_children_than_allowed(house: House) -> None:
    """E-065: each that ends lets one start, across a restart too."""
    Fleet.limited = Limits(concurrency=5)
    parent = start(house, Fleet, 20, "sleep")
    ended = 0
    while ended < 20:
        live = until(lambda: asleep(house, parent, min(5, 20 - ended)), "the next are asleep")  # noqa: B023
        assert len(live) <= 5
        if ended == 8:
            house.restart()
        house.send(live[0], house.step(live[0]).id, "end")
        house.rest(live[0])
        ended += 1

    assert rest(house, parent).result is PlanResult.SUCCESS
    assert counts(house, parent) == {"total": 20, "success": 20}


def test_too_many_failures_stop_the_creation_until_a_resume(house: House) -> None:
    """E-071: at the sixth; the living are waited for; resume creates the rest."""
    Fleet.limited = Limits(max_failures=5, concurrency=1)
    Child.fails.update(names(12)[2:])
    parent = start(house, Fleet, 12)

    plan = rest(house, parent)

    assert plan.state is PlanState.PAUSED
    assert standing(house, parent) == {"success": 2, "paused": 6}
    assert "4 were not created" in plan.explanation
    Child.fails.clear()
    house.resume(parent)
    rest(house, parent)
    assert standing(house, parent) == {"success": 6, "paused": 6}


def test_planning_failures_stop_the_batch_in_which_they_happen(house: House) -> None:
    """E-071: the sixth child that cannot be planned is the last one."""
    Fleet.limited = Limits(max_failures=5)
    Child.unplannable.update(names(100))
    parent = start(house, Fleet, 100)

    assert rest(house, parent).state is PlanState.PAUSED
    assert len(children(house, parent)) == 6


def test_children_begin_with_the_spacing_that_is_asked_for(house: House) -> None:
    """E-072: start times exact."""
    Fleet.limited = Limits(spacing=timedelta(seconds=10))
    begun = house.clock.now().timestamp()
    parent = start(house, Fleet, 4)

    for number in range(1, 5):
        until(lambda: len(children(house, parent)) == number, f"child {number}")  # noqa: B023
        house.advance(10)

    times = [created - begun for *_, created in children(house, parent).values()]
    assert times == pytest.approx([0, 10, 20, 30])
    assert rest(house, parent).result is PlanResult.SUCCESS


def test_what_is_not_created_within_the_window_counts_as_cancelled(house: House) -> None:
    """E-072."""
    Fleet.limited = Limits(spacing=timedelta(seconds=10), window=timedelta(seconds=15))
    parent = start(house, Fleet, 5)
    for number in (1, 2):
        until(lambda: len(children(house, parent)) == number, f"child {number}")  # noqa: B023
        house.advance(10)

    plan = rest(house, parent)

    assert plan.state is PlanState.PAUSED
    assert counts(house, parent) == {"total": 5, "success": 2, "cancelled": 3}


def test_limits_that_make_no_sense_are_refused() -> None:
    for wrong in ({"concurrency": 0}, {"spacing": timedelta(0)}, {"max_failures": -1}):
        with pytest.raises(PlanningError, match=next(iter(wrong))):
            Limits(**wrong)  # type: ignore[arg-type]
