"""Scheduled plans in a world of one thread."""

from datetime import timedelta

import pytest

from mcoflow.action import Action
from mcoflow.domain.recurrence import Recurrence
from mcoflow.domain.schedule import Schedule
from mcoflow.domain.states import PlanResult, PlanState
from mcoflow.testing import OneThreadWorld

HOUR = timedelta(hours=1)
planned: list[str] = []


class Work(Action):
    """Says that it was planned, and runs."""

    name = "testing.schedules.work"
    title = "Work"

    def plan(self, what: str) -> None:
        planned.append(what)
        self.plan_self(what=what)

    def run(self) -> None:
        self.output["done"] = self.input["what"]


@pytest.fixture(autouse=True)
def _nothing_planned() -> None:
    planned.clear()


@pytest.mark.parametrize("point", ["schedule.claimed", "planner.mid", "director.before_commit"])
def test_a_scheduled_plan_is_planned_again_after_a_crash(point: str) -> None:
    """E-014: once; nothing of the first attempt was stored."""
    with OneThreadWorld() as world:
        scheduled = world.plan_elsewhere(Work, "a")
        with world.crash_at(point):
            world.drain()
        world.restart()
        world.drain()

        plan = world.stored.plan(scheduled.plan_id)
        assert (plan.state, plan.result) == (PlanState.STOPPED, PlanResult.SUCCESS)
        assert len(world.store.whole(plan.id).actions) == 1
        assert world.store.schedules([plan.id]) == []


def test_time_brings_scheduled_plans_and_recurrences_at_their_own_times() -> None:
    """E-112: as in the world with threads."""
    with OneThreadWorld() as world:
        later = world.delay(Schedule(world.clock.now() + 2 * HOUR), Work, "later")
        world.recur(Recurrence("30 * * * *"), Work, "hourly")

        world.advance(3 * 3600)

        assert planned == ["hourly", "hourly", "later", "hourly"]
        assert world.stored.plan(later.plan_id).result is PlanResult.SUCCESS
        assert world.stored.plan(later.plan_id).started_at == (world.clock.now() - HOUR).timestamp()
