"""Scheduled plans and several executors: their beginnings and ends."""

import threading
from typing import Any

import pytest

from mcoflow.action import Action
from mcoflow.domain.requests import CommandKind
from mcoflow.domain.schedule import Schedule
from mcoflow.domain.states import PlanResult
from mcoflow.errors import CommandRefusedError, StoreUnavailableError
from tests.unit.engine.house import House
from tests.unit.engine.play import Compose, Do, do, play
from tests.unit.engine.test_schedules import LATER, at, delayed
from tests.waiting import until


def test_what_a_dead_executor_was_planning_is_planned_again_once(house: House) -> None:
    """E-014: a scheduled plan is planned again after the lease."""
    planning, go_on = threading.Event(), threading.Event()
    planned: list[int] = []

    def layout(plan: Action) -> None:
        planned.append(1)
        if len(planned) == 1:
            planning.set()
            assert go_on.wait(20)
        plan.plan_action(Do, name="a")

    scheduled = house.world.plan_elsewhere(Compose, layout=play.layout(layout))
    assert planning.wait(10)
    house.restart()
    assert house.rest(scheduled.plan_id).result is PlanResult.SUCCESS
    house.valves[0].open()
    go_on.set()
    house.worlds[0].terminate()

    assert (play.log, len(planned)) == (["a"], 2)
    assert house.store.plan(scheduled.plan_id).result is PlanResult.SUCCESS


def test_a_scheduled_plan_is_there_after_a_restart(house: House) -> None:
    """E-087: nothing is kept in memory."""
    scheduled = delayed(house, Schedule(start_at=at(house, LATER)))
    house.restart()
    house.advance(LATER.total_seconds())

    assert house.rest(scheduled.plan_id).result is PlanResult.SUCCESS


def test_two_executors_plan_each_of_many_due_plans_once(empty_house: House) -> None:
    """E-089: on SQLite; each planned once and run once."""
    empty_house.another(executor=False)
    start = at(empty_house, LATER)
    planned: list[str] = []

    def layout(name: str) -> str:
        def made(plan: Action) -> None:
            planned.append(name)
            plan.plan_action(Do, name=name)

        return play.layout(made)

    names = [f"{number:03}" for number in range(200)]
    plans = [
        empty_house.world.delay(Schedule(start_at=start), Compose, layout=layout(each)) for each in names
    ]
    for _ in range(2):
        empty_house.another()

    empty_house.advance(LATER.total_seconds())

    until(lambda: len(play.log) >= len(names), f"all ran, so far {len(play.log)}", within=30.0)
    assert {empty_house.rest(each.plan_id).result for each in plans} == {PlanResult.SUCCESS}
    assert sorted(planned) == sorted(play.log) == names


def test_nothing_due_costs_one_statement_a_second(house: House) -> None:
    """Only the look itself, whatever runs beside it."""
    for _ in range(5):
        house.rest(house.trigger(Compose, layout=play.layout(do("a"))))

    calls = set(house.valve.calls)
    assert "due" in calls
    assert not calls & {"claim_due", "reschedule"}
    assert house.valve.calls.count("due") <= 3


def test_a_claim_whose_answer_is_lost_is_given_back(house: House) -> None:
    """E-104: a plan that we own without knowing would never be planned."""
    lost: list[int] = []
    real = house.store.claim_due

    def claim_due(*args: Any, **fields: Any) -> Any:
        found = real(*args, **fields)
        if found and not lost:
            lost.append(1)
            raise StoreUnavailableError("cut off after the commit")
        return found

    house.store.claim_due = claim_due  # type: ignore[method-assign]
    scheduled = house.world.plan_elsewhere(Compose, layout=play.layout(do("a")))

    assert house.rest(scheduled.plan_id).result is PlanResult.SUCCESS
    assert lost
    assert play.log == ["a"]


def test_commands_that_make_no_sense_for_a_scheduled_plan_are_refused(house: House) -> None:
    scheduled = delayed(house, Schedule(start_at=at(house, LATER)))

    with pytest.raises(CommandRefusedError, match="scheduled"):
        house.command(scheduled.plan_id, CommandKind.RESUME)

    house.advance(LATER.total_seconds())
    assert house.rest(scheduled.plan_id).result is PlanResult.SUCCESS
