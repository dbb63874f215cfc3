"""Host actions that a worker was calling when the executor died: they have done nothing yet."""

from collections.abc import Callable

import pytest

from mcoflow.action import HostAction
from mcoflow.action.registry import REGISTERED
from mcoflow.domain.states import PlanResult, StepState
from mcoflow.testing import OneThreadWorld
from mcoflow.testing.hosts import accepted, only, result


class Apart(HostAction):
    """Set apart, as one is that once took long, and so called by workers."""

    name = "interrupted.apart"
    agent = "package"
    operation = "install"


REGISTERED.set_apart(Apart)


def turned(world: OneThreadWorld, look: Callable[[], bool]) -> None:
    """Let the director take its turns, and no worker do anything."""
    executor = world.executor
    assert executor is not None
    for _ in range(20):
        if look():
            return
        world.ground.broker.step()
        executor.turn()
    raise AssertionError("it did not come to that")


@pytest.mark.parametrize("times", [1, 3])
def test_one_that_was_making_its_request_begins_anew(times: int) -> None:
    """R-012: nothing was sent; its host is asked once, however often the executor dies."""
    with OneThreadWorld() as world:
        plan = world.trigger(Apart, host="web1", package="x").plan_id
        for _ in range(times):
            turned(world, lambda: world.stored.step(plan, Apart).state is StepState.RUNNING)
            world.crash()
            world.restart()

        world.drain()

        assert world.stored.plan(plan).result is PlanResult.SUCCESS
        assert len(world.hosts.requests) == world.hosts.executed("web1") == 1


@pytest.mark.parametrize("times", [1, 3])
def test_one_that_was_looking_at_its_reply_looks_again(times: int) -> None:
    """R-006: the reply is in the database; its host is not asked twice."""
    with OneThreadWorld() as world:
        world.hosts.default = only(accepted())
        plan = world.run(Apart, host="web1", package="x").id
        world.hosts.say(result(values={"n": 1}))
        for _ in range(times):
            turned(world, lambda: world.stored.step(plan, Apart).state is StepState.RUNNING)
            world.crash()
            world.restart()

        world.drain()

        assert world.stored.plan(plan).result is PlanResult.SUCCESS
        assert len(world.hosts.asked("install")) == 1
