"""Actions whose work is done by other plans: in batches, counted, never lost, never twice."""

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import ClassVar

import pytest
from sqlalchemy import text

from mcoflow.action import Event, Limits, Lock, Singleton, SubPlan
from mcoflow.domain.requests import CommandKind
from mcoflow.domain.states import PlanResult, PlanState, StepState
from tests.unit.engine.fleets import (
    Child,
    Fleet,
    Helpful,
    Lenient,
    Tens,
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


def test_all_children_run_and_the_parent_succeeds(house: House) -> None:
    """E-064: in batches of batch_size."""
    parent = start(house, Tens, 25)

    plan = rest(house, parent)

    assert plan.result is PlanResult.SUCCESS, plan.explanation
    assert counts(house, parent) == {"total": 25, "success": 25}
    assert Fleet.asked == [(0, 10), (10, 10), (20, 5)]
    assert Counter(Child.began) == Counter(names(25))
    assert Fleet.heard == ["planned", "finished"]
    assert house.count("bells") == 0


def test_two_hundred_and_fifty_children_are_made_in_three_batches(house: House) -> None:
    """E-064: 250 children, batch 100."""
    parent = start(house, Fleet, 250)

    assert rest(house, parent).result is PlanResult.SUCCESS
    assert Fleet.asked == [(0, 100), (100, 100), (200, 50)]
    assert counts(house, parent) == {"total": 250, "success": 250}


def test_a_cancel_that_comes_while_a_batch_is_planned_is_served_before_the_next(house: House) -> None:
    """E-064: a cancel in between, before the third."""
    inside, go_on = threading.Event(), threading.Event()

    class Interrupted(Fleet):
        name = "tests.interrupted"

        def sub_plans(self, start: int, size: int) -> Iterable[SubPlan]:
            if start == 100:
                inside.set()
                assert go_on.wait(30)
            return super().sub_plans(start, size)

    parent = start(house, Interrupted, 250, "sleep")
    assert inside.wait(30)
    house.cancel(parent)
    go_on.set()

    assert rest(house, parent).result is PlanResult.CANCELLED
    assert Fleet.asked == [(0, 100), (100, 100)]
    assert counts(house, parent) == {"total": 250, "cancelled": 250}


def test_no_children_are_a_success(house: House) -> None:
    """E-064: 0 children."""
    parent = start(house, Fleet, 0)

    assert rest(house, parent).result is PlanResult.SUCCESS
    assert Fleet.heard == ["planned", "finished"]


def test_a_cancel_between_two_batches_comes_before_the_next(house: House) -> None:
    """E-064: what is not created counts as cancelled."""

    parent = start(house, Tens, 5000, "sleep")
    until(lambda: len(children(house, parent)) >= 20, "two batches")
    house.cancel(parent)

    plan = rest(house, parent)

    assert plan.result is PlanResult.CANCELLED
    created = len(children(house, parent))
    assert created < 5000
    assert counts(house, parent) == {"total": 5000, "cancelled": 5000}
    assert standing(house, parent) == {"cancelled": created}


def test_a_failed_child_fails_the_parent_with_exact_counts(house: House) -> None:
    """E-067: the paused child counts as error; resumed and done, the resumed parent succeeds."""
    Child.fails.add("h0003")
    parent = start(house, Fleet, 10)

    plan = rest(house, parent)

    assert (plan.state, plan.result) == (PlanState.PAUSED, PlanResult.ERROR)
    assert "9 of 10 sub-plans succeeded: 1 error" in plan.explanation
    assert counts(house, parent) == {"total": 10, "success": 9, "error": 1}
    Child.fails.clear()
    house.resume(children(house, parent)["h0003"][0])
    until(lambda: standing(house, parent) == {"success": 10}, "all are done")
    house.resume(parent)
    assert rest(house, parent).result is PlanResult.SUCCESS
    assert Counter(Child.began) == Counter([*names(10), "h0003"])


def test_a_child_with_a_warning_fails_the_parent_unless_its_verdict_bears_it(house: House) -> None:
    """E-067."""
    strict, lenient = start(house, Fleet, 2, "warn"), start(house, Lenient, 2, "warn")

    assert "0 of 2 sub-plans succeeded: 2 warning" in rest(house, strict).explanation
    assert rest(house, lenient).result is PlanResult.SUCCESS


def test_children_that_failed_their_planning_are_planned_again(house: House) -> None:
    """E-068: all of them, and repeats no success."""
    Child.unplannable.update(names(12))
    parent = start(house, Tens, 12)
    plan = rest(house, parent)
    assert plan.state is PlanState.PAUSED
    assert counts(house, parent) == {"total": 12, "error": 12}

    Child.unplannable.clear()
    Child.fails.add("h0011")
    house.resume(parent)
    plan = rest(house, parent)
    assert counts(house, parent) == {"total": 12, "success": 11, "error": 1}

    Child.fails.clear()
    house.resume(parent)
    assert rest(house, parent).state is PlanState.PAUSED, "the paused child was not resumed"
    house.resume(children(house, parent)["h0011"][0])
    until(lambda: standing(house, parent) == {"success": 12}, "all are done")
    house.resume(parent)
    assert rest(house, parent).result is PlanResult.SUCCESS
    assert Counter(Child.began) == Counter([*names(12), "h0011"])


class Dawdling(Tens):
    """Takes its time over every batch but the first."""

    meanwhile: ClassVar[Callable[[], None]]

    def sub_plans(self, start: int, size: int) -> Iterable[SubPlan]:
        if start:
            type(self).meanwhile()
        return super().sub_plans(start, size)


def test_a_count_that_is_due_waits_for_the_batch_that_is_about_to_be_stored(house: House) -> None:
    """E-068: a bell rang and a second passed while the last batch was planned; its children count too."""

    heard: list[bool] = []

    def meanwhile() -> None:
        executor = house.world._executor
        assert executor is not None
        house.advance(1.5)
        until(lambda: executor._director._parts.steps.parents._rung, "the bell was heard")
        heard.append(True)

    Dawdling.meanwhile = meanwhile
    Child.unplannable.update(names(12))
    parent = start(house, Dawdling, 12)
    until(lambda: heard, "the last batch is about to be stored")

    assert "12 error" in rest(house, parent).explanation
    assert counts(house, parent) == {"total": 12, "error": 12}


def test_a_timer_that_is_due_counts_nothing_before_the_last_batch_is_stored(house: House) -> None:
    """E-067: the first children ring while the last ones are planned; none of them is taken for missing."""

    def meanwhile() -> None:
        executor = house.world._executor
        assert executor is not None
        until(lambda: executor._director._parts.steps.parents._rung, "the bell was heard")
        house.advance(1.5)

    Dawdling.meanwhile = meanwhile
    parent = start(house, Dawdling, 12)

    assert rest(house, parent).result is PlanResult.SUCCESS
    assert counts(house, parent) == {"total": 12, "success": 12}


def test_resuming_can_resume_the_paused_children(house: House) -> None:
    """resume_children: one command brings all of it on."""
    Child.fails.update({"h0001", "h0002"})
    parent = start(house, Helpful, 5)
    assert rest(house, parent).state is PlanState.PAUSED

    Child.fails.clear()
    house.resume(parent)

    assert rest(house, parent).result is PlanResult.SUCCESS
    assert counts(house, parent) == {"total": 5, "success": 5}


@pytest.mark.parametrize("kind", [CommandKind.CANCEL, CommandKind.ABORT])
def test_a_cancel_is_forwarded_and_the_parent_waits_for_the_children(house: House, kind: CommandKind) -> None:
    """E-070: no new child; running ones get it; those never created count as cancelled."""
    Fleet.limited = Limits(concurrency=3)
    parent = start(house, Fleet, 8, "sleep")
    until(lambda: len(asleep(house, parent, 3)) == 3, "three are asleep")

    house.command(parent, kind)

    plan = rest(house, parent)
    assert plan.result is PlanResult.CANCELLED
    assert counts(house, parent) == {"total": 8, "cancelled": 8}
    assert standing(house, parent) == {"cancelled": 3}
    assert kind.value in house.history(children(house, parent)["h0000"][0])


def test_the_progress_of_the_parent_is_that_of_its_children(house: House) -> None:
    """E-054: what has come to rest, of all there will be."""
    parent = start(house, Fleet, 4, "sleep")
    until(lambda: standing(house, parent) == {"running": 4}, "all run")
    for who in ("h0000", "h0001", "h0002"):
        child = children(house, parent)[who][0]
        until(lambda: house.states(child) == ["suspended"], "it sleeps")  # noqa: B023
        house.send(child, house.step(child).id, "end")

    def counted() -> bool:
        house.advance(1)
        return house.store.plan(parent).progress == 0.75

    until(counted, "three of four")
    house.cancel(parent)
    rest(house, parent)


def test_executors_that_die_lose_no_child_and_make_none_twice(house: House) -> None:
    """E-066, E-069: the parent's executor dies, in the middle of batches; so does that of children."""
    parent = start(house, Tens, 200)
    for created in (15, 60, 120):
        until(lambda: len(children(house, parent)) >= created, f"{created} are there")  # noqa: B023
        house.restart()

    plan = rest(house, parent)

    assert set(children(house, parent)) == set(names(200))
    found = standing(house, parent)
    assert counts(house, parent) == {
        "total": 200,
        **{"error" if name == "paused" else name: number for name, number in found.items()},
    }
    assert plan.state in (PlanState.STOPPED, PlanState.PAUSED)


def test_children_of_another_executor_ring_too(house: House) -> None:
    """E-069: parent and children on different executors."""
    house.another()
    parent = start(house, Fleet, 40)

    assert rest(house, parent).result is PlanResult.SUCCESS
    assert counts(house, parent) == {"total": 40, "success": 40}


def test_a_cancel_survives_the_executor_that_was_forwarding_it(house: House) -> None:
    """E-070: the next owner tells the children once more, and waits for them."""
    parent = start(house, Fleet, 5, "sleep")
    until(lambda: standing(house, parent) == {"running": 5}, "all run")
    house.world.command(parent, CommandKind.CANCEL, {}, actor="bob", wait=timedelta(seconds=10))
    house.restart()

    assert rest(house, parent).result is PlanResult.CANCELLED
    assert standing(house, parent) == {"cancelled": 5}


class Twice(Fleet):
    def sub_plans(self, start: int, size: int) -> Iterable[SubPlan]:
        return [SubPlan(Child, kwargs={"who": "a"}, key="same") for _ in range(size)]


class TooFew(Fleet):
    def sub_plans(self, start: int, size: int) -> Iterable[SubPlan]:
        return [SubPlan(Child, kwargs={"who": "a"}) for _ in range(size - 1)]


class NoNumber(Fleet):
    def total_count(self) -> int:
        return -1


class NoJson(Fleet):
    def sub_plans(self, start: int, size: int) -> Iterable[SubPlan]:
        return [SubPlan(Child, kwargs={"who": {1, 2}}) for _ in range(size)]


@pytest.mark.parametrize(
    ("action", "why"),
    [
        (Twice, "has a key twice"),
        (TooFew, r"sub_plans\(0, 2\) must return 2 SubPlan, got 1"),
        (NoNumber, "total_count must return 0 or more, got -1"),
        (NoJson, "is a set"),
    ],
)
def test_what_cannot_be_created_is_an_error_of_the_step(house: House, action: type[Fleet], why: str) -> None:
    """Bad input: nothing is created, and the step says what is wrong."""
    parent = start(house, action, 2)

    plan = rest(house, parent)

    assert plan.state is PlanState.PAUSED
    step = house.step(parent)
    assert step.state is StepState.ERROR
    assert step.error is not None
    assert re.search(why, step.error.message)
    assert children(house, parent) == {}


class SameLock(Singleton):
    def locks(self) -> Iterable[Lock]:
        return [Lock("one")]

    def run(self, event: Event | None) -> None:
        self.suspend()


class Greedy(Fleet):
    def sub_plans(self, start: int, size: int) -> Iterable[SubPlan]:
        return [SubPlan(SameLock) for _ in range(size)]


def test_a_child_that_cannot_have_its_lock_failed_its_planning(house: House) -> None:
    """E-074: its sister has it; the parent is not disturbed."""
    parent = start(house, Greedy, 2)

    def one_each() -> bool:
        with house.store._database.reading() as connection:
            rows = connection.execute(text("SELECT state FROM plans WHERE caller_plan_id IS NOT NULL"))
            return sorted(row.state for row in rows) == ["running", "stopped"]

    until(one_each, "one runs, one was refused")
    house.cancel(parent)
