"""Polling: tasks elsewhere, asked for until they are done."""

from typing import Any, ClassVar

import pytest

from mcoflow.action import Cancellable, Polling, Retry
from mcoflow.domain.states import PlanResult, PlanState, StepState
from mcoflow.errors import ConfigurationError, StepCancelledError
from mcoflow.services.present import step_words
from tests.unit.engine.house import House
from tests.waiting import until


class Cloud:
    """The world outside: tasks that are up after some polls."""

    def __init__(self) -> None:
        self.started = 0
        self.polls: list[float] = []
        self.up_at = 10
        self.away: set[int] = set()


cloud = Cloud()


class StartVm(Polling, Cancellable):
    """Start a machine and wait until it is up."""

    name = "polling.start_vm"
    accepts: ClassVar[tuple[type, ...]] = (str,)
    house: ClassVar[Any] = None

    def invoke_external_task(self) -> Any:
        cloud.started += 1
        return {"id": cloud.started, "state": "starting"}

    def poll_external_task(self) -> Any:
        cloud.polls.append(self.house.clock.now().timestamp())
        if len(cloud.polls) in cloud.away:
            raise ConnectionError(f"poll {len(cloud.polls)}: the cloud is away")
        state = "up" if len(cloud.polls) >= cloud.up_at else "starting"
        return {"id": self.output["task"]["id"], "state": state}

    def done(self) -> bool:
        return bool(self.output["task"]["state"] == "up")

    def on_finish(self) -> None:
        self.output["address"] = "192.0.2.1"

    def on_cancel(self) -> None:
        raise StepCancelledError(f"stopped {self.output['task']['id']}")


class Stubborn(StartVm):
    """Tried again when too many polls failed."""

    name = "polling.stubborn"
    retry = Retry(tries=2)


@pytest.fixture(autouse=True)
def _new_cloud(house: House) -> None:
    cloud.__init__()  # type: ignore[misc]  # the actions know this one object
    StartVm.house = house


def polls(house: House, plan_id: Any, number: int) -> None:
    """Wait until so many polls were made and the step sleeps again, or ended."""
    until(lambda: len(cloud.polls) == number, f"poll {number}; {cloud.polls}")
    until(lambda: house.states(plan_id) != ["running"], "the poll is stored")


def advance_to_poll(house: House, plan_id: Any, number: int) -> None:
    house.step_when(plan_id, StepState.SUSPENDED)
    (timer,) = house.store.timers([plan_id])
    house.advance(timer.due_at - house.clock.now().timestamp())
    polls(house, plan_id, number)


def test_it_polls_at_the_listed_intervals_until_it_is_done(house: House) -> None:
    """E-037: done at the tenth poll, intervals as listed, no timer left."""
    began = house.clock.now().timestamp()
    plan_id = house.trigger(StartVm)
    assert step_words(house.step_when(plan_id, StepState.SUSPENDED)) == "waits for the next poll"
    for number in range(1, 11):
        advance_to_poll(house, plan_id, number)

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    gaps = [round(b - a, 6) for a, b in zip([began, *cloud.polls], cloud.polls, strict=False)]
    assert gaps == [0.5] * 5 + [1.0] * 5
    assert cloud.started == 1
    assert house.output(plan_id) == {
        "task": {"id": 1, "state": "up"},
        "poll_attempts": {"total": 10, "failed": 0},
        "address": "192.0.2.1",
    }
    assert house.count("timers") == house.count("events") == 0


def test_the_last_interval_lasts_for_ever(house: House) -> None:
    cloud.up_at = 34
    plan_id = house.trigger(StartVm)
    for number in range(1, 35):
        advance_to_poll(house, plan_id, number)

    house.rest(plan_id)
    gaps = [round(b - a, 6) for a, b in zip(cloud.polls, cloud.polls[1:], strict=False)]
    assert gaps[24:] == [16.0] * 9


def test_three_failed_polls_in_a_row_are_borne(house: House) -> None:
    """E-037: three failures in a row are borne, and a good poll makes them forgotten."""
    cloud.up_at, cloud.away = 8, {1, 2, 3, 5, 6, 7}
    plan_id = house.trigger(StartVm)
    for number in range(1, 9):
        advance_to_poll(house, plan_id, number)

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert house.output(plan_id)["poll_attempts"] == {"total": 8, "failed": 0}


