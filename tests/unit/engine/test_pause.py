"""A pause that people ask for: after the current step, and not for ever."""

from typing import Any

import pytest

from mcoflow.action import FOREVER, Action
from mcoflow.domain.requests import CommandKind
from mcoflow.domain.states import PlanResult, PlanState, StepState
from mcoflow.errors import CommandRefusedError
from tests.unit.engine.house import House
from tests.unit.engine.play import Do, Finish, Listen, compose, do, one, play
from tests.waiting import until


def sleep(action: Any, event: Any) -> None:
    if event is None:
        action.suspend(patience=FOREVER)


def fail(_action: Any, _event: Any) -> None:
    raise RuntimeError("broken")


def two(first: type[Action] = Do, second: type[Action] = Do) -> Any:
    def layout(plan: Action) -> None:
        with plan.sequence():
            plan.plan_action(first, name="a")
            plan.plan_action(second, name="b")

    return layout


def test_the_current_step_ends_and_the_next_does_not_start(house: House) -> None:
    """E-063: paused/pending, and resume goes on."""
    held = play.hold("a")
    plan_id = compose(house, two())
    play.wait_inside("a")
    house.command(plan_id, CommandKind.PAUSE)
    held.set()

    plan = house.rest(plan_id)

    assert (plan.state, plan.result) == (PlanState.PAUSED, PlanResult.PENDING)
    assert house.states(plan_id) == ["success", "pending"]
    assert plan.explanation == "paused on request: 1 step has not begun"
    assert not plan.pause_requested
    assert plan.owner is None

    house.resume(plan_id)

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert play.log == ["a", "b"]


def test_a_suspended_step_is_waited_for(house: House) -> None:
    """E-063: current steps end, suspended ones too."""
    play.scripts["a"] = sleep
    plan_id = compose(house, two(Listen))
    step = house.step_when(plan_id, StepState.SUSPENDED, Listen)
    house.command(plan_id, CommandKind.PAUSE)
    assert house.store.plan(plan_id).state is PlanState.RUNNING

    house.send(plan_id, step.id, "go")

    assert house.rest(plan_id).state is PlanState.PAUSED
    assert house.states(plan_id) == ["success", "pending"]


def test_pausing_twice_changes_nothing_more(house: House) -> None:
    """E-063: pausing twice is a no-op, while it is asked for and once it is so."""
    play.scripts["a"] = sleep
    plan_id = compose(house, two(Listen))
    step = house.step_when(plan_id, StepState.SUSPENDED, Listen)
    for _ in range(2):
        assert house.command(plan_id, CommandKind.PAUSE) == {}
    house.send(plan_id, step.id, "go")
    house.rest(plan_id)

    assert house.command(plan_id, CommandKind.PAUSE) == {}

    assert house.history(plan_id).count("pause") == 1
    assert house.history(plan_id).count("pause execution") == 1


def test_a_plan_of_which_nothing_is_left_ends_in_spite_of_a_pause(house: House) -> None:
    held = play.hold("a")
    plan_id = compose(house, do("a"))
    play.wait_inside("a")
    house.command(plan_id, CommandKind.PAUSE)
    held.set()

    assert house.rest(plan_id).result is PlanResult.SUCCESS


def test_finalize_waits_for_the_resume_too(house: House) -> None:
    held = play.hold("a")
    plan_id = compose(house, one(Finish))
    play.wait_inside("a")
    house.command(plan_id, CommandKind.PAUSE)
    held.set()
    assert house.rest(plan_id).state is PlanState.PAUSED
    assert house.states(plan_id) == ["success", "pending"]

    house.resume(plan_id)

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert play.log == ["a", "a!"]


def test_a_step_that_fails_before_the_pause_is_an_error_of_the_plan(house: House) -> None:
    play.scripts["a"] = fail
    held = play.hold("a")
    plan_id = compose(house, two())
    play.wait_inside("a")
    house.command(plan_id, CommandKind.PAUSE)
    held.set()

    plan = house.rest(plan_id)
    assert (plan.state, plan.result) == (PlanState.PAUSED, PlanResult.ERROR)


def test_a_cancel_withdraws_the_pause(house: House) -> None:
    held = play.hold("a")
    plan_id = compose(house, two())
    play.wait_inside("a")
    house.command(plan_id, CommandKind.PAUSE)
    house.cancel(plan_id)
    held.set()

    plan = house.rest(plan_id)
    assert (plan.state, plan.result) == (PlanState.STOPPED, PlanResult.CANCELLED)


def test_a_pause_survives_the_death_of_the_executor(house: House) -> None:
    """E-063: it is a mark of the plan, stored before the command is answered."""
    play.scripts["a"] = sleep
    plan_id = compose(house, two(Listen))
    step = house.step_when(plan_id, StepState.SUSPENDED, Listen)
    house.command(plan_id, CommandKind.PAUSE)
    house.restart()
    until(lambda: house.history(plan_id).count("start execution") == 2, "it is taken over")
    house.send(plan_id, step.id, "go")

    assert house.rest(plan_id).state is PlanState.PAUSED
    assert "b" not in play.log


def test_a_stopped_plan_cannot_be_paused(house: House) -> None:
    plan_id = compose(house, do("a"))
    house.rest(plan_id)

    with pytest.raises(CommandRefusedError, match="stopped"):
        house.command(plan_id, CommandKind.PAUSE)
