"""Time limits of steps, and timeouts that a step gives itself."""

from datetime import timedelta
from typing import Any

import pytest

from mcoflow.action import FOREVER, HostAction, Retry
from mcoflow.domain.states import PlanResult, PlanState, StepState
from mcoflow.testing.hosts import accepted, only, progress, result
from tests.unit.engine.house import House
from tests.unit.engine.play import Do, Listen, compose, one, play
from tests.waiting import until

FIVE_MINUTES = timedelta(minutes=5)


class Limited(Listen):
    """Five minutes for an attempt."""

    name = "limit.limited"
    time_limit = FIVE_MINUTES
    rerunnable = True


class Watchful(Listen):
    """Ends well when its time is up, or sleeps on if it is told to."""

    name = "limit.watchful"
    time_limit = FIVE_MINUTES

    def on_timeout(self) -> None:
        self.output["late"] = True
        play.perform(self, self.input["name"] + " timeout")


class Again(Limited):
    """A timeout is a failure like others."""

    name = "limit.again"
    retry = Retry(tries=2, base=timedelta(seconds=1))


class Slow(Do):
    """Never suspends."""

    name = "limit.slow"
    time_limit = FIVE_MINUTES


class OnHost(HostAction):
    """A host action with a limit of its own."""

    name = "limit.on_host"
    agent = "package"
    operation = "install"
    time_limit = FIVE_MINUTES


def sleeps(action: Any, event: Any) -> None:
    if event is None:
        action.suspend(patience=FOREVER)


def test_a_step_that_sleeps_beyond_its_limit_is_in_error(house: House) -> None:
    """E-036: by default StepTimeoutError."""
    play.scripts["a"] = sleeps
    plan_id = compose(house, one(Limited))
    house.step_when(plan_id, StepState.SUSPENDED)
    house.advance(299)
    assert house.step(plan_id).state is StepState.SUSPENDED
    house.advance(1)

    assert house.rest(plan_id).state is PlanState.PAUSED
    error = house.step(plan_id).error
    assert error is not None
    assert (error.kind, error.message) == ("StepTimeoutError", "limit.limited: no end within 0:05:00")
    assert house.count("timers") == house.count("events") == 0


def test_on_timeout_may_end_the_step_well(house: House) -> None:
    """E-036: `on_timeout`."""
    play.scripts["a"] = sleeps
    plan_id = compose(house, one(Watchful))
    house.step_when(plan_id, StepState.SUSPENDED)
    house.advance(300)

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert house.output(plan_id)["late"]


def test_on_timeout_may_suspend_once_more(house: House) -> None:
    play.scripts["a"] = sleeps
    play.scripts["a timeout"] = lambda action, _event: action.suspend(patience=FOREVER)
    plan_id = compose(house, one(Watchful))
    step_id = house.step_when(plan_id, StepState.SUSPENDED).id
    house.advance(300)
    until(lambda: house.output(plan_id).get("late"), "it heard of its limit")
    house.step_when(plan_id, StepState.SUSPENDED)
    house.send(plan_id, step_id, "done")

    assert house.rest(plan_id).result is PlanResult.SUCCESS


def test_the_timer_of_a_step_that_has_ended_is_silent(house: House) -> None:
    """E-036: a timer of an ended step."""
    play.scripts["a"] = sleeps
    plan_id = compose(house, lambda plan: [plan.plan_action(each, name="a") for each in (Limited, Listen)])
    limited = house.step_when(plan_id, StepState.SUSPENDED, Limited).id
    house.step_when(plan_id, StepState.SUSPENDED, Listen)
    house.send(plan_id, limited, "done")
    house.step_when(plan_id, StepState.SUCCESS, Limited)
    assert house.count("timers") == 0
    house.advance(1000)
    house.send(plan_id, house.step(plan_id, Listen).id, "done")

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert "event dropped" not in house.history(plan_id)


