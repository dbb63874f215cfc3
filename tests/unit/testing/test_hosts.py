"""Hosts that do as a test says, and what they executed."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from mcoflow.domain.outcome import Outcome
from mcoflow.testing import (
    FakeHosts,
    OneThreadWorld,
    error,
    late,
    ok,
    out_of_order,
    restart_amid,
    silence,
    twice,
)
from mcoflow.testing.hosts import Answer
from tests.unit.testing.actions import Ask, Install, Release, of

HOUR = timedelta(hours=1)


def installed(world: OneThreadWorld, answer: Answer) -> tuple[str, Outcome | None, int]:
    """Let web1 answer so; return the plan's result, the outcome and how often it was executed."""
    world.hosts.answers["web1 install"] = answer
    plan = world.run(Install, host="web1", package="nginx")
    world.clock.fire_all()
    return (
        world.stored.plan(plan.id).result.value,
        world.stored.step(plan.id).outcome,
        world.hosts.executed("web1"),
    )


@pytest.mark.parametrize(
    ("answer", "result", "outcome", "executed"),
    [
        (ok(version="1"), "success", Outcome.OK, 1),
        (error(4), "error", Outcome.FAILED, 1),
        (silence, "error", Outcome.NOT_PICKED_UP, 0),
        (late(timedelta(minutes=5), ok()), "success", Outcome.OK, 1),
        (late(2 * HOUR, ok()), "error", Outcome.NOT_PICKED_UP, 1),
        (twice(ok()), "success", Outcome.OK, 1),
        (out_of_order(ok()), "success", Outcome.OK, 1),
        (restart_amid(ok()), "error", Outcome.INTERRUPTED, 1),
        (restart_amid(ok(), idempotent=True), "success", Outcome.OK, 2),
    ],
)
def test_a_host_answers_as_told(
    world: OneThreadWorld, answer: Answer, result: str, outcome: Outcome, executed: int
) -> None:
    """I-2, I-3: and the effects log has what it executed."""
    assert installed(world, answer) == (result, outcome, executed)


def test_hosts_and_operations_are_told_apart(world: OneThreadWorld) -> None:
    world.hosts.answers = {"web2": error(), "web3 install": ok(version="3")}

    plan = world.run(Release, ["web1", "web2", "web3"], package="nginx")

    assert of(plan) == ("paused", "error")
    assert [world.hosts.executed(host) for host in ("web1", "web2", "web3")] == [1, 1, 1]
    assert (world.hosts.executed(operation="install"), world.hosts.executed(operation="restart")) == (3, 0)
    assert world.hosts.asked() == ["install nginx"] * 3


def test_an_unknown_host_has_no_queue(world: OneThreadWorld) -> None:
    world.hosts.unknown.add("web1")

    assert installed(world, ok()) == ("error", Outcome.NO_SUCH_HOST, 0)


def test_what_is_late_is_a_pending_timer(world: OneThreadWorld) -> None:
    world.hosts.default = late(timedelta(minutes=5), ok(version="7"))
    plan = world.run(Ask, host="web1", package="nginx")

    assert [timer.what for timer in world.clock.pending()][:3] == [
        "accepted from web1",
        "progress from web1",
        "result from web1",
    ]
    world.clock.advance(timedelta(minutes=5))
    assert world.stored.output(plan.id)["version"] == "7"


@pytest.mark.parametrize(
    "point", ["outbox.before_publish", "outbox.after_publish", "reply.received", "reply.committed"]
)
def test_a_request_that_comes_again_is_not_executed_again(world: OneThreadWorld, point: str) -> None:
    """R-003 to R-006, I-2: whatever the server forgets in a crash."""
    with world.crash_at(point):
        world.trigger(Install, host="web1", package="nginx")
        world.drain()
    world.restart().drain()

    (plan_id,) = world.stored.ids()
    assert of(world.stored.plan(plan_id)) == ("stopped", "success")
    assert world.hosts.executed("web1") == 1


def test_late_answers_need_a_clock() -> None:
    with OneThreadWorld() as world:
        hosts = FakeHosts(world.ground.broker)
        hosts.default = late(HOUR, ok())

        trigger: Callable[..., object] = world.trigger
        trigger(Install, host="web1", package="nginx")
        with pytest.raises(ValueError, match="only FakeHosts with a clock"):
            world.drain()
