"""E-099: dead at every fault point, thrice each, and again while the next executor takes over."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import pytest

from mcoflow.action import Action, Event
from mcoflow.domain.requests import CommandKind
from mcoflow.domain.states import PlanResult, PlanState
from mcoflow.errors import WaitTimeoutError
from mcoflow.testing import OneThreadWorld, only
from mcoflow.testing.hosts import accepted, result
from mcoflow.testing.leftovers import leftovers
from mcoflow.testing.world import NotReachedError
from tests.crash import points
from tests.unit.testing.actions import Approve, Install
from tests.unit.testing.trees import Tree, furnish

TREE = ["S", [["do", "well"], ["host", "good"], ["nap", 1], ["C", [["host", "echo"], ["do", "well"]]]]]
ELSEWHERE = ("reconciler.mid",)
"""Only a process can prove that another one is dead."""
NO_EXECUTOR = (points.MIGRATION, points.CLEANING)


class Doze(Action):
    """Sleeps until nothing came for long enough."""

    name = "points.doze"
    rerunnable = True

    def run(self, event: Event | None) -> None:
        if event is None:
            self.suspend(patience=timedelta(seconds=30))


Stir = Callable[[OneThreadWorld], None]


def submit(world: OneThreadWorld) -> None:
    """Have work that is planned and run at once."""
    for _ in range(3):
        world.trigger(Tree, TREE)
        world.drain()
        world.advance(1)


def schedule(world: OneThreadWorld) -> None:
    """Have work that an executor plans."""
    for _ in range(3):
        world.plan_elsewhere(Tree, TREE)
        world.drain()


def wait(world: OneThreadWorld) -> None:
    """Have a deadline pass."""
    for _ in range(3):
        world.trigger(Doze)
        world.drain()
        world.advance(60)


def discover(world: OneThreadWorld) -> None:
    """Have hosts asked, and something else to do."""
    for _ in range(3):
        world.trigger(Tree, TREE)
        world.discoveries.ask("all")
        world.drain()
        world.advance(3)


def take_over(world: OneThreadWorld) -> None:
    """Leave work under way, die, and have it taken over."""
    for _ in range(3):
        world.trigger(Install, host="slow", package="nginx")
        world.drain()
        world.crash()
        world.restart().drain()


def cancel(world: OneThreadWorld) -> None:
    """Have people stop what waits for them."""
    for _ in range(3):
        made = world.trigger(Approve)
        world.drain()
        with suppress(WaitTimeoutError):
            world.command(made.plan_id, CommandKind.CANCEL, {}, actor="bob", wait=timedelta(seconds=1))


STIRRED: dict[str, Stir] = {
    **dict.fromkeys((*points.SUBMITTING, *points.RUNNING), submit),
    **dict.fromkeys(points.PLANNING_LATER, schedule),
    "timer.fired": wait,
    **{point: take_over for point in points.TAKING_OVER if point not in ELSEWHERE},
    **dict.fromkeys(points.DISCOVERING, discover),
    points.COMMAND: cancel,
}


def test_every_point_of_executors_is_stirred() -> None:
    assert STIRRED.keys() == {*points.SERVER} - {*ELSEWHERE, *NO_EXECUTOR}


@pytest.mark.parametrize("point", STIRRED)
def test_every_plan_ends_in_one_state_whatever_point_kills_thrice(point: str) -> None:
    """E-099, I-1, I-2, I-12: the hit is the first, the second, the third; recovery is killed too."""
    with OneThreadWorld() as world:
        furnish(world.ground)
        world.hosts.answers["slow"] = only(accepted())
        ended: dict[UUID, tuple[PlanState, PlanResult]] = {}
        for hit in (1, 2, 3):
            with world.crash_at(point, hit=hit):
                STIRRED[point](world)
            with suppress(NotReachedError), world.crash_at(point):
                world.restart().drain()
            with suppress(NotReachedError), world.crash_at("recovery.plan_taken"):
                world.restart().drain()
            world.restart().drain()
            note_ends(world, ended)
        STIRRED[point](world)
        for asked in list(world.hosts.requests):
            if asked.host == "slow":
                world.hosts.say(result(), about=asked)
        world.advance(4 * 3600)
        note_ends(world, ended)

        assert len(ended) >= 3
        assert {state for state, _ in ended.values()} == {PlanState.STOPPED}, ended
        assert set(world.hosts.effects.values()) <= {1}
        assert leftovers(world) == {}
        assert world.store.waiting_discoveries() == []
        assert world.ground.broker.unsettled() == []


def note_ends(world: OneThreadWorld, ended: dict[UUID, tuple[PlanState, PlanResult]]) -> None:
    """See that what was over stays as it was."""
    for plan_id in world.stored.ids():
        plan = world.stored.plan(plan_id)
        if plan.state in (PlanState.STOPPED, PlanState.PAUSED):
            shown = (plan.state, plan.result)
            assert ended.setdefault(plan_id, shown) == shown