def test_the_limit_is_kept_across_a_restart(house: House) -> None:
    play.scripts["a"] = sleeps
    plan_id = compose(house, one(Limited))
    house.step_when(plan_id, StepState.SUSPENDED)
    house.advance(200)
    house.restart()
    house.plan_when(plan_id, lambda plan: plan.epoch >= 2)
    house.advance(100)

    assert house.rest(plan_id).state is PlanState.PAUSED


def test_a_step_begun_anew_has_all_of_its_time(house: House) -> None:
    """An attempt that died with its executor leaves no timer to the next one."""
    play.scripts["a"] = sleeps
    held = play.hold("a")
    plan_id = compose(house, one(Limited))
    play.wait_inside("a")
    house.advance(200)
    house.restart()
    until(lambda: len(play.log) == 2, "it is repeated")
    held.set()
    step_id = house.step_when(plan_id, StepState.SUSPENDED).id
    assert house.count("timers") == 1
    house.advance(200)
    house.send(plan_id, step_id, "done")

    assert house.rest(plan_id).result is PlanResult.SUCCESS


def test_a_timeout_may_be_borne_by_a_retry(house: House) -> None:
    play.scripts["a"] = sleeps
    plan_id = compose(house, one(Again))
    house.step_when(plan_id, StepState.SUSPENDED)
    house.advance(300)
    until(lambda: house.step(plan_id).tries == 1, "one try is borne")
    house.advance(1)
    until(lambda: len(play.log) == 2, "the next one sleeps")
    house.step_when(plan_id, StepState.SUSPENDED)
    house.advance(300)

    assert house.rest(plan_id).state is PlanState.PAUSED


def test_code_inside_run_is_told_at_its_next_suspend_before_all_events(house: House) -> None:
    held = play.hold("a")
    play.scripts["a"] = sleeps
    plan_id = compose(house, one(Watchful))
    play.wait_inside("a")
    house.send(plan_id, house.step(plan_id).id, "meanwhile")
    house.advance(300)
    until(lambda: house.count("timers") == 0, "the limit has passed")
    held.set()

    house.rest(plan_id)

    assert play.log == ["a", "a timeout"]


def test_code_inside_run_that_ends_late_has_ended_well_with_a_warning(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """E-036: what the docstring of time_limit says of code that cannot be interrupted."""
    held = play.hold("a")
    plan_id = compose(house, one(Slow))
    play.wait_inside("a")
    house.advance(300)
    until(lambda: "step.over_limit" in caplog.messages, "it is logged while it lasts")
    held.set()

    plan = house.rest(plan_id)

    assert plan.result is PlanResult.WARNING
    assert plan.explanation == "took longer than its time limit of 0:05:00"
    assert "event dropped" not in house.history(plan_id)


def test_the_limit_of_a_host_action_calls_its_request_back(house: House) -> None:
    """The host says how it ended."""
    house.hosts.answers["x"] = only(accepted(), progress())
    house.hosts.on_cancel = lambda _cancel: [result("killed")]
    plan_id = compose(house, lambda plan: plan.plan_action(OnHost, host="web1", package="x"))
    until(lambda: house.hosts.requests, "it was sent")
    house.advance(300)

    assert house.rest(plan_id).explanation == "web1: timed out, killed"
    assert house.step(plan_id).state is StepState.ERROR


def test_a_step_may_give_itself_a_timeout(house: House) -> None:
    """E-036: schedule_timeout."""

    def script(action: Any, event: Any) -> None:
        if event is None:
            action.schedule_timeout(timedelta(seconds=30))
            action.suspend(patience=FOREVER)

    play.scripts["a"] = script
    plan_id = compose(house, one(Listen))
    house.step_when(plan_id, StepState.SUSPENDED)
    house.advance(30)

    assert house.rest(plan_id).state is PlanState.PAUSED
    error = house.step(plan_id).error
    assert error is not None
    assert error.message == "play.listen: no end within 0:00:30"
