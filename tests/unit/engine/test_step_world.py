"""Plans that a step triggers while it runs: the same ones, however often its code is called."""

from typing import Any, ClassVar
from uuid import UUID

import pytest

from mcoflow.action import Action, Caller, Event, UserEvent, WorldHandle
from mcoflow.domain.schedule import Schedule
from mcoflow.domain.states import PlanResult, PlanState, StepState
from mcoflow.engine.handles import PlanningFailed
from mcoflow.engine.world import World
from mcoflow.errors import PhaseError
from tests.unit.engine.house import House
from tests.waiting import until


class Errand(Action):
    def run(self) -> None:
        self.output["did"] = self.input["what"]


class Sender(Action):
    """Triggers two plans, sleeps, triggers a third; `fails` lets it fail once after the two."""

    accepts = (str,)
    rerunnable = True
    fails: ClassVar[list[str]] = []
    hold: ClassVar[bool] = False

    def run(self, event: Event | None) -> None:
        if isinstance(event, UserEvent):
            self.output["third"] = str(self.world.trigger(Errand, what="third").plan_id)
            return
        self.output["sent"] = [str(self.world.trigger(Errand, what=what).plan_id) for what in ("a", "b")]
        if self.fails:
            raise RuntimeError(self.fails.pop())
        self.suspend()


class Later(Action):
    def run(self) -> None:
        self.output["sent"] = [
            str(self.world.plan_elsewhere(Errand, what="elsewhere").plan_id),
            str(self.world.delay(Schedule(frozen=True), Errand, what="later").plan_id),
            str(self.world.plan(Errand, what="planned").plan_id),
        ]


class Hasty(Action):
    def plan(self) -> None:
        self.world.trigger(Errand, what="too early")


def handle_of(world: World) -> WorldHandle:
    """World is what actions have as `self.world`."""
    return world


def test_plans_triggered_in_run_run_and_name_their_caller(house: House) -> None:
    sender = house.trigger(Sender)
    step = house.step_when(sender, StepState.SUSPENDED)
    house.send(sender, step.id, "go on")
    assert house.rest(sender).result is PlanResult.SUCCESS

    output = house.output(sender)
    ids = [UUID(each) for each in (*output["sent"], output["third"])]
    assert len(set(ids)) == 3
    for plan_id, what in zip(ids, ("a", "b", "third"), strict=True):
        plan = house.rest(plan_id)
        assert (plan.result, plan.user, plan.caller_plan_id) == (PlanResult.SUCCESS, "ann", sender)
        assert house.output(plan_id) == {"did": what}
    assert house.count("bells") == 0


def test_a_call_that_is_repeated_finds_the_plans_of_the_first(house: House) -> None:
    """A failed call, resumed; and one whose executor died inside it."""
    Sender.fails.append("once")
    sender = house.trigger(Sender)
    assert house.rest(sender).state is PlanState.PAUSED
    first = house.output(sender)["sent"]

    house.resume(sender)
    step = house.step_when(sender, StepState.SUSPENDED)

    assert house.output(sender)["sent"] == first
    house.restart()
    until(lambda: "terminate execution" in house.history(sender), "taken over")
    house.send(sender, step.id, "go on")
    house.rest(sender)
    assert house.count("plans") == 4


def test_plans_for_later_and_for_others_have_steady_ids_too(house: House) -> None:
    later = house.run(Later)

    elsewhere, delayed, planned = (UUID(each) for each in house.output(later.id)["sent"])
    assert house.rest(elsewhere).result is PlanResult.SUCCESS
    assert house.store.plan(delayed).state is PlanState.SCHEDULED
    assert house.store.plan(planned).state is PlanState.PLANNED
    assert {house.store.plan(each).caller_plan_id for each in (elsewhere, delayed, planned)} == {later.id}


def test_planning_triggers_nothing(house: House) -> None:
    failed = house.world.trigger(Hasty)

    assert isinstance(failed, PlanningFailed)
    assert failed.error.kind == PhaseError.__name__
    assert house.count("plans") == 1


def test_whoever_triggers_a_plan_may_name_the_plan_for_which(house: House) -> None:
    first = house.run(Errand, what="a")

    second = house.world.with_options(caller=Caller(first.id)).trigger(Errand, what="b")

    assert house.rest(second.plan_id).caller_plan_id == first.id


def test_plans_of_a_caller_are_found_by_its_plan_and_action_and_waited_for_by_none(house: House) -> None:
    """E-107: caller_plan_id, caller_action_id; the caller may go before them."""
    first = house.run(Errand, what="a")
    for action_id in (1, 2, None):
        caller = Caller(first.id, action_id)
        made = house.world.with_options(caller=caller).trigger(Errand, what="b")
        assert house.rest(made.plan_id).caller == caller
    made_later = house.world.with_options(caller=Caller(first.id, 2)).delay(Schedule(), Errand, what="c")
    house.rest(made_later.plan_id)

    def found(**where: Any) -> int:
        return house.world.plans.count(where)

    assert found(caller_plan_id=first.id) == 4
    assert found(caller_plan_id=first.id, caller_action_id=2) == 2
    assert found(caller_action_id=[1, 2]) == 3
    assert house.store.counts_by_state(first.id) == {("stopped", "success"): 4}
    house.world.delete(first.id)
    assert found(caller_plan_id=first.id) == 4


def test_a_world_is_a_handle(house: House) -> None:
    triggered = handle_of(house.world).trigger(Errand, what="a")

    assert house.rest(triggered.plan_id).result is PlanResult.SUCCESS


@pytest.fixture(autouse=True)
def _nothing_fails() -> None:
    Sender.fails.clear()
