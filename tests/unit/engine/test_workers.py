"""What runs on workers: outputs, errors of every kind, queues."""

import threading
from typing import Any

import pytest
from pydantic import BaseModel

from mcoflow.domain.states import PlanResult, PlanState, StepState
from mcoflow.engine.settings import WorldSettings
from mcoflow.ports.measures import QUEUE_JOBS
from tests.unit.engine.house import House
from tests.unit.engine.play import (
    Do,
    Listen,
    compose,
    do,
    one,
    play,
)
from tests.waiting import until

# -- data -------------------------------------------------------------------------------------------------


class Made(BaseModel):
    by: str
    size: int


class Precise(Listen):
    """Has an Output model."""

    name = "running.precise"
    Output = Made


def test_an_output_that_lacks_a_field_at_the_end_pauses_the_plan(house: House) -> None:
    """E-002: OutputInvalidError."""
    play.scripts["a"] = lambda action, _event: action.output.update(by="a")

    plan = house.rest(compose(house, one(Precise)))

    assert plan.state is PlanState.PAUSED
    error = house.step(plan.id).error
    assert error is not None
    assert (error.kind, "size" in error.message) == ("OutputInvalidError", True)


def test_half_an_output_at_a_suspend_is_no_error(house: House) -> None:
    """E-002: it is checked at the end."""

    def script(action: Any, event: Any) -> None:
        if event is None:
            action.output["by"] = "a"
            action.suspend()
        action.output["size"] = 5

    play.scripts["a"] = script
    plan_id = compose(house, one(Precise))
    step = house.step_when(plan_id, StepState.SUSPENDED)
    assert house.output(plan_id) == {"by": "a"}
    house.send(plan_id, step.id, "go")

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert house.output(plan_id) == {"by": "a", "size": 5}


@pytest.mark.parametrize("value", [{1}, float("nan"), "a\0b", "x" * (1 << 20)])
def test_an_output_that_cannot_be_stored_is_an_error_and_the_last_one_stays(house: House, value: Any) -> None:
    """E-003: in output."""

    def script(action: Any, event: Any) -> None:
        action.output["kept" if event is None else "bad"] = "yes" if event is None else value
        if event is None:
            action.suspend()

    play.scripts["a"] = script
    plan_id = compose(house, one(Listen))
    house.send(plan_id, house.step_when(plan_id, StepState.SUSPENDED).id, "go")
    plan = house.rest(plan_id)

    assert plan.state is PlanState.PAUSED
    error = house.step(plan.id).error
    assert error is not None
    assert error.kind == "NotSerialisableError"
    assert house.output(plan.id) == {"kept": "yes"}


def test_a_failing_run_keeps_its_output_and_sends_nothing(house: House) -> None:
    """E-021: output is kept, no request leaves."""

    def script(action: Any, _event: Any) -> None:
        action.output["half"] = "done"
        action.request("package", "install", {"package": "x"}, host="web1")
        raise RuntimeError("then it broke")

    play.scripts["a"] = script
    plan = house.rest(compose(house, one(Listen)))

    assert house.output(plan.id) == {"half": "done"}
    assert house.broker.of_kind("request") == []


def test_requests_are_sent_all_or_none(house: House) -> None:
    """E-021: the second one cannot be made, so the first does not leave either."""

    def script(action: Any, _event: Any) -> None:
        good = action.request("package", "install", {"package": "x"}, host="web1")
        huge = action.request("package", "install", {"package": "x" * 70_000}, host="web2")
        action.suspend(until=[good, huge])

    play.scripts["a"] = script
    plan = house.rest(compose(house, one(Listen)))

    assert plan.state is PlanState.PAUSED
    assert "may be sent" in plan.explanation
    assert house.broker.of_kind("request") == []
    assert house.count("requests") == 0


