"""Scheduled plans together with middleware and locks."""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from mcoflow.action import Action, Lock, Middleware, Middlewares, Singleton
from mcoflow.domain.schedule import Schedule
from mcoflow.domain.states import PlanResult, PlanState
from tests.unit.engine.house import House
from tests.unit.engine.play import play


class Tenant(Middleware):
    """Adds to the arguments, and to the input."""

    def delay(self, action: Action, proceed: Callable[..., None], /, *args: Any, **kwargs: Any) -> None:
        action.input["tenant"] = "acme"
        proceed(*args, **{**kwargs, "size": kwargs["size"] + 1})


class Tagged(Action):
    """Runs with what its middleware wrote."""

    name = "schedules.tagged"
    title = "Tagged"
    middleware: ClassVar[Middlewares] = Middlewares().use(Tenant)

    def run(self) -> None:
        play.log.append(f"{self.input['tenant']} {self.input['size']}")


class Alone(Singleton):
    """Holds a lock while it runs."""

    name = "schedules.alone"
    title = "Alone"

    def locks(self) -> Iterable[Lock]:
        return [Lock("alone", conflict=self.input.get("conflict", "fail"))]

    def run(self) -> None:
        play.perform(self, self.input["who"])


def test_what_a_middleware_changes_in_the_delay_phase_is_there_in_plan(house: House) -> None:
    """E-084: arguments and input."""
    scheduled = house.world.delay(Schedule(), Tagged, size=1)

    assert house.rest(scheduled.plan_id).result is PlanResult.SUCCESS
    assert play.log == ["acme 2"]


def test_a_scheduled_plan_takes_its_locks_when_it_is_planned(house: House) -> None:
    """E-074: one that does not wait is stopped, naming lock and holder."""
    held = play.hold("first")
    first = house.world.plan_elsewhere(Alone, who="first")
    play.wait_inside("first")

    second = house.rest(house.world.plan_elsewhere(Alone, who="second").plan_id)

    assert (second.state, second.result) == (PlanState.STOPPED, PlanResult.ERROR)
    assert "alone" in second.explanation
    assert str(first.plan_id) in second.explanation
    held.set()
    assert house.rest(first.plan_id).result is PlanResult.SUCCESS
    assert house.rest(house.world.plan_elsewhere(Alone, who="third").plan_id).result is PlanResult.SUCCESS


def test_a_scheduled_plan_waits_for_its_lock_once_it_is_planned(house: House) -> None:
    """E-074: with `wait` it runs after the holder."""
    held = play.hold("first")
    first = house.world.plan_elsewhere(Alone, who="first")
    play.wait_inside("first")
    second = house.world.plan_elsewhere(Alone, who="second", conflict="wait").plan_id
    house.plan_when(second, lambda plan: plan.state is PlanState.PLANNED)
    held.set()

    assert house.rest(second).result is PlanResult.SUCCESS
    assert house.rest(first.plan_id).result is PlanResult.SUCCESS
    assert play.log == ["first", "second"]
    assert house.count("schedules") == 0
