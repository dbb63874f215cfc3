"""Sub-plans that come to rest when their parent does not count them any more."""

from __future__ import annotations

from collections.abc import Iterable

from mcoflow.action import FOREVER, Action, Event, SubPlan, WithSubPlans
from mcoflow.domain.states import PlanState, StepState
from mcoflow.testing import OneThreadWorld
from mcoflow.testing.leftovers import leftovers


class Late(Action):
    """Fails at first."""

    name = "bells.late"

    def run(self) -> None:
        self.output["tries"] = self.output.get("tries", 0) + 1
        if self.output["tries"] == 1:
            raise RuntimeError("not yet")


class Caller(WithSubPlans):
    name = "bells.caller"

    def total_count(self) -> int:
        return 1

    def sub_plans(self, start: int, size: int) -> Iterable[SubPlan]:
        return [SubPlan(Late)]


class Patient(Action):
    name = "bells.patient"

    def run(self, event: Event | None) -> None:
        if event is None:
            self.suspend(patience=FOREVER)


class Both(Action):
    name = "bells.both"

    def plan(self) -> None:
        self.plan_action(Caller)
        self.plan_action(Patient)


def test_a_bell_that_nobody_counts_goes_with_the_rest_of_its_plan() -> None:
    """I-12: the step that called has failed, another one goes on, and a sub-plan ends well after all."""
    with OneThreadWorld() as world:
        parent = world.trigger(Both).plan_id
        world.drain()
        world.advance(20)
        assert world.stored.step(parent, Caller).state is StepState.ERROR
        (child,) = set(world.stored.ids()) - {parent}
        world.resume(child)
        world.drain()
        assert world.stored.plan(child).state is PlanState.STOPPED
        assert world.stored.count("bells") == 1

        world.abort(parent)
        world.drain()

        assert world.stored.plan(parent).state is PlanState.STOPPED
        assert "bell" not in leftovers(world)
