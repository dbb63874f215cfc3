"""B-060: where rollouts meet the rest: outsiders, skips, rescue, reverts, retries, locks, crashes."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from mcoflow.action import Action
from mcoflow.domain.records import PlanRecord
from mcoflow.domain.requests import CommandKind, HostRecord
from mcoflow.domain.rollout import Offline, Rollout, Share, Tally
from mcoflow.domain.states import PlanResult, PlanState
from mcoflow.services.rollouts import rollouts_of
from mcoflow.testing import OneThreadWorld
from mcoflow.testing.hosts import error, late, ok
from tests.unit.engine.rollouts import (
    BROKEN,
    LOG,
    MINUTE,
    Alone,
    Beside,
    FirstNeeds,
    Many,
    Nothings,
    Persistent,
    RoundAbout,
    Skippable,
    TwoRounds,
    Undoable,
)
from tests.unit.testing.actions import Install

STOPPED_WELL = (PlanState.STOPPED, PlanResult.SUCCESS)


@pytest.fixture
def world() -> Iterator[OneThreadWorld]:
    LOG.clear()
    BROKEN.clear()
    with OneThreadWorld() as made:
        made.hosts.default = late(MINUTE, ok())
        yield made


def start(world: OneThreadWorld, action: type[Action], *args: Any, minutes: int = 0) -> UUID:
    plan_id = world.trigger(action, *args).plan_id
    world.drain()
    for _ in range(minutes):
        world.advance(60)
    return plan_id


def many(world: OneThreadWorld, kind: type[Action], hosts: int, how: Rollout) -> PlanRecord:
    return world.stored.plan(start(world, Many, kind.__name__, hosts, how.as_json()))


def tell(world: OneThreadWorld, plan_id: UUID, kind: CommandKind, **arguments: Any) -> PlanRecord:
    world.command(plan_id, kind, arguments, actor="bob", wait=timedelta(seconds=1))
    world.drain()
    return world.stored.plan(plan_id)


def came(plan: PlanRecord) -> tuple[PlanState, PlanResult]:
    return plan.state, plan.result


def tally(plan: PlanRecord, number: int = 0) -> Tally:
    assert plan.rollout is not None
    return plan.rollout.tallies[number]


def online(world: OneThreadWorld, *hosts: str) -> None:
    now = world.clock.now().timestamp()
    world.store.save_hosts([HostRecord(host, state="up", first_seen=now, last_seen=now) for host in hosts])


# -- what is not of the rollout ----------------------------------------------------------------------------


@pytest.mark.parametrize("crash", [False, True])
def test_a_host_that_waits_for_something_else_is_counted_once(world: OneThreadWorld, *, crash: bool) -> None:
    """Its wave has not ended before, whoever runs the plan."""
    plan_id = start(world, Beside, minutes=5)
    if crash:
        world.crash()
        world.restart()
        world.drain()
    assert [each.host for each in world.hosts.requests if each.host == "web2"] == []

    for _ in range(8):
        world.advance(60)

    plan = world.stored.plan(plan_id)
    assert came(plan) == STOPPED_WELL
    assert (tally(plan).ok, tally(plan).under_way, tally(plan).not_begun) == (2, 0, 0)


def test_a_plan_pauses_if_a_host_waits_for_what_has_failed(world: OneThreadWorld) -> None:
    """E-019: nothing hangs because the next wave cannot begin; a resume goes on."""
    BROKEN.add("beside")
    plan_id = start(world, FirstNeeds)

    assert came(world.stored.plan(plan_id)) == (PlanState.PAUSED, PlanResult.ERROR)
    assert ("run", "second") not in LOG

    BROKEN.clear()
    assert came(tell(world, plan_id, CommandKind.RESUME)) == STOPPED_WELL


def test_hosts_must_not_wait_for_each_other_round_about_either(world: OneThreadWorld) -> None:
    plan = world.stored.plan(start(world, RoundAbout))

    assert "must not wait for each other" in plan.explanation
    assert LOG == []


def test_hosts_with_nothing_to_do_hold_nobody_up(world: OneThreadWorld) -> None:
    plan = world.stored.plan(start(world, Nothings, minutes=5))

    assert came(plan) == STOPPED_WELL
    assert tally(plan).ok == 3


# -- hosts that are left out -------------------------------------------------------------------------------


def test_what_reads_of_a_host_that_was_left_out_is_skipped_too(world: OneThreadWorld) -> None:
    """E-045: its finalize, readers in another rollout; who can do without gets its alternative."""
    online(world, "web2")
    world.hosts.answers["web2"] = ok(version="1.2")

    plan = world.stored.plan(start(world, TwoRounds, ["web1", "web2", "web3"]))

    assert came(plan) == (PlanState.STOPPED, PlanResult.WARNING)
    assert [each for each in LOG if each[0] != "finalize"] == [
        ("run", "web2"),
        ("read", ["none", "1.2", "none"]),
    ]
    assert [each for each in LOG if each[0] == "finalize"] == [("finalize", "web2"), ("finalize", "web2")]
    assert (tally(plan).skipped, tally(plan, 1).skipped, tally(plan, 1).ok) == (2, 2, 1)


def test_a_canary_that_was_left_out_is_no_reason_to_stop_at_the_first_failure(world: OneThreadWorld) -> None:
    online(world, "web2", "web3")
    world.hosts.answers.update({"web2": error(), "web3": ok()})

    class Left(Action):
        name = "among.left"

        def plan(self) -> None:
            with self.rollout(Rollout(canary=1, offline=Offline.SKIP, max_failures=Share(1))):
                for host in ("web1", "web2", "web3"):
                    with self.branch():
                        self.plan_action(Install, host=host, package="nginx")

    plan = world.stored.plan(start(world, Left))

    assert tally(plan).exceeded == ""
    assert (tally(plan).skipped, tally(plan).failed, tally(plan).ok) == (1, 1, 1)


# -- failures ----------------------------------------------------------------------------------------------


def test_failed_hosts_that_rescue_themselves_are_skipped_and_the_rest_goes_on(world: OneThreadWorld) -> None:
    """E-049: the actions are asked once all waves have ended."""
    BROKEN.update({0, 3})
    plan = many(world, Skippable, 6, Rollout(batch=Share(2), max_failures=Share(2)))

    assert came(plan) == (PlanState.STOPPED, PlanResult.WARNING)
    assert (tally(plan).skipped, tally(plan).ok) == (2, 4)


def test_whatever_was_begun_is_undone(world: OneThreadWorld) -> None:
    """E-052: hosts of all waves."""
    BROKEN.add(3)
    plan = many(world, Undoable, 5, Rollout(canary=1, batch=Share(2)))

    assert (plan.state, plan.reverted) == (PlanState.STOPPED, True)
    undone = {number for what, number in LOG if what == "revert"}
    assert undone == {0, 100, 1, 101, 2, 102, 3, 4, 104}


def test_past_the_limit_a_person_decides_and_may_skip_the_failed_host(world: OneThreadWorld) -> None:
    """E-045: then it no longer counts as a failure."""
    BROKEN.add(0)
    plan = many(world, Undoable, 4, Rollout(canary=1, batch=Share(2), max_failures=Share(2)))
    assert (plan.state, tally(plan).exceeded) == (PlanState.PAUSED, "the canary failed")

    tell(world, plan.id, CommandKind.SKIP, step_id=3)
    BROKEN.add(1)
    plan = tell(world, plan.id, CommandKind.RESUME)

    assert ("run", 3) in LOG
    assert (tally(plan).skipped, tally(plan).failed, tally(plan).exceeded) == (1, 1, "")


def test_what_is_told_of_a_paused_rollout_stands_whatever_people_do(world: OneThreadWorld) -> None:
    """B-060: nothing is counted anew before it goes on, though the plan is written."""
    BROKEN.add(0)
    plan = many(world, Undoable, 4, Rollout(canary=1))
    told = tally(plan)
    assert (told.hosts, told.failed, told.exceeded) == (4, 1, "the canary failed")

    assert tally(tell(world, plan.id, CommandKind.PAUSE)) == told
    assert tally(tell(world, plan.id, CommandKind.SKIP, step_id=3)) == told


def test_tries_survive_a_pause_and_a_crash_within_a_turn(world: OneThreadWorld) -> None:
    """E-039: the canary is tried once more, and its wave ends with it."""
    BROKEN.add(0)
    plan = many(world, Persistent, 4, Rollout(canary=1, batch=Share(2)))
    assert tell(world, plan.id, CommandKind.PAUSE).state is PlanState.PAUSED
    world.restart()
    world.drain()

    tell(world, plan.id, CommandKind.RESUME)
    world.crash()
    world.restart()
    world.drain()
    assert ("run", 1) not in LOG

    BROKEN.clear()
    for _ in range(10):
        world.advance(60)
    assert came(world.stored.plan(plan.id)) == STOPPED_WELL


def test_a_paused_rollout_lets_others_have_its_lock(world: OneThreadWorld) -> None:
    """E-075: and takes it again."""
    BROKEN.add(10)
    first, second = start(world, Alone, 10), start(world, Alone, 20)
    world.advance(5)

    assert came(world.stored.plan(first)) == (PlanState.PAUSED, PlanResult.ERROR)
    assert came(world.stored.plan(second)) == STOPPED_WELL

    BROKEN.clear()
    assert came(tell(world, first, CommandKind.RESUME)) == STOPPED_WELL


def test_of_a_halted_rollout_no_host_is_told_to_be_under_way(world: OneThreadWorld) -> None:
    """E-061: what it was at is over, whatever its effect."""
    plan_id = start(world, Beside)
    world.halt(plan_id, reason="the window closed")

    (told,) = rollouts_of(world.stored.plan(plan_id))

    assert told.counts == "1 cancelled · 1 not begun"


def test_an_exceeded_limit_outlives_the_executor(world: OneThreadWorld) -> None:
    """E-095: who was under way ends on the next one, and nobody else begins."""
    world.hosts.answers["web1"] = error()

    class Limited(Action):
        name = "among.limited"

        def plan(self) -> None:
            with self.rollout(Rollout(batch=Share(2), max_failures=Share(0))):
                for host in ("web1", "web2", "web3"):
                    with self.branch():
                        self.plan_action(Install, host=host, package="nginx")

    plan_id = start(world, Limited)
    world.crash()
    world.restart()
    world.drain()
    world.advance(120)

    plan = world.stored.plan(plan_id)
    assert (plan.state, tally(plan).exceeded) == (PlanState.PAUSED, "failure limit of 0 passed")
    assert (tally(plan).ok, tally(plan).failed, tally(plan).not_begun) == (1, 1, 1)
