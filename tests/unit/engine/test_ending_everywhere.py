"""Cancel, abort and halt in every state of a plan, and that nothing of it is left, whatever hung on it."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from mcoflow.domain.records import HistoryRecord, PlanRecord, StepRecord
from mcoflow.domain.recurrence import Recurrence
from mcoflow.domain.states import PlanResult, PlanState, StepState
from mcoflow.errors import CommandRefusedError, WaitTimeoutError
from mcoflow.testing import OneThreadWorld
from tests.unit.engine.fleets import Fleet, fresh_classes
from tests.unit.engine.hanging import hanging
from tests.unit.engine.play import Do, Install, Stoppable, play
from tests.unit.engine.stages import (
    AT_REST,
    RUNNING,
    Loaded,
    Stage,
    Waiter,
    beside,
    layout,
    moved_until,
    sleep,
)

STAGES = (*AT_REST, *RUNNING)
ORDERS = ("cancel", "abort", "halt")


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    Loaded.moments.clear()
    with fresh_classes():
        yield


def give(world: OneThreadWorld, order: str, plan_id: UUID) -> None:
    """Give an order; one that nobody has taken yet is stored."""
    if order == "halt":
        world.halt(plan_id, reason="as told")
        return
    with suppress(WaitTimeoutError):
        getattr(world, order)(plan_id)


def let_end(world: OneThreadWorld, stage: Stage, plan_id: UUID, order: str) -> None:
    """Let all that hears of the order act on it, and what is waited for end."""
    world.drain()
    if stage.release is not None and (world.executor is None or not ended(world, plan_id, order)):
        stage.release(world, plan_id)
    world.advance(60)


def expected(order: str) -> PlanResult:
    return PlanResult.HALTED if order == "halt" else PlanResult.CANCELLED


def ended(world: OneThreadWorld, plan_id: UUID, order: str) -> bool:
    plan = world.stored.plan(plan_id)
    return (plan.state, plan.result) == (PlanState.STOPPED, expected(order))


def told(
    world: OneThreadWorld, plan_id: UUID
) -> tuple[PlanRecord, dict[int, StepRecord], list[HistoryRecord]]:
    """All that is told of a plan."""
    return world.stored.plan(plan_id), world.stored.steps(plan_id), list(world.store.history(plan_id))


def ran() -> list[str]:
    """What ran of the plan itself."""
    return [name for name in play.log if name not in ("before", "holder")]


def end_others(world: OneThreadWorld) -> None:
    """Halt what goes on by design: those behind which plans waited."""
    for plan_id in world.stored.ids():
        if world.stored.plan(plan_id).state is not PlanState.STOPPED:
            world.halt(plan_id, reason="the test is over")
    world.advance(60)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("stage", STAGES, ids=str)
def test_a_plan_ends_in_every_state_and_leaves_nothing(
    stage: Stage, order: str, world: OneThreadWorld
) -> None:
    """E-060, E-061: lock, hooks, schedule, prerequisites, timers, requests, events; who waited goes on."""
    plan_id = stage.make(world)
    neighbour = beside(world)
    waiter = neighbour.trigger(Waiter, name="waiter").plan_id
    follower = neighbour.chain([plan_id], Do, name="follower").plan_id
    assert world.stored.plan(plan_id).state is stage.state
    assert world.stored.states(plan_id)[:1] == ([stage.step.value] if stage.step else [])

    give(world if world.executor else neighbour, order, plan_id)

    assert ended(world, plan_id, order) == stage.ends_at_once(order)
    if stage.ends_at_once(order):
        assert hanging(world.store, plan_id).keys() <= {"hooks", "commands", "followers", "sub-plans"}
    let_end(world, stage, plan_id, order)
    assert ended(world, plan_id, order)
    assert world.stored.states(plan_id) == stage.steps_after(order)
    assert not hanging(world.store, plan_id)
    assert Loaded.moments.count("stopped") == 1
    assert "b" not in play.log
    assert ("waiter" in play.log) == (stage.name != "waiting-for-a-lock")
    after = world.stored.plan(follower)
    assert after.result is (PlanResult.SUCCESS if order == "halt" else PlanResult.ERROR), after.explanation
    assert world.stored.plan(waiter).state is not PlanState.SCHEDULED
    end_others(world)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("stage", STAGES, ids=str)
def test_nothing_that_comes_later_moves_a_plan_that_was_ended(
    stage: Stage, order: str, world: OneThreadWorld
) -> None:
    """E-060, E-061: not time, not events, nor another executor; more of the same is refused."""
    plan_id = stage.make(world)
    give(world if stage.name == "inside" else beside(world), order, plan_id)  # heard before the step ends
    let_end(world, stage, plan_id, order)
    before = told(world, plan_id)
    log = ran()

    for again in ORDERS:
        with pytest.raises(CommandRefusedError, match="stopped"):
            give(world, again, plan_id)
    with pytest.raises(CommandRefusedError, match="stopped"):
        world.event(plan_id, 3, "go").wait(timedelta(0))
    world.restart()
    world.advance(3 * 24 * 3600)

    assert told(world, plan_id) == before
    assert ran() == log
    end_others(world)


@pytest.mark.parametrize("order", ORDERS)
def test_a_request_that_never_left_a_dead_executor_never_leaves(order: str, world: OneThreadWorld) -> None:
    """E-060, E-061: the order comes before the next executor sends what the dead one did not."""
    with world.crash_at("outbox.before_publish"):
        plan_id = world.trigger(Loaded, layout(Install, host="web1", package="x")).plan_id
        world.drain()
    assert len(hanging(world.store, plan_id)["requests"]) == 1
    give(beside(world), order, plan_id)

    world.restart().drain()
    world.advance(600)

    assert ended(world, plan_id, order)
    assert world.hosts.requests == []
    assert hanging(world.store, plan_id) == {}


@pytest.mark.parametrize("order", ["abort", "halt"])
def test_what_code_asks_of_a_host_after_the_order_is_not_sent(order: str, world: OneThreadWorld) -> None:
    """E-059, E-062: it was inside when the plan was ended, and then suspends on a request."""

    def ask(action: Any, event: Any) -> None:
        action.suspend(until=action.request("package", "install", {"package": "x"}, host="web1"))

    play.scripts["a"] = ask
    plan_id = world.trigger(Loaded, layout(Stoppable)).plan_id
    moved_until(world, lambda: world.stored.steps(plan_id)[3].state is StepState.RUNNING)

    give(world, order, plan_id)
    world.advance(60)

    assert ended(world, plan_id, order)
    assert world.hosts.requests == world.ground.broker.of_kind("cancel") == []
    assert hanging(world.store, plan_id) == {}


@pytest.mark.parametrize("order", ORDERS)
def test_the_next_occurrence_starts_when_the_one_before_is_ended(order: str, world: OneThreadWorld) -> None:
    """E-092: ended as it ran; the one that queued behind it runs, and the recurrence goes on."""
    play.scripts["a"] = sleep
    recurrence = world.recur(Recurrence("0 * * * *", overlap="queue"), Stoppable, name="a")
    world.advance(2 * 3600)
    first, second = world.stored.ids()
    assert [world.stored.plan(each).state for each in (first, second)] == ["running", "scheduled"]

    give(world, order, first)
    world.advance(60)

    assert ended(world, first, order)
    assert hanging(world.store, first) == {}
    assert world.stored.states(second) == ["suspended"]
    assert world.recurrences.get(recurrence).state == "active"
    world.recurrences.cancel(recurrence)
    end_others(world)


@pytest.mark.parametrize("order", ORDERS)
def test_an_occurrence_that_queues_is_ended_alone(order: str, world: OneThreadWorld) -> None:
    """E-060, E-061: scheduled behind the one that runs; that one goes on, and so does the recurrence."""
    play.scripts["a"] = sleep
    recurrence = world.recur(Recurrence("0 * * * *", overlap="queue"), Stoppable, name="a")
    world.advance(2 * 3600)
    first, second = world.stored.ids()

    give(world, order, second)

    assert ended(world, second, order)
    assert hanging(world.store, second) == {}
    assert world.stored.plan(first).state is PlanState.RUNNING
    world.advance(3600)
    third = world.stored.ids()[2]
    assert world.stored.plan(third).state is PlanState.SCHEDULED
    world.recurrences.cancel(recurrence)
    end_others(world)


@pytest.mark.parametrize("order", ORDERS)
def test_a_parent_hears_of_a_sub_plan_that_is_ended(order: str, world: OneThreadWorld) -> None:
    """E-060, E-061: it is counted as what it is, and nothing rings for it any more."""
    parent = world.trigger(Fleet, who=["x", "y"], how="sleep").plan_id
    world.advance(60)
    ended_one, other = (plan.id for plan in world.plans.sub_plans(parent).items)

    give(world, order, ended_one)
    world.event(other, 2, "end")
    world.advance(60)

    assert world.stored.plan(parent).state is PlanState.PAUSED
    counts = world.stored.output(parent)["sub_plans"]["counts"]
    assert counts["success"] == counts["halted" if order == "halt" else "cancelled"] == 1
    assert hanging(world.store, ended_one) == {}
    end_others(world)
