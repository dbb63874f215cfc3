"""An abort: a cancel that waits for nobody who sleeps."""

from datetime import timedelta
from typing import Any

from mcoflow.action import FOREVER, Action
from mcoflow.domain.requests import CommandKind
from mcoflow.domain.states import PlanResult, PlanState, StepState
from mcoflow.testing.hosts import accepted, only, progress, result
from tests.unit.engine.house import House
from tests.unit.engine.play import Abortable, Do, Install, Listen, Stoppable, compose, one, play
from tests.waiting import until


def sleep(action: Any, event: Any) -> None:
    if event is None:
        action.suspend(patience=FOREVER)


def install(plan: Action) -> None:
    plan.plan_action(Install, host="web1", package="nginx")


def ended(house: House, plan_id: Any) -> None:
    plan = house.rest(plan_id)
    assert (plan.state, plan.result) == (PlanState.STOPPED, PlanResult.CANCELLED)
    assert "abort" in house.history(plan_id)


def test_a_cancellable_step_is_told_of_the_abort(house: House) -> None:
    """E-059: Abort to cancellable steps."""
    play.scripts["a"] = sleep
    plan_id = compose(house, one(Abortable))
    step = house.step_when(plan_id, StepState.SUSPENDED)

    assert house.world.abort(plan_id).step_ids == (step.id,)

    ended(house, plan_id)
    assert play.log == ["a", "a abort"]


def test_an_action_without_a_way_to_abort_is_told_as_of_a_cancel(house: House) -> None:
    play.scripts["a"] = sleep
    plan_id = compose(house, one(Stoppable))
    house.step_when(plan_id, StepState.SUSPENDED)

    house.world.abort(plan_id)

    ended(house, plan_id)
    assert play.log == ["a", "a cancel"]


def test_a_step_that_cannot_be_told_ends_at_once(house: House) -> None:
    """E-059: another suspended one ends "may still be running"; a cancel would have waited for it."""
    play.scripts["a"] = sleep
    plan_id = compose(house, one(Listen))
    house.step_when(plan_id, StepState.SUSPENDED)
    assert house.world.cancel(plan_id).step_ids == ()
    assert house.store.plan(plan_id).state is PlanState.RUNNING

    house.world.abort(plan_id)

    ended(house, plan_id)
    error = house.step(plan_id).error
    assert error is not None
    assert "may still be running" in error.message
    assert house.count("timers") == house.count("events") == 0


def test_a_host_that_is_at_work_is_told_and_not_waited_for(house: House) -> None:
    """E-059: its late reply changes no state."""
    cancels: list[object] = []
    house.hosts.on_cancel = lambda told: [cancels.append(told.request)][:0]  # type: ignore[func-returns-value]
    house.hosts.answers["web1"] = only(accepted(), progress())
    plan_id = compose(house, install)
    house.step_when(plan_id, StepState.SUSPENDED)
    until(lambda: house.hosts.requests, "the host was asked")

    house.world.abort(plan_id)

    ended(house, plan_id)
    assert house.states(plan_id) == ["cancelled"]
    until(lambda: len(cancels) == 1, "the host was told once")
    house.hosts.say(result())
    until(lambda: len(house.evidence()) == 1, "the late reply is recorded")
    assert house.states(plan_id) == ["cancelled"]


def test_code_that_is_inside_is_told_when_it_falls_asleep(house: House) -> None:
    """E-059: an abort holds for what suspends after it."""
    play.scripts["a"] = sleep
    held = play.hold("a")
    plan_id = compose(house, one(Listen))
    play.wait_inside("a")
    house.world.abort(plan_id)
    held.set()

    ended(house, plan_id)


def test_an_abort_ends_what_a_cancel_waits_for(house: House) -> None:
    play.scripts["a"] = sleep
    play.scripts["a cancel"] = lambda action, _event: action.suspend(patience=timedelta(hours=1))
    plan_id = compose(house, one(Abortable))
    house.step_when(plan_id, StepState.SUSPENDED)
    house.cancel(plan_id)
    until(lambda: "a cancel" in play.log, "it was told")
    house.step_when(plan_id, StepState.SUSPENDED)

    house.world.abort(plan_id)

    ended(house, plan_id)
    assert play.log == ["a", "a cancel", "a abort"]


def test_an_abort_of_a_plan_at_rest_ends_it(house: House) -> None:
    """E-060: as a cancel does."""
    play.scripts["a"] = lambda _action, _event: 1 / 0
    plan_id = compose(house, one(Do))
    assert house.rest(plan_id).state is PlanState.PAUSED

    assert house.command(plan_id, CommandKind.ABORT) == {"step_ids": []}

    ended(house, plan_id)
