"""B-060: where the hosts of a rollout stand when somebody pauses it."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest

from mcoflow.action import Action, Event
from mcoflow.domain.requests import CommandKind
from mcoflow.domain.rollout import Rollout, Share
from mcoflow.domain.states import PlanResult, PlanState
from mcoflow.errors import CommandRefusedError
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


class Spaced(Action):
    """One step on each of three hosts, one after the other, ten minutes between them."""

    name = "paused.spaced"

    def plan(self) -> None:
        with self.rollout(Rollout(batch=Share(1), wait=10 * MINUTE)):
            for number in range(3):
                with self.branch():
                    self.plan_action(Slow, n=number)


def test_a_pause_after_the_wave_comes_at_once_between_two_waves(world: OneThreadWorld) -> None:
    """B-060: that wave has ended; who looks at its hosts meanwhile does not want the next one to begin."""
    plan_id = world.trigger(Spaced).plan_id
    world.drain()
    world.advance(61)
    assert told(world, plan_id) == "1 ok · 2 not begun"

    world.pause(plan_id, after_wave=True)
    world.drain()

    plan = world.stored.plan(plan_id)
    assert plan.state is PlanState.PAUSED
    assert plan.explanation == "paused on request in wave 2 of 3: 2 hosts have not begun"
    world.resume(plan_id)
    for _ in range(2):
        world.advance(601)
        world.advance(61)
    assert world.stored.plan(plan_id).result is PlanResult.SUCCESS


def test_a_plan_that_is_being_cancelled_does_not_pause(world: OneThreadWorld) -> None:
    """A pause would promise that it can be resumed."""
    plan_id = start(world)
    world.cancel(plan_id)
    with pytest.raises(CommandRefusedError, match="is being cancelled, it does not pause: abort it"):
        world.pause(plan_id)
    for _ in range(3):
        world.advance(61)

    assert world.stored.plan(plan_id).result is PlanResult.CANCELLED


def test_hosts_of_the_last_wave_are_interrupted_too(world: OneThreadWorld) -> None:
    plan_id = start(world)
    for _ in range(2):
        world.advance(61)
    world.pause(plan_id)
    world.advance(61)

    plan = world.stored.plan(plan_id)
    assert plan.explanation == "paused on request in wave 2 of 2: 2 hosts are interrupted"
    assert told(world, plan_id) == "2 ok · 2 interrupted"


@pytest.mark.parametrize("after_wave", [False, True])
def test_a_pause_that_has_not_come_can_be_withdrawn(world: OneThreadWorld, after_wave: bool) -> None:
    """E-063: the plan goes on as if nobody had asked, but for the history."""
    plan_id = start(world)
    world.pause(plan_id, after_wave=after_wave)
    if not after_wave:
        world.advance(30)

    world.resume(plan_id, actor="bob")
    world.drain()

    for _ in range(5):
        world.advance(61)
    plan = world.stored.plan(plan_id)
    assert (plan.state, plan.result) == (PlanState.STOPPED, PlanResult.SUCCESS)
    assert told(world, plan_id) == "4 ok"
    lines = [(each.name, each.actor, each.detail) for each in world.store.history(plan_id)]
    assert ("resume", "bob", "the pause is withdrawn") in lines


class Apart(Action):
    """One host does two steps while another does a long one."""

    name = "paused.apart"

    def plan(self) -> None:
        with self.rollout(Rollout(batch=Share(2))):
            for minutes in (1, 1, 3, 1):
                with self.branch(), self.sequence():
                    for number in range(2):
                        self.plan_action(Long if minutes == 3 else Slow, n=number)


class Long(Action):
    """Three minutes of work."""

    name = "paused.long"

    def run(self, event: Event | None) -> None:
        if event is None:
            self.suspend(patience=3 * MINUTE)


def test_what_the_pause_had_held_back_begins_once_it_is_withdrawn(world: OneThreadWorld) -> None:
    """E-063: hosts whose next step was not begun go on while others never stopped."""
    plan_id = world.trigger(Apart).plan_id
    world.drain()
    for _ in range(2):
        world.advance(61)
    world.pause(plan_id)
    world.advance(61)  # the second step of the fourth host is ready, and not begun
    assert world.stored.plan(plan_id).state is PlanState.RUNNING
    assert world.stored.states(plan_id)[4:] == ["suspended", "pending", "success", "pending"]

    world.resume(plan_id)
    world.drain()

    assert world.stored.states(plan_id)[4:] == ["suspended", "pending", "success", "suspended"]
    for _ in range(7):
        world.advance(61)
    assert world.stored.plan(plan_id).result is PlanResult.SUCCESS
    assert told(world, plan_id) == "4 ok"


def test_nothing_is_withdrawn_that_nobody_asked_for(world: OneThreadWorld) -> None:
    plan_id = start(world)

    with pytest.raises(CommandRefusedError, match="is running, it cannot take a resume; allowed now: pause,"):
        world.resume(plan_id)


def test_a_pause_after_something_that_is_not_there_is_refused(world: OneThreadWorld) -> None:
    """`after` is `wave` or left out."""
    plan_id = start(world)

    with pytest.raises(CommandRefusedError, match="after the current 'wave': there is no 'bogus'"):
        world.command(plan_id, CommandKind.PAUSE, {"after": "bogus"}, actor="bob", wait=MINUTE)

    assert not world.stored.plan(plan_id).pause_requested
