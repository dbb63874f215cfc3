"""B-059: the numbers of the hosts of a task add up, however far it is and however it ended."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcoflow.domain.records import PlanRecord
from mcoflow.domain.requests import CommandKind
from mcoflow.domain.rollout import Rollout, RolloutRecord, Share, Tally
from mcoflow.domain.standing import Standing
from mcoflow.domain.states import PlanState
from mcoflow.services.fleet import Fleet, _heard, _rest
from mcoflow.services.present import plan_view
from mcoflow.services.rollouts import census_of, rollouts_of
from mcoflow.testing import OneThreadWorld
from mcoflow.testing.hosts import accepted, late, ok, only, progress
from tests.unit.engine.test_waves import MINUTE, command, start

SOME = st.integers(0, 50)


@pytest.fixture
def world() -> Iterator[OneThreadWorld]:
    with OneThreadWorld() as made:
        made.hosts.default = late(MINUTE, ok())
        yield made


def adds_up(line: str) -> bool:
    expected, *others = map(int, re.findall(r"\d+", line))
    return expected == sum(others)


def told(world: OneThreadWorld, plan_id: UUID) -> tuple[str, str]:
    """The line of the task, and that of its hosts."""
    plan = world.stored.plan(plan_id)
    view = plan_view(plan, (), world.clock.now().timestamp())
    (rollout,) = view.rollouts
    fleet = Fleet(world.store, world.clock).show(view)
    assert adds_up(rollout.census)
    assert adds_up(fleet.census)
    return rollout.census, fleet.census


@given(st.lists(SOME, min_size=5, max_size=5), st.data(), st.sampled_from(list(PlanState)))
def test_the_line_of_any_rollout_adds_up(numbers: list[int], data: st.DataObject, state: PlanState) -> None:
    """B-059: expected = answered + offline + silent, and the rest by name."""
    under_way, *ended = numbers
    answered = data.draw(st.integers(0, sum(ended)))
    offline = data.draw(st.integers(0, sum(ended) - answered))
    silent = data.draw(st.integers(0, sum(ended) - answered - offline))
    hosts = sum(numbers) + data.draw(SOME)
    tally = Tally(hosts, 3, 1, under_way, *ended, answered=answered, offline=offline, silent=silent)
    plan = PlanRecord(uuid4(), "", "ping", state, 1.0, rollout=RolloutRecord((tally,)))

    (view,) = rollouts_of(plan)

    assert adds_up(view.census), view.census


@given(st.dictionaries(st.sampled_from(list(Standing)), st.integers(1, 50)), SOME)
def test_the_line_of_any_hosts_adds_up(counted: dict[Standing, int], away: int) -> None:
    """B-059: also where some of those that are skipped were left out, as they were offline."""
    heard = _heard(counted, away)
    line = census_of(sum(counted.values()), heard, _rest(counted, sum(heard)))

    assert adds_up(line), line


def test_hosts_of_a_running_a_paused_and_a_cancelled_rollout_are_all_told(world: OneThreadWorld) -> None:
    """B-059: those that nobody asked are named as what they are."""
    plan_id = start(
        world,
        Rollout(batch=Share(2)),
        5,
    )
    world.advance(60)
    nobody = "0 offline · 0 silent"
    assert told(world, plan_id) == (f"5 expected · 2 answered · {nobody} · 2 under way · 1 not begun",) * 2

    command(world, plan_id, CommandKind.PAUSE)
    world.advance(60)
    assert world.stored.plan(plan_id).state is PlanState.PAUSED
    assert told(world, plan_id) == (f"5 expected · 4 answered · {nobody} · 1 not begun",) * 2

    command(world, plan_id, CommandKind.CANCEL)
    assert told(world, plan_id) == (f"5 expected · 4 answered · {nobody} · 1 cancelled",) * 2


def test_a_host_that_was_lost_in_a_cancelled_rollout_failed_and_the_others_are_cancelled(
    world: OneThreadWorld,
) -> None:
    """B-059: the task and its hosts tell the same."""
    world.hosts.default = only(accepted(), progress())
    plan_id = start(world, Rollout(batch=Share(1)), 5)
    command(world, plan_id, CommandKind.ABORT)

    plan = world.stored.plan(plan_id)
    assert plan.state is PlanState.STOPPED
    assert told(world, plan_id) == ("5 expected · 0 answered · 0 offline · 1 silent · 4 cancelled",) * 2
    (rollout,) = rollouts_of(plan)
    assert rollout.counts == "1 failed · 4 cancelled"
