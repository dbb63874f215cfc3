"""B-060: where the hosts of a rollout stand when somebody pauses it."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest

from mcoflow.action import Action, Event
from mcoflow.domain.rollout import Rollout, Share
from mcoflow.domain.states import PlanResult, PlanState
from mcoflow.services.rollouts import rollouts_of
from mcoflow.testing import OneThreadWorld

MINUTE = timedelta(minutes=1)


class Slow(Action):
    """A minute of work, on whatever host."""

    name = "paused.slow"

    def run(self, event: Event | None) -> None:
        if event is None:
            self.suspend(patience=MINUTE)


class Fleet(Action):
    """Two steps on each of four hosts, two hosts in a wave."""

    name = "paused.fleet"

    def plan(self) -> None:
        with self.rollout(Rollout(batch=Share(2))):
            for number in range(4):
                with self.branch(), self.sequence():
                    self.plan_action(Slow, n=number)
                    self.plan_action(Slow, n=number)


@pytest.fixture
def world() -> Iterator[OneThreadWorld]:
    with OneThreadWorld() as made:
        yield made


def start(world: OneThreadWorld) -> UUID:
    plan_id = world.trigger(Fleet).plan_id
    world.drain()
    return plan_id


def told(world: OneThreadWorld, plan_id: UUID) -> str:
    (rollout,) = rollouts_of(world.stored.plan(plan_id))
    return rollout.counts


def test_hosts_in_the_middle_of_their_work_are_interrupted_by_a_pause(world: OneThreadWorld) -> None:
    """They have begun, and nothing of them is under way; a resume goes on with them."""
    plan_id = start(world)
    world.pause(plan_id)
    world.drain()
    assert told(world, plan_id) == "2 under way · 2 not begun"

    world.advance(61)

    plan = world.stored.plan(plan_id)
    assert plan.state is PlanState.PAUSED
    assert plan.explanation.endswith("in wave 1 of 2: 2 hosts are interrupted, 2 hosts have not begun")
    assert told(world, plan_id) == "2 interrupted · 2 not begun"
    world.resume(plan_id)
    world.drain()
    assert told(world, plan_id) == "2 under way · 2 not begun"
    for _ in range(4):
        world.advance(61)
    assert world.stored.plan(plan_id).result is PlanResult.SUCCESS
    assert told(world, plan_id) == "4 ok"


def test_a_pause_after_the_wave_interrupts_nobody(world: OneThreadWorld) -> None:
    """B-060: `world.pause(plan_id, after_wave=True)`."""
    plan_id = start(world)
    world.pause(plan_id, after_wave=True)
    for _ in range(3):
        world.advance(61)

    plan = world.stored.plan(plan_id)
    assert plan.state is PlanState.PAUSED
    assert plan.explanation == "paused on request in wave 2 of 2: 2 hosts have not begun"
    assert told(world, plan_id) == "2 ok · 2 not begun"


def test_hosts_of_the_last_wave_are_interrupted_too(world: OneThreadWorld) -> None:
    plan_id = start(world)
    for _ in range(2):
        world.advance(61)
    world.pause(plan_id)
    world.advance(61)

    plan = world.stored.plan(plan_id)
    assert plan.explanation == "paused on request in wave 2 of 2: 2 hosts are interrupted"
    assert told(world, plan_id) == "2 ok · 2 interrupted"
