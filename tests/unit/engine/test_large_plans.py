"""Plans of thousands of steps: the first requests leave before the last are made."""

from collections import Counter
from uuid import UUID

from mcoflow.action import Action
from mcoflow.domain.states import PlanResult, PlanState, StepState
from mcoflow.engine.steps import AT_ONCE, FIRST
from mcoflow.testing import OneThreadWorld
from mcoflow.wire.messages import RequestBody
from tests.unit.testing.actions import Install

HOSTS = 3 * AT_ONCE + 1


class Everywhere(Action):
    """Install on many hosts, all at once."""

    name = "large.everywhere"

    def plan(self, hosts: int) -> None:
        for number in range(hosts):
            self.plan_action(Install, host=f"h{number}", package="nginx")


def asked(world: OneThreadWorld) -> Counter[str]:
    return Counter(each.host for each in world.hosts.requests if isinstance(each.body, RequestBody))


def begun(world: OneThreadWorld, plan_id: UUID) -> int:
    """How many steps of a plan wait for a reply."""
    return world.stored.plan(plan_id).counts.get(StepState.SUSPENDED, 0)


def test_the_first_requests_leave_before_the_last_are_made() -> None:
    """Who watches sees the first result soon, and each host is asked once."""
    with OneThreadWorld() as world:
        plan_id = world.trigger(Everywhere, HOSTS).plan_id

        assert begun(world, plan_id) == FIRST

        world.drain()

        assert world.stored.plan(plan_id).result is PlanResult.SUCCESS
        assert asked(world).total() == len(asked(world)) == HOSTS


def test_a_small_plan_does_not_wait_for_a_large_one() -> None:
    with OneThreadWorld() as world:
        large = world.trigger(Everywhere, HOSTS).plan_id
        small = world.trigger(Install, host="web1", package="nginx").plan_id

        assert begun(world, small) == 1
        assert begun(world, large) < HOSTS


def test_a_crash_between_loses_and_repeats_nothing() -> None:
    with OneThreadWorld() as world:
        plan_id = world.trigger(Everywhere, HOSTS).plan_id
        world.crash()
        world.restart()
        world.drain()

        assert world.stored.plan(plan_id).result is PlanResult.SUCCESS
        assert set(world.hosts.effects.values()) == {1}
        assert world.hosts.executed() == HOSTS


def test_a_pause_between_leaves_the_rest_for_the_resume() -> None:
    with OneThreadWorld() as world:
        plan_id = world.trigger(Everywhere, HOSTS).plan_id
        world.pause(plan_id)
        world.drain()
        assert world.stored.plan(plan_id).state is PlanState.PAUSED
        assert FIRST <= world.hosts.executed() < HOSTS

        world.execute(plan_id)
        world.drain()

        assert world.stored.plan(plan_id).result is PlanResult.SUCCESS
        assert world.hosts.executed() == HOSTS
