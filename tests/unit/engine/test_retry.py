"""Retry: failed steps that are tried again."""

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from mcoflow.action import FOREVER, HostAction, Retry
from mcoflow.domain.states import PlanResult, PlanState, StepState
from mcoflow.engine.backoff import backoff
from mcoflow.errors import ConfigurationError
from mcoflow.testing.hosts import error
from tests.unit.engine.house import House
from tests.unit.engine.play import Do, GiveUp, Listen, Stoppable, compose, one, play
from tests.waiting import until

MINUTE = timedelta(minutes=1)


class Stubborn(Do):
    """Tried three times; a failure for good fails the plan if it says so."""

    name = "retry.stubborn"
    retry = Retry(tries=3, base=MINUTE)


class Picky(Do):
    """Only some failures are worth another try."""

    name = "retry.picky"
    retry = Retry(on=(ConnectionError, TimeoutError), base=MINUTE)


class Sleeper(Listen):
    """Tried three times, and suspends."""

    name = "retry.sleeper"
    rerunnable = True
    retry = Retry(tries=3, base=MINUTE)


class Hasty(Stoppable):
    """Cancellable, and tried again."""

    name = "retry.hasty"
    retry = Retry(tries=3, base=MINUTE)


class Fragile(HostAction):
    """A host action that is tried again."""

    name = "retry.fragile"
    agent = "package"
    operation = "install"
    retry = Retry(tries=3, base=MINUTE)


class Once(GiveUp):
    """One try is no retry."""

    name = "retry.once"
    retry = Retry(tries=1)


def fails_first(times: int, error: type[Exception] = RuntimeError) -> Any:
    """Fail so often, then succeed."""
    left = [times]

    def script(_action: Any, _event: Any) -> None:
        if left[0]:
            left[0] -= 1
            raise error("not yet")

    return script


def waits_for_try(house: House, plan_id: Any, number: int) -> None:
    until(lambda: house.step(plan_id).tries == number - 1, f"waits for try {number}")
    step = house.step(plan_id)
    assert step.state is StepState.SUSPENDED
    assert step.reason.startswith(f"try {number} of")


def test_two_failures_are_borne_and_the_third_try_succeeds(house: House) -> None:
    """E-039: two failures, then success."""
    play.scripts["a"] = fails_first(2)
    plan_id = compose(house, one(Stubborn))

    waits_for_try(house, plan_id, 2)
    error = house.step(plan_id).error
    assert error is not None
    assert error.message == "not yet"
    house.advance(60)
    waits_for_try(house, plan_id, 3)
    house.advance(120)

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    step = house.step(plan_id)
    assert (step.attempt, step.error, step.reason) == (3, None, "")
    assert play.log == ["a", "a", "a"]
    assert house.count("timers") == house.count("events") == 0


def test_three_failures_are_an_error_and_resume_starts_afresh(house: House) -> None:
    """E-039: three are an error; resume starts afresh."""
    play.scripts["a"] = fails_first(5)
    plan_id = compose(house, one(Stubborn))
    for number in (2, 3):
        waits_for_try(house, plan_id, number)
        house.advance(240)
    assert house.rest(plan_id).state is PlanState.PAUSED
    assert house.step(plan_id).state is StepState.ERROR

    house.resume(plan_id)
    for number in (2, 3):
        waits_for_try(house, plan_id, number)
        house.advance(240)

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert house.step(plan_id).attempt == 6


def test_a_restart_between_tries_loses_no_count_and_keeps_the_time(house: House) -> None:
    """E-039: a restart between tries."""
    play.scripts["a"] = fails_first(3)
    plan_id = compose(house, one(Stubborn))
    waits_for_try(house, plan_id, 2)

    house.restart()
    house.plan_when(plan_id, lambda plan: plan.epoch >= 2)
    assert len(play.log) == 1
    house.advance(60)
    waits_for_try(house, plan_id, 3)
    house.restart()
    house.plan_when(plan_id, lambda plan: plan.epoch >= 3)
    house.advance(120)

    assert house.rest(plan_id).state is PlanState.PAUSED
    assert len(play.log) == 3


