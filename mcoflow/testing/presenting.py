"""Actions in present form, as they would be shown after what was rehearsed so far."""

from __future__ import annotations

from typing import TypeVar, cast

from mcoflow.action.base import Action
from mcoflow.action.presentation import Presentation, StoredAction
from mcoflow.domain.states import StepState
from mcoflow.testing.factories import PlannedAction, RunAction

A = TypeVar("A", bound=Action)


def present_action(earlier: PlannedAction[A] | RunAction[A]) -> A:
    """Return an action that was planned, or run, in present form, to ask what it says of itself.

    What it planned is there too, with the outputs of those that were run. Middleware that hides something
    has hidden it.
    """
    planned = earlier.planned if isinstance(earlier, RunAction) else earlier
    outputs = planned.rehearsal.outputs
    states = dict.fromkeys(outputs, StepState.SUCCESS)
    if isinstance(earlier, RunAction):
        states[planned.action.id] = earlier.state
    stored = [
        StoredAction(
            each.id,
            each.name,
            each.parent_id,
            states.get(each.id, StepState.PENDING),
            each.input,
            outputs.get(each.id, "{}"),
        )
        for each in planned.plan.actions
    ]
    return cast("A", Presentation(planned.action.plan_id, stored).action(planned.action.id))
