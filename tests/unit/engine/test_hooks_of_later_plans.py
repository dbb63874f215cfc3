"""Hooks of plans that are stored first and planned later: as of those that are planned at once."""

import pytest

from mcoflow.action import Action, plan_hook
from mcoflow.domain.recurrence import Recurrence
from mcoflow.domain.view import PlanView
from tests.unit.engine.house import House
from tests.unit.engine.play import Do
from tests.waiting import until

STATES = ["pending", "scheduled", "planning", "planned", "running", "stopped"]
told: list[tuple[str, bool, str]] = []


@pytest.fixture(autouse=True)
def _nothing_told() -> None:
    told.clear()


class Noting(Action):
    """Notes each state."""

    name = "later.noting"

    @plan_hook()
    def note(self, plan: PlanView) -> None:
        told.append((self.name, self.is_root, plan.state.value))


class Inner(Noting, Do):
    """Nested."""

    name = "later.inner"


class Plain(Action):
    """A root without hooks."""

    name = "later.plain"

    def plan(self) -> None:
        self.plan_action(Inner, name="a")


class Outer(Noting):
    """A root with a hook."""

    name = "later.outer"

    def plan(self) -> None:
        self.plan_action(Inner, name="a")


def heard(house: House, action: type[Action]) -> list[str]:
    def stopped() -> bool:
        return any(name == action.name and state == "stopped" for name, _, state in told)

    until(stopped, f"{action.name} hears of the end; so far {told}")
    until(lambda: house.count("hooks") == 0, "all hooks were called")
    return [state for name, _, state in told if name == action.name]


def test_nested_hooks_of_a_plan_that_is_planned_elsewhere_are_called(house: House) -> None:
    """E-079, E-081: planning finds them, after the plan was stored without them."""
    house.world.plan_elsewhere(Plain)

    assert heard(house, Inner)[-2:] == ["running", "stopped"]
    assert not any(is_root for _, is_root, _ in told)


def test_hooks_of_the_root_and_of_a_nested_action_are_called(house: House) -> None:
    """E-078, E-081: both, of one plan that was delayed."""
    house.world.plan_elsewhere(Outer)

    assert heard(house, Outer) == STATES
    assert heard(house, Inner)[-2:] == ["running", "stopped"]


def test_the_hooks_of_a_recurrence_are_called_for_each_of_its_plans(house: House) -> None:
    """E-078, E-081: every state, as of a plan that is delayed."""
    house.world.recur(Recurrence("0 * * * *"), Outer)
    house.advance(3600.0)

    assert heard(house, Outer) == STATES
    assert heard(house, Inner)[-2:] == ["running", "stopped"]