def test_a_crash_inside_a_later_try_keeps_the_count(house: House) -> None:
    """E-039: a crash while the second try is inside, of a step that may be repeated."""
    play.scripts["a"] = fails_first(1)
    plan_id = compose(house, one(Sleeper))
    waits_for_try(house, plan_id, 2)
    held = play.hold("a")
    house.advance(60)
    until(lambda: len(play.log) == 2, "the second try is inside")

    house.restart()
    until(lambda: len(play.log) == 3, "it is repeated")
    assert house.step(plan_id).tries == 1
    held.set()

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert house.step(plan_id).attempt == 3


def test_only_the_failures_named_are_worth_another_try(house: House) -> None:
    play.scripts["a"] = fails_first(1, ValueError)
    plan = house.rest(compose(house, one(Picky)))
    assert plan.state is PlanState.PAUSED
    assert house.step(plan.id).tries == 0

    play.scripts["b"] = fails_first(1, ConnectionRefusedError)
    plan_id = compose(house, one(Picky, "b"))
    waits_for_try(house, plan_id, 2)
    house.advance(60)
    assert house.rest(plan_id).result is PlanResult.SUCCESS


def test_one_try_means_none_again(house: House) -> None:
    play.scripts["a"] = fails_first(1)

    assert house.rest(compose(house, one(Once))).state is PlanState.STOPPED


def test_a_failure_after_a_suspend_counts_and_the_next_try_begins_at_the_beginning(house: House) -> None:
    """Events that others sent meanwhile are for the next try; the silence of the failed one is not."""
    heard: list[Any] = []

    def script(action: Any, event: Any) -> None:
        heard.append(event and event.value)
        if event is None:
            action.suspend(patience=timedelta(seconds=90))
        if event.value == "bad":
            raise RuntimeError("bad")

    play.scripts["a"] = script
    plan_id = compose(house, one(Sleeper))
    step_id = house.step_when(plan_id, StepState.SUSPENDED).id
    house.send(plan_id, step_id, "bad")
    waits_for_try(house, plan_id, 2)
    house.send(plan_id, step_id, "good")
    assert heard == [None, "bad"]
    house.advance(60)

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert heard == [None, "bad", None, "good"]


def test_a_cancel_ends_a_step_that_waits_for_its_next_try(house: House) -> None:
    play.scripts["a"] = fails_first(3)
    plan_id = compose(house, one(Stubborn))
    waits_for_try(house, plan_id, 2)

    house.cancel(plan_id)

    assert house.rest(plan_id).result is PlanResult.CANCELLED
    assert house.count("timers") == 0
    assert len(play.log) == 1


def test_a_failing_cancel_is_not_tried_again(house: House) -> None:
    def fail(_action: Any, _event: Any) -> None:
        raise RuntimeError("cannot stop")

    play.scripts["a"] = lambda action, _event: action.suspend(patience=FOREVER)
    play.scripts["a cancel"] = fail
    plan_id = compose(house, one(Hasty))
    house.step_when(plan_id, StepState.SUSPENDED)

    house.cancel(plan_id)

    assert house.rest(plan_id).result is PlanResult.CANCELLED
    assert play.log == ["a", "a cancel"]


def test_a_host_action_sends_a_new_request_with_each_try(house: House) -> None:
    house.hosts.answers["x"] = error()
    plan_id = compose(house, lambda plan: plan.plan_action(Fragile, host="web1", package="x"))
    waits_for_try(house, plan_id, 2)
    assert house.store.open_requests([plan_id]) == []
    del house.hosts.answers["x"]
    house.advance(60)

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    step = house.step(plan_id)
    assert (step.attempt, step.error) == (2, None)
    assert house.count("requests") == 2


def test_waits_grow_to_the_cap_and_are_spread_over_all_of_it() -> None:
    """E-039: full jitter, with the source of chance passed in."""
    base, cap = timedelta(seconds=1), timedelta(seconds=5)

    drawn = [backoff(tries, base=base, cap=cap, chance=Random(7)) for tries in (1, 2, 3, 4, 500)]

    part = Random(7).random()
    assert drawn == [ceiling * part for ceiling in (base, 2 * base, 4 * base, cap, cap)]
    with pytest.raises(ValueError, match="1 or more"):
        backoff(0, base=base, cap=cap, chance=Random(7))


@pytest.mark.parametrize("wrong", [{"tries": 0}, {"base": timedelta(0)}, {"cap": timedelta(seconds=-1)}])
def test_numbers_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"(has|have) to be"):
        Retry(**wrong)
