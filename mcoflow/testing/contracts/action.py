"""What every action promises to the engine. A subclass says which action, and with which arguments."""

from __future__ import annotations

import copy
import json
from typing import Any, ClassVar

from mcoflow.action.base import Action
from mcoflow.action.registry import REGISTERED
from mcoflow.testing.factories import PlannedAction, plan_action


class ActionContract:
    """A subclass names the class, and arguments that fit its plan method."""

    action: ClassVar[type[Action]]
    args: ClassVar[tuple[Any, ...]] = ()
    named: ClassVar[dict[str, Any]] = {}

    def planned(self) -> PlannedAction[Any]:
        """Plan the action, with arguments of its own."""
        return plan_action(self.action, *copy.deepcopy(self.args), **copy.deepcopy(self.named))

    def test_its_name_is_stored_for_ever_and_leads_back_to_it(self) -> None:
        assert self.action.name
        assert self.action.name.isprintable()
        assert REGISTERED.find(self.action.name) is self.action

    def test_it_says_what_it_does(self) -> None:
        assert (self.action.__doc__ or "").strip(), f"{self.action.__name__} has no docstring"

    def test_planning_is_repeatable(self) -> None:
        """A scheduled plan is planned again when its planner died: nothing may depend on how often."""
        assert _shape(self.planned()) == _shape(self.planned())

    def test_planning_leaves_its_arguments_as_they_are(self) -> None:
        args, named = copy.deepcopy((self.args, self.named))

        plan_action(self.action, *args, **named)

        assert (args, named) == (self.args, self.named)

    def test_its_arguments_and_its_input_are_plain_data(self) -> None:
        assert json.loads(json.dumps(self.named)) == self.named
        for each in _all(self.planned()):
            assert json.loads(json.dumps(each.input)) == each.input

    def test_it_does_something(self) -> None:
        assert self.planned().plan.graph.needs, f"{self.action.__name__} plans no step at all"


def _all(planned: PlannedAction[Any]) -> list[PlannedAction[Any]]:
    return [planned, *(below for child in planned.children for below in _all(child))]


def _shape(planned: PlannedAction[Any]) -> Any:
    draft = planned.plan
    steps = [(step.id, step.action, step.phase, step.queue, step.host) for step in draft.steps]
    actions = [(action.name, action.parent_id, action.input) for action in draft.actions]
    return steps, actions, dict(draft.graph.needs)
