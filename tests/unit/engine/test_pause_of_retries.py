"""A pause takes effect between two tries of a step, and the resume goes on with the next one."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from mcoflow.action import Retry
from mcoflow.domain.states import PlanResult, PlanState, StepState
from mcoflow.testing import OneThreadWorld
from mcoflow.testing.hosts import error, ok
from tests.unit.engine.hanging import hanging
from tests.unit.engine.play import Compose, Install, Listen, play
from tests.unit.engine.stages import moved_until


class Stubborn(Listen):
    """Tried three times."""

    name = "pause.stubborn"
    retry = Retry(tries=3)


class Fragile(Install):
    """A host action that is tried three times."""

    name = "pause.fragile"
    retry = Retry(tries=3)


def fails(times: int) -> Any:
    def script(action: Any, _event: Any) -> None:
        if play.log.count("a") <= times:
            raise RuntimeError(f"failure {play.log.count('a')}")

    return script


def waiting(world: OneThreadWorld, times: int) -> UUID:
    """A plan that waits for its second try, of those that fail."""
    play.scripts["a"] = fails(times)
    plan_id = world.trigger(Stubborn, name="a").plan_id
    world.drain()
    assert world.stored.states(plan_id) == ["suspended"]
    return plan_id


def paused(world: OneThreadWorld, plan_id: UUID) -> None:
    plan = world.stored.plan(plan_id)
    assert (plan.state, plan.result) == (PlanState.PAUSED, PlanResult.PENDING)
    assert plan.explanation == "paused on request: 1 is to be tried again"
    step = world.stored.step(plan_id)
    assert (step.state, step.tries) == (StepState.PENDING, 1)
    assert step.error is not None


def test_a_pause_does_not_wait_for_the_tries_that_are_left(world: OneThreadWorld) -> None:
    """E-063: between two tries nothing is under way; the resume begins with the next one at once."""
    plan_id = waiting(world, 1)

    world.pause(plan_id)

    paused(world, plan_id)
    assert hanging(world.store, plan_id).keys() == {"steps"}
    world.advance(24 * 3600)
    assert play.log == ["a"]
    world.resume(plan_id)
    world.drain()
    assert world.stored.plan(plan_id).result is PlanResult.SUCCESS
    step = world.stored.step(plan_id)
    assert (step.attempt, step.error, step.reason) == (2, None, "")


def test_a_try_that_fails_after_the_pause_was_asked_for_is_the_last_until_the_resume(
    world: OneThreadWorld,
) -> None:
    """E-063: it is inside its code when somebody asks."""
    play.scripts["a"] = fails(1)
    plan_id = world.trigger(Stubborn, name="a").plan_id
    moved_until(world, lambda: world.stored.states(plan_id) == ["running"])

    world.pause(plan_id)
    world.drain()

    paused(world, plan_id)
    world.resume(plan_id)
    world.drain()
    assert world.stored.plan(plan_id).result is PlanResult.SUCCESS


def test_no_try_is_lost_nor_won_by_a_pause(world: OneThreadWorld) -> None:
    """E-039, E-063: three tries altogether, over a pause and a restart."""
    plan_id = waiting(world, 9)
    world.pause(plan_id)
    world.restart()
    world.resume(plan_id)
    world.drain()
    assert world.stored.step(plan_id).tries == 2

    world.advance(3600)

    assert play.log == ["a", "a", "a"]
    assert (world.stored.plan(plan_id).state, world.stored.states(plan_id)) == (PlanState.PAUSED, ["error"])
    world.cancel(plan_id)


def test_what_was_sent_for_the_next_try_is_there_after_the_resume(world: OneThreadWorld) -> None:
    """E-063: events, and those that come later; one that is due while the plan is paused, too."""
    heard: list[Any] = []

    def script(action: Any, event: Any) -> None:
        if play.log.count("a") == 1:
            action.plan_event("in time", delay=timedelta(hours=1))
            action.suspend()
        heard.append(event and event.value)
        if heard == ["fail"]:
            raise RuntimeError("as told")
        if len(heard) < 4:
            action.suspend(patience=timedelta(days=1))

    play.scripts["a"] = script
    plan_id = world.trigger(Stubborn, name="a").plan_id
    world.drain()
    world.event(plan_id, 2, "fail")
    world.drain()
    world.event(plan_id, 2, "at once")
    world.pause(plan_id)
    world.advance(2 * 3600)
    assert world.stored.plan(plan_id).state is PlanState.PAUSED

    world.resume(plan_id)
    world.drain()

    assert heard == ["fail", None, "at once", "in time"]
    assert world.stored.plan(plan_id).result is PlanResult.SUCCESS


@pytest.mark.parametrize("order", ["cancel", "abort"])
def test_a_plan_paused_between_two_tries_is_cancelled_with_all_that_waits(
    order: str, world: OneThreadWorld
) -> None:
    """E-060: events that were sent for the next try are dropped."""
    plan_id = waiting(world, 9)
    world.event(plan_id, 2, "for the next try")
    world.drain()
    world.pause(plan_id)
    assert hanging(world.store, plan_id).keys() == {"steps", "events"}

    getattr(world, order)(plan_id)

    assert world.stored.plan(plan_id).result is PlanResult.CANCELLED
    assert hanging(world.store, plan_id) == {}


def test_a_host_is_asked_again_after_the_resume(world: OneThreadWorld) -> None:
    """E-063: a host action, too."""
    world.hosts.default = error()
    plan_id = world.trigger(Fragile, host="web1", package="x").plan_id
    world.drain()

    world.pause(plan_id)

    paused(world, plan_id)
    world.hosts.default = ok()
    world.resume(plan_id)
    world.drain()
    assert world.stored.plan(plan_id).result is PlanResult.SUCCESS
    assert len(world.hosts.requests) == 2


def test_other_steps_end_before_the_plan_is_paused(world: OneThreadWorld) -> None:
    """E-063: a step that waits for its next try waits on while another one is under way."""
    play.scripts["a"] = fails(1)

    def lay_out(plan: Any) -> None:
        plan.plan_action(Stubborn, name="a")
        plan.plan_action(Listen, name="b")

    play.scripts["b"] = lambda action, event: action.suspend() if event is None else None
    plan_id = world.trigger(Compose, play.layout(lay_out)).plan_id
    world.drain()
    world.pause(plan_id)
    world.advance(600)
    assert world.stored.plan(plan_id).state is PlanState.RUNNING
    assert world.stored.states(plan_id) == ["pending", "suspended"]

    world.event(plan_id, 5, "end")
    world.drain()

    assert world.stored.plan(plan_id).state is PlanState.PAUSED
    world.resume(plan_id)
    world.drain()
    assert world.stored.plan(plan_id).result is PlanResult.SUCCESS
