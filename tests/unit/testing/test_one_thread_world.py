"""The real engine, without threads and without waiting."""

import threading
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from mcoflow.action import Action, Event
from mcoflow.domain.requests import CommandKind
from mcoflow.errors import PlanNotFoundError, WaitTimeoutError
from mcoflow.testing import (
    NeverRestsError,
    NotReachedError,
    OneThreadWorld,
    silence,
)
from mcoflow.testing.hosts import result
from tests.unit.testing.actions import Announce, Approve, Build, Install, Release, of


class Chatter(Action):
    """Talks to itself without end."""

    name = "kit.chatter"
    accepts = (str,)

    def run(self, event: Event | None) -> None:
        self.plan_event("once more")
        self.suspend()


def tell(world: OneThreadWorld, plan_id: Any, kind: CommandKind, **arguments: Any) -> Any:
    return world.command(plan_id, kind, arguments, actor="bob", wait=timedelta(seconds=1))


def test_a_plan_is_stored_at_once_and_runs_when_the_world_is_drained(world: OneThreadWorld) -> None:
    before = threading.active_count()

    plan_id = world.trigger(Release, ["web1", "web2"], package="nginx").plan_id

    assert world.stored.states(plan_id)[0] == "running"
    assert world.hosts.asked() == []
    world.drain()
    assert of(world.stored.plan(plan_id)) == ("stopped", "warning")
    assert world.stored.history(plan_id) == ["start execution", "finish execution"]
    assert threading.active_count() == before, threading.enumerate()


def test_a_future_is_resolved_by_waiting_for_it(world: OneThreadWorld) -> None:
    view = world.trigger(Build, "nginx").future.wait()

    assert of(view) == ("stopped", "success")


@pytest.mark.mcoflow_leaves("future")
def test_waiting_for_what_only_a_person_can_bring_about_ends_at_once(world: OneThreadWorld) -> None:
    future = world.trigger(Approve).future

    with pytest.raises(WaitTimeoutError):
        future.wait(timedelta(days=1))


def test_commands_are_obeyed_while_they_are_given(world: OneThreadWorld) -> None:
    plan = world.run(Approve)
    (step,) = world.stored.steps(plan.id)

    tell(world, plan.id, CommandKind.EVENT, step_id=step, value="yes")
    world.drain()

    assert world.stored.output(plan.id)["by"] == "ann"


def test_time_brings_deadlines_at_their_own_time(world: OneThreadWorld) -> None:
    world.hosts.default = silence
    plan = world.run(Install, host="web1", package="nginx")
    [pickup] = world.clock.pending()

    world.advance(3600)

    ended = world.stored.plan(plan.id)
    assert of(ended) == ("paused", "error")
    late = (world.stored.step(plan.id).ended_at or 0) - pickup.due_at.timestamp()
    assert 0 < late < 60
    assert world.clock.pending() == []


@pytest.mark.mcoflow_leaves("future", "event", "timer")
def test_what_never_rests_is_an_error(world: OneThreadWorld) -> None:
    world.trigger(Chatter)

    with pytest.raises(NeverRestsError, match="after 200 moves"):
        world.ground.drain(limit=200)


def test_after_a_crash_nothing_goes_on_before_the_restart(world: OneThreadWorld) -> None:
    world.hosts.default = silence
    plan = world.run(Install, host="web1", package="nginx")

    world.crash()
    world.hosts.say(result())
    world.drain()
    assert of(world.stored.plan(plan.id)) == ("running", "pending")

    world.restart().drain()
    assert of(world.stored.plan(plan.id)) == ("stopped", "success")
    assert world.stored.plan(plan.id).epoch == 2


@pytest.mark.parametrize(
    "point",
    [
        "director.before_commit",
        "director.after_commit",
        "outbox.before_publish",
        "outbox.after_publish",
        "outbox.after_receipt",
        "reply.received",
        "reply.committed",
        "reply.acked",
    ],
)
@pytest.mark.parametrize("hit", [1, 2])
def test_a_plan_of_host_steps_survives_a_crash_at_any_point(
    world: OneThreadWorld, point: str, hit: int
) -> None:
    """E-099: and nothing is executed twice."""
    with world.crash_at(point, hit=hit):
        for host in ("web1", "web2"):
            world.trigger(Install, host=host, package="nginx")
            world.drain()
    world.restart().drain()

    plans = [world.stored.plan(plan_id) for plan_id in world.stored.ids()]
    assert {of(plan) for plan in plans} <= {("stopped", "success")}
    assert set(world.hosts.effects.values()) <= {1}


@pytest.mark.parametrize("point", ["planner.mid", "plan.before_commit"])
def test_a_crash_before_the_plan_is_stored_leaves_nothing(world: OneThreadWorld, point: str) -> None:
    """R-001, R-002, E-014."""
    with world.crash_at(point):
        world.trigger(Build, "nginx")
    world.restart().drain()

    assert world.stored.ids() == []


def test_a_step_inside_run_at_the_crash_is_interrupted(world: OneThreadWorld) -> None:
    """E-096: its effect is unknown."""
    with world.crash_at("run.mid"):
        world.trigger(Announce)
        world.drain()
    world.restart().drain()

    (plan_id,) = world.stored.ids()
    failed = world.stored.step(plan_id)
    assert failed.error is not None
    assert failed.error.kind == "RunInterruptedError"


def test_a_crash_that_never_comes_is_an_error(world: OneThreadWorld) -> None:
    never = pytest.raises(NotReachedError, match="was passed 0 times, not 1")
    with never, world.crash_at("reply.received"):
        world.run(Announce)


def test_another_world_takes_over_what_a_dead_one_left(world: OneThreadWorld) -> None:
    """E-095, R-008: and the reply that was on its way is applied."""
    world.hosts.default = silence
    plan = world.run(Install, host="web1", package="nginx")
    with OneThreadWorld(ground=world.ground) as other:
        world.crash()
        world.hosts.say(result())
        other.drain()

        assert of(world.stored.plan(plan.id)) == ("stopped", "success")
    world.restart()


def test_a_client_stores_plans_that_an_executor_runs(world: OneThreadWorld) -> None:
    """E-105."""
    with OneThreadWorld(ground=world.ground, executor=False) as client:
        view = client.trigger(Build, "nginx").future.wait()

    assert of(view) == ("stopped", "success")


def test_two_worlds_in_one_process_do_not_meet(world: OneThreadWorld) -> None:
    """E-105: neither sees plans, hosts or time of the other."""
    with OneThreadWorld() as other:
        mine, others = world.trigger(Approve).plan_id, other.trigger(Release, ["web1"], "nginx").plan_id
        world.drain()
        world.advance(60)

        assert world.hosts.asked() == []
        with pytest.raises(PlanNotFoundError):
            world.stored.plan(others)
        other.drain()

        assert other.stored.plan(others).state == "stopped"
        assert world.stored.plan(mine).state == "running"
        assert world.clock.now() != other.clock.now()
        world.command(mine, CommandKind.CANCEL, {}, actor="bob", wait=timedelta(seconds=1))
        world.drain()


@pytest.mark.parametrize("seed", range(5))
def test_a_seed_is_an_interleaving(seed: int) -> None:
    def outcome() -> tuple[Any, ...]:
        with OneThreadWorld(order=Random(seed)) as world:
            plan = world.run(Release, ["web1", "web2", "web3"], package="nginx")
            return of(plan), world.stored.states(plan.id), world.hosts.asked(), world.drain()

    assert outcome() == outcome()
    assert outcome()[0] == ("stopped", "warning")
