"""A halt: it works from every state, waits for nobody, and nothing that comes later changes a thing."""

import threading
from typing import Any
from uuid import UUID

import pytest

from mcoflow.action import FOREVER, Action
from mcoflow.domain.requests import CommandKind
from mcoflow.domain.states import PlanResult, PlanState, StepState
from mcoflow.errors import CommandRefusedError, PlanNotFoundError
from mcoflow.testing.hosts import accepted, only, result
from tests.unit.engine.house import House
from tests.unit.engine.play import Do, Finish, Install, Listen, compose, do, one, play
from tests.waiting import until


def sleep(action: Any, event: Any) -> None:
    if event is None:
        action.suspend(patience=FOREVER)


def fail(_action: Any, _event: Any) -> None:
    raise RuntimeError("broken")


def install(plan: Action) -> None:
    plan.plan_action(Install, host="web1", package="nginx")


def halted(house: House, plan_id: UUID) -> None:
    house.world.halt(plan_id, reason="it hangs", actor="bob")
    plan = house.store.plan(plan_id)
    assert (plan.state, plan.result) == (PlanState.STOPPED, PlanResult.HALTED)
    assert plan.explanation == "halted: it hangs"
    assert house.history(plan_id)[-1] == "halt"
    assert plan.ended_at is not None


def no_leftovers(house: House) -> None:
    assert house.count("timers") == house.count("events") == 0
    assert house.count("requests WHERE state != 'ended'") == 0


def test_a_suspended_plan_is_halted_and_a_later_event_is_refused(house: House) -> None:
    """E-061: suspended; events are rejected."""
    play.scripts["a"] = sleep
    plan_id = compose(house, one(Listen))
    step = house.step_when(plan_id, StepState.SUSPENDED)

    halted(house, plan_id)

    assert house.states(plan_id) == ["cancelled"]
    no_leftovers(house)
    with pytest.raises(CommandRefusedError, match="stopped"):
        house.send(plan_id, step.id, "go")
    until(lambda: house.world.execution_status()["plans"] == 0, "the executor let go of it")


def test_a_planned_plan_that_waits_for_an_executor_is_halted(empty_house: House) -> None:
    """E-061: planned."""
    house = empty_house
    house.another(executor=False)
    plan_id = compose(house, do("a"))

    halted(house, plan_id)
    house.another()

    assert house.states(plan_id) == ["cancelled"]
    assert play.log == []


def test_a_paused_plan_is_halted_and_its_error_stays(house: House) -> None:
    """E-061: paused."""
    play.scripts["a"] = fail
    plan_id = compose(house, one(Finish))
    house.rest(plan_id)

    halted(house, plan_id)

    assert house.states(plan_id) == ["error", "cancelled"]
    with pytest.raises(CommandRefusedError, match="stopped"):
        house.resume(plan_id)


def test_a_reply_that_comes_after_the_halt_is_only_recorded(house: House) -> None:
    """E-061: unsent requests are gone; an agent that answers all the same changes nothing."""
    house.hosts.answers["web1"] = only(accepted())
    plan_id = compose(house, install)
    house.step_when(plan_id, StepState.SUSPENDED)
    until(lambda: house.hosts.requests, "the host was asked")

    halted(house, plan_id)
    no_leftovers(house)
    house.hosts.say(result())

    until(lambda: len(house.evidence()) == 1, "it is recorded as late")
    assert house.states(plan_id) == ["cancelled"]


def test_user_code_that_is_inside_runs_out_and_writes_nothing(house: House) -> None:
    """E-062: the code's result writes nothing."""
    held = play.hold("a")
    plan_id = compose(house, one(Finish))
    play.wait_inside("a")

    halted(house, plan_id)
    held.set()
    assert house.run(Do, name="b").result is PlanResult.SUCCESS  # it was applied by then

    assert house.states(plan_id) == ["cancelled", "cancelled"]
    assert house.step(plan_id, Finish).error is not None
    assert house.output(plan_id, Finish) == {}
    assert play.log.count("a!") == 0


def test_an_owner_that_hangs_in_its_commit_is_not_waited_for(house: House) -> None:
    """E-062: takes effect at once, while the owner hangs; what it writes then hits zero rows."""
    held, inside, go_on = play.hold("a"), threading.Event(), threading.Event()
    plan_id = compose(house, one(Finish))
    play.wait_inside("a")
    owner = house.world

    def hang(*_: object) -> None:
        inside.set()
        assert go_on.wait(20)

    house.valve.before["commit"] = hang
    held.set()
    assert inside.wait(10)
    house.another(executor=False)

    halted(house, plan_id)
    house.valves[0].before.clear()
    go_on.set()

    until(lambda: owner.execution_status()["plans"] == 0, "the owner dropped it")
    assert house.states(plan_id) == ["cancelled", "cancelled"]
    assert house.history(plan_id)[-1] == "halt"


def test_a_stopped_plan_cannot_be_halted_and_an_unknown_one_is_not_found(house: House) -> None:
    """E-061: every state but stopped."""
    plan_id = compose(house, do("a"))
    house.rest(plan_id)

    with pytest.raises(CommandRefusedError, match="stopped"):
        house.world.halt(plan_id, reason="why not")
    with pytest.raises(PlanNotFoundError):
        house.world.halt(UUID(int=7), reason="why not")
    assert house.store.plan(plan_id).result is PlanResult.SUCCESS


def test_a_halt_is_offered_in_every_state_but_stopped(house: House) -> None:
    for state in set(PlanState) - {PlanState.PENDING}:  # which is never stored
        assert (CommandKind.HALT in house.world.allowed(state, "")) == (state is not PlanState.STOPPED)


def test_who_waits_for_the_plan_is_told(house: House) -> None:
    play.scripts["a"] = sleep
    plan_id = compose(house, one(Listen))
    house.step_when(plan_id, StepState.SUSPENDED)
    future = house.world.future(plan_id)

    halted(house, plan_id)

    assert future.wait().result is PlanResult.HALTED


def test_other_plans_go_on(house: House) -> None:
    play.scripts["a"] = sleep
    halting, other = compose(house, one(Listen)), compose(house, one(Listen))
    for plan_id in (halting, other):
        house.step_when(plan_id, StepState.SUSPENDED)

    halted(house, halting)
    house.send(other, house.step(other).id, "go")

    assert house.rest(other).result is PlanResult.SUCCESS
    assert house.run(Do, name="b").result is PlanResult.SUCCESS