def test_times_are_kept_for_each_step(house: House) -> None:
    """E-022: execution_time < real_time for a suspended step."""

    def script(action: Any, event: Any) -> None:
        if event is None:
            action.suspend()

    play.scripts["a"] = script
    plan_id = compose(house, one(Listen))
    step = house.step_when(plan_id, StepState.SUSPENDED)
    house.pass_time(60)
    house.send(plan_id, step.id, "go")
    house.rest(plan_id)

    step = house.step(plan_id)
    assert step.started_at is not None
    assert step.ended_at is not None
    assert step.ended_at - step.started_at >= 60
    assert 0 < step.execution_time < 10


# -- workers ----------------------------------------------------------------------------------------------


class RudeError(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), MemoryError("full"), RudeError()])
def test_whatever_run_raises_is_a_step_error_and_the_worker_lives(
    empty_house: House, error: BaseException
) -> None:
    """E-020: the same worker takes the next job."""
    empty_house.another(settings=WorldSettings(queues={"default": 1}))
    threads: list[int] = []

    def script(_action: Any, _event: Any) -> None:
        threads.append(threading.get_ident())
        raise error

    play.scripts["bad"] = script
    play.scripts["good"] = lambda _action, _event: threads.append(threading.get_ident())

    plan = empty_house.rest(compose(empty_house, do("bad")))
    assert plan.state is PlanState.PAUSED
    kept = empty_house.step(plan.id).error
    assert kept is not None
    assert kept.kind == type(error).__name__
    assert empty_house.rest(compose(empty_house, do("good"))).result is PlanResult.SUCCESS
    assert threads[0] == threads[1]


def test_a_swallowed_suspend_is_a_step_error(house: House) -> None:
    """E-020: SuspendSwallowedError."""

    def script(action: Any, _event: Any) -> None:
        try:
            action.suspend()
        except BaseException:  # noqa: BLE001 - this is what is tested
            action.output["swallowed"] = True

    play.scripts["a"] = script
    plan = house.rest(compose(house, one(Listen)))

    error = house.step(plan.id).error
    assert error is not None
    assert error.kind == "SuspendSwallowedError"


def test_a_run_without_an_event_may_not_suspend(house: House) -> None:
    play.scripts["a"] = lambda action, _event: action.suspend()

    plan = house.rest(compose(house, do("a")))

    error = house.step(plan.id).error
    assert error is not None
    assert error.kind == "PhaseError"


def test_while_code_runs_the_database_says_so(house: House) -> None:
    """E-018: running for step and plan."""
    held = play.hold("a")
    plan_id = compose(house, do("a"))
    play.wait_inside("a")

    assert house.store.plan(plan_id).state is PlanState.RUNNING
    assert house.step(plan_id).state is StepState.RUNNING
    held.set()
    house.rest(plan_id)


class Elsewhere(Do):
    """Wants a pool that there is not."""

    name = "running.elsewhere"
    queue = "nowhere"


def test_an_unknown_queue_runs_on_the_default_one_with_one_warning(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """E-024: one warning."""
    for _ in range(2):
        assert house.rest(compose(house, one(Elsewhere))).result is PlanResult.SUCCESS

    assert [record.message for record in caplog.records].count("queue.unknown") == 1


def test_a_small_plan_does_not_wait_for_all_of_a_large_one(house: House) -> None:
    """E-023: 10,000 steps, one worker; the small plan waits for the job that is under way, for no other."""
    house.restart(settings=WorldSettings(queues={"default": 1}))
    held = play.hold("0")

    def large(plan: Any) -> None:
        for number in range(10_000):
            plan.plan_action(Do, name=str(number))

    def waiting() -> float:
        return dict(house.world.gauges())[QUEUE_JOBS, "default"]

    many = compose(house, large)
    play.wait_inside("0")
    until(lambda: waiting() == 9_999, "all of the large one wait", within=60.0)
    few = compose(house, do("small"))
    until(lambda: waiting() == 10_000, "the small one waits behind them")
    held.set()

    assert house.rest(few).result is PlanResult.SUCCESS
    assert play.log[:2] == ["0", "small"]
    assert house.store.plan(many).state is PlanState.RUNNING
