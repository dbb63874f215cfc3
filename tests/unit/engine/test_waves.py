"""B-060: rollouts over many hosts: waves, canaries, waits, limits of failures, pauses."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

import pytest

from mcoflow.action import Action
from mcoflow.domain.records import PlanRecord
from mcoflow.domain.requests import CommandKind, HostRecord
from mcoflow.domain.rollout import Offline, OnExceed, Rollout, Share, Tally
from mcoflow.domain.states import PlanResult, PlanState
from mcoflow.errors import PlanningError
from mcoflow.testing import OneThreadWorld
from mcoflow.testing.hosts import error, late, ok
from mcoflow.wire.messages import RequestBody
from tests.unit.testing.actions import Install

MINUTE = timedelta(minutes=1)


class Roll(Action):
    """Install on each host, then restart there."""

    name = "test.roll"
    how: ClassVar[Rollout] = Rollout()

    def plan(self, hosts: list[str], steps: int = 1) -> None:
        with self.rollout(type(self).how):
            for host in hosts:
                with self.branch(), self.sequence():
                    for number in range(steps):
                        self.plan_action(Install, host=host, package=f"p{number}")


class Entangled(Action):
    """One host waits for another."""

    name = "test.entangled"

    def plan(self) -> None:
        with self.rollout(Rollout(canary=1)):
            with self.branch():
                first = self.plan_action(Install, host="web1", package="nginx")
            with self.branch():
                self.plan_action(Install, host="web2", package="nginx", version=first.output["version"])


class Strayed(Action):
    """A branch of nothing."""

    name = "test.strayed"

    def plan(self) -> None:
        with self.branch():
            self.plan_action(Install, host="web1", package="nginx")


@pytest.fixture
def world() -> Iterator[OneThreadWorld]:
    with OneThreadWorld() as made:
        made.hosts.default = late(MINUTE, ok())
        yield made


def names(count: int) -> list[str]:
    return [f"web{number:02}" for number in range(1, count + 1)]


def start(world: OneThreadWorld, how: Rollout, hosts: int, **more: Any) -> UUID:
    Roll.how = how
    plan_id = world.trigger(Roll, names(hosts), **more).plan_id
    world.drain()
    return plan_id


def asked(world: OneThreadWorld) -> int:
    """How many hosts were asked so far."""
    return len({each.host for each in world.hosts.requests if isinstance(each.body, RequestBody)})


def tally(world: OneThreadWorld, plan_id: UUID) -> Tally:
    record = world.stored.plan(plan_id).rollout
    assert record is not None
    return record.tallies[0]


def asked_after_minutes(world: OneThreadWorld, minutes: int) -> list[int]:
    """How many hosts had been asked after each minute, from now on."""
    seen = [asked(world)]
    for _ in range(minutes):
        world.advance(60)
        seen.append(asked(world))
    return seen


def command(world: OneThreadWorld, plan_id: UUID, kind: CommandKind, **arguments: Any) -> None:
    world.command(plan_id, kind, arguments, actor="bob", wait=timedelta(seconds=1))
    world.drain()


def ended(world: OneThreadWorld, plan_id: UUID) -> PlanRecord:
    for _ in range(60):
        world.advance(60)
    return world.stored.plan(plan_id)


# -- waves -------------------------------------------------------------------------------------------------


def test_a_wave_begins_when_the_one_before_has_ended(world: OneThreadWorld) -> None:
    """B-060: a canary, then portions of all hosts, rounded up."""
    plan_id = start(world, Rollout(canary=1, batch=Share(30, percent=True)), 10)

    assert asked_after_minutes(world, 4) == [1, 4, 7, 10, 10]
    plan = world.stored.plan(plan_id)
    assert (plan.state, plan.result) == (PlanState.STOPPED, PlanResult.SUCCESS)
    told = tally(world, plan_id)
    assert (told.hosts, told.ok, told.answered, told.not_begun, told.wave) == (10, 10, 10, 0, 4)


def test_without_a_word_all_hosts_begin_at_once(world: OneThreadWorld) -> None:
    start(world, Rollout(), 10)

    assert asked(world) == 10


def test_no_more_hosts_at_a_time_than_wanted(world: OneThreadWorld) -> None:
    """B-060: who ends makes room, within the wave."""
    plan_id = start(world, Rollout(concurrency=2, batch=Share(3)), 5)

    assert asked_after_minutes(world, 3) == [2, 3, 5, 5]
    assert ended(world, plan_id).result is PlanResult.SUCCESS


def test_the_steps_of_a_host_follow_each_other_within_its_turn(world: OneThreadWorld) -> None:
    plan_id = start(world, Rollout(concurrency=1), 2, steps=3)

    assert asked_after_minutes(world, 6) == [1, 1, 1, 2, 2, 2, 2]
    assert world.stored.plan(plan_id).result is PlanResult.SUCCESS
    assert world.hosts.executed() == 6


def test_a_wait_between_waves_outlives_a_restart(world: OneThreadWorld) -> None:
    """B-060: it counts from the end of the wave, whoever runs the plan by then."""
    plan_id = start(world, Rollout(batch=Share(1), wait=10 * MINUTE), 3)
    world.advance(60)
    assert tally(world, plan_id).opens_at == world.clock.now().timestamp() + 600

    world.advance(300)
    world.restart()
    world.drain()
    world.advance(240)
    assert asked(world) == 1

    world.advance(60)
    assert asked(world) == 2


def test_a_crash_amid_a_wave_lets_nobody_begin_too_early(world: OneThreadWorld) -> None:
    start(world, Rollout(batch=Share(3), concurrency=2), 9)
    world.advance(30)
    world.crash()
    world.restart()
    world.drain()

    assert asked_after_minutes(world, 5) == [2, 3, 5, 6, 8, 9]
    assert set(world.hosts.effects.values()) == {1}


# -- failures ----------------------------------------------------------------------------------------------


def test_a_failed_canary_stops_it_all(world: OneThreadWorld) -> None:
    """B-060: whatever the limit of failures."""
    world.hosts.answers["web01"] = error(message="no space")
    plan_id = start(world, Rollout(canary=1), 5)

    plan = world.stored.plan(plan_id)
    assert (plan.state, plan.result) == (PlanState.PAUSED, PlanResult.ERROR)
    assert plan.explanation.startswith(
        "the canary failed: 1 of 5 hosts failed, 4 hosts have not begun (web01:"
    )
    assert asked(world) == 1


def test_too_many_failures_pause_the_rollout_and_who_is_under_way_ends(world: OneThreadWorld) -> None:
    """B-060: the third failure where two are borne."""
    for host in ("web01", "web02", "web04"):
        world.hosts.answers[host] = late(MINUTE, error())
    plan_id = start(world, Rollout(max_failures=Share(2), batch=Share(3)), 9)

    assert asked_after_minutes(world, 5) == [3, 6, 6, 6, 6, 6]
    plan = world.stored.plan(plan_id)
    assert plan.state is PlanState.PAUSED
    assert plan.explanation.startswith(
        "failure limit of 2 passed: 3 of 9 hosts failed, 3 hosts have not begun"
    )
    assert (tally(world, plan_id).ok, tally(world, plan_id).failed) == (3, 3)


def test_a_resume_repeats_those_that_failed_and_goes_on(world: OneThreadWorld) -> None:
    """B-060: nobody that succeeded is asked again."""
    world.hosts.answers["web01"] = error()
    plan_id = start(world, Rollout(canary=1, batch=Share(2)), 5)
    del world.hosts.answers["web01"]

    command(world, plan_id, CommandKind.RESUME)

    assert ended(world, plan_id).result is PlanResult.SUCCESS
    times = Counter(each.host for each in world.hosts.requests if isinstance(each.body, RequestBody))
    assert times == {"web01": 2, "web02": 1, "web03": 1, "web04": 1, "web05": 1}


def test_failures_in_percent_are_counted_from_ten_results_on(world: OneThreadWorld) -> None:
    world.hosts.answers["web01"] = error()
    borne = Rollout(max_failures=Share(10, percent=True), concurrency=1)
    assert ended(world, start(world, borne, 20)).explanation == "web01: failed (exit 3): it broke"

    world.hosts.answers["web02"] = error()
    plan = ended(world, start(world, borne, 20))
    assert plan.explanation.startswith(
        "failure limit of 10 % passed: 2 of 20 hosts failed, 10 hosts have not begun"
    )


def test_a_rollout_may_be_over_when_too_many_failed(world: OneThreadWorld) -> None:
    """B-060: on exceed stop: stopped/error, and what was not begun stays so."""
    world.hosts.answers["web01"] = error()
    plan_id = start(world, Rollout(canary=1, on_exceed=OnExceed.STOP), 3)

    plan = world.stored.plan(plan_id)
    assert (plan.state, plan.result) == (PlanState.STOPPED, PlanResult.ERROR)
    assert plan.counts == {"error": 1, "pending": 2}


def test_failures_within_the_limit_hide_no_other_host(world: OneThreadWorld) -> None:
    world.hosts.answers["web02"] = late(MINUTE, error())
    plan_id = start(world, Rollout(batch=Share(2)), 5)

    plan = ended(world, plan_id)

    assert (plan.state, plan.result) == (PlanState.PAUSED, PlanResult.ERROR)
    assert (tally(world, plan_id).ok, tally(world, plan_id).failed) == (4, 1)


# -- people ------------------------------------------------------------------------------------------------


def test_a_pause_after_the_wave_lets_all_of_it_have_its_turn(world: OneThreadWorld) -> None:
    """B-060: and a resume goes on with the next."""
    plan_id = start(world, Rollout(batch=Share(4), concurrency=2), 8)
    command(world, plan_id, CommandKind.PAUSE, after="wave")

    assert asked_after_minutes(world, 5) == [2, 4, 4, 4, 4, 4]
    plan = world.stored.plan(plan_id)
    assert (plan.state, plan.result) == (PlanState.PAUSED, PlanResult.PENDING)
    assert plan.explanation == "paused on request in wave 2 of 2: 4 hosts have not begun"

    command(world, plan_id, CommandKind.RESUME)
    assert ended(world, plan_id).result is PlanResult.SUCCESS


def test_a_pause_lets_nobody_else_begin(world: OneThreadWorld) -> None:
    plan_id = start(world, Rollout(batch=Share(4), concurrency=2), 8)
    command(world, plan_id, CommandKind.PAUSE)

    assert asked_after_minutes(world, 3) == [2, 2, 2, 2]
    assert world.stored.plan(plan_id).state is PlanState.PAUSED


def test_a_cancel_ends_the_wait_between_waves(world: OneThreadWorld) -> None:
    plan_id = start(world, Rollout(batch=Share(1), wait=60 * MINUTE), 3)
    world.advance(120)

    command(world, plan_id, CommandKind.CANCEL)

    plan = world.stored.plan(plan_id)
    assert (plan.state, plan.result) == (PlanState.STOPPED, PlanResult.CANCELLED)
    assert asked(world) == 1
    told = tally(world, plan_id)
    assert (told.ok, told.cancelled, told.not_begun, told.answered) == (1, 2, 0, 1)


# -- hosts that are away -----------------------------------------------------------------------------------


def seen(world: OneThreadWorld, host: str, *, ago: float = 0.0, state: str = "up") -> None:
    now = world.clock.now().timestamp()
    world.store.save_hosts([HostRecord(host, state=state, first_seen=now - ago, last_seen=now - ago)])


def test_hosts_that_are_away_are_left_out_if_wanted(world: OneThreadWorld) -> None:
    """A run with hosts that were not there is never green."""
    seen(world, "web01")
    seen(world, "web02", ago=3600)
    plan_id = start(world, Rollout(offline=Offline.SKIP, batch=Share(1)), 3, steps=2)

    assert asked_after_minutes(world, 2) == [1, 1, 1]
    plan = world.stored.plan(plan_id)
    assert (plan.state, plan.result) == (PlanState.STOPPED, PlanResult.WARNING)
    assert plan.explanation == (
        "web02: left out: offline, last heard of 3720 s ago; web03: left out: never heard of"
    )
    told = tally(world, plan_id)
    assert (told.hosts, told.ok, told.skipped, told.offline, told.answered) == (3, 1, 2, 2, 1)


def test_hosts_that_are_away_fail_at_once_if_wanted(world: OneThreadWorld) -> None:
    seen(world, "web01")
    seen(world, "web02", state="down")
    plan_id = start(world, Rollout(offline=Offline.FAIL), 2)
    world.advance(60)

    plan = world.stored.plan(plan_id)
    assert (plan.state, plan.result) == (PlanState.PAUSED, PlanResult.ERROR)
    assert plan.explanation == "web02: not picked up: offline, last heard of 0 s ago"
    assert tally(world, plan_id).offline == 1


def test_hosts_that_are_away_are_waited_for_unless_said_otherwise(world: OneThreadWorld) -> None:
    seen(world, "web01", ago=3600)
    start(world, Rollout(), 2)

    assert asked(world) == 2


# -- planning ----------------------------------------------------------------------------------------------


def test_hosts_that_take_turns_must_not_wait_for_each_other(world: OneThreadWorld) -> None:
    made = world.trigger(Entangled)

    plan = world.stored.plan(made.plan_id)
    assert plan.result is PlanResult.ERROR
    assert "must not wait for each other" in plan.explanation


def test_a_branch_belongs_into_a_rollout(world: OneThreadWorld) -> None:
    plan = world.stored.plan(world.trigger(Strayed).plan_id)

    assert (
        plan.explanation == "planning failed: branch() is for inside of a rollout(): nothing takes turns here"
    )


def test_an_empty_rollout_is_no_plan_of_anything(world: OneThreadWorld) -> None:
    plan_id = start(world, Rollout(canary=3, batch=Share(2)), 0)

    assert world.stored.plan(plan_id).result is PlanResult.SUCCESS


def test_planning_errors_are_planning_errors() -> None:
    with pytest.raises(PlanningError, match="a wave has one host at least"):
        Rollout(batch=Share(0))