def test_the_fourth_failed_poll_in_a_row_is_an_error(house: House) -> None:
    """E-037: the fourth errs."""
    cloud.away = {1, 2, 3, 4}
    plan_id = house.trigger(StartVm)
    for number in range(1, 5):
        advance_to_poll(house, plan_id, number)

    assert house.rest(plan_id).state is PlanState.PAUSED
    error = house.step(plan_id).error
    assert error is not None
    assert error.message == "poll 4: the cloud is away"
    assert house.output(plan_id)["task"] == {"id": 1, "state": "starting"}
    assert house.count("timers") == 0


def test_a_resumed_step_asks_for_the_task_that_it_had(house: House) -> None:
    """E-038: polls the old task first."""
    cloud.away = {1, 2, 3, 4}
    plan_id = house.trigger(StartVm)
    for number in range(1, 5):
        advance_to_poll(house, plan_id, number)
    house.rest(plan_id)

    cloud.up_at = 6
    house.resume(plan_id)
    polls(house, plan_id, 5)
    advance_to_poll(house, plan_id, 6)

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert (cloud.started, house.output(plan_id)["task"]["id"]) == (1, 1)


def test_a_resumed_step_whose_task_is_done_by_then_ends_at_once(house: House) -> None:
    cloud.away = {1, 2, 3, 4}
    plan_id = house.trigger(StartVm)
    for number in range(1, 5):
        advance_to_poll(house, plan_id, number)
    house.rest(plan_id)
    cloud.up_at = 5

    house.resume(plan_id)

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert cloud.started == 1


def test_a_resumed_step_whose_task_is_gone_starts_another(house: House) -> None:
    """E-038: if the poll raises, invokes a new one."""
    cloud.away, cloud.up_at = {1, 2, 3, 4, 5}, 6
    plan_id = house.trigger(StartVm)
    for number in range(1, 5):
        advance_to_poll(house, plan_id, number)
    house.rest(plan_id)

    house.resume(plan_id)
    polls(house, plan_id, 5)
    advance_to_poll(house, plan_id, 6)

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert (cloud.started, house.output(plan_id)["task"]["id"]) == (2, 2)


def test_polling_goes_on_after_a_restart(house: House) -> None:
    cloud.up_at = 2
    plan_id = house.trigger(StartVm)
    advance_to_poll(house, plan_id, 1)
    house.restart()
    house.plan_when(plan_id, lambda plan: plan.epoch >= 2)
    advance_to_poll(house, plan_id, 2)

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert cloud.started == 1


def test_a_retry_polls_the_old_task_first(house: House) -> None:
    cloud.away, cloud.up_at = {1, 2, 3, 4}, 5
    plan_id = house.trigger(Stubborn)
    for number in range(1, 5):
        advance_to_poll(house, plan_id, number)
    until(lambda: house.step(plan_id).tries == 1, "a try is borne")
    house.advance(60)

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert cloud.started == 1


def test_a_user_event_polls_before_the_time_and_leaves_one_timer(house: House) -> None:
    plan_id = house.trigger(StartVm)
    step_id = house.step_when(plan_id, StepState.SUSPENDED).id

    house.send(plan_id, step_id, "look now")
    polls(house, plan_id, 1)

    assert house.count("timers") == 1


def test_a_cancel_stops_the_task(house: House) -> None:
    plan_id = house.trigger(StartVm)
    house.step_when(plan_id, StepState.SUSPENDED)

    house.cancel(plan_id)

    assert house.rest(plan_id).result is PlanResult.CANCELLED
    error = house.step(plan_id).error
    assert error is not None
    assert error.message == "stopped 1"
    assert house.count("timers") == 0


@pytest.mark.parametrize(
    "wrong", [{"poll_intervals": ()}, {"poll_intervals": (1, -1)}, {"polls_per_interval": 0}]
)
def test_intervals_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="polling needs an interval"):
        type("Wrong", (Polling,), {"name": "polling.wrong", **wrong})
