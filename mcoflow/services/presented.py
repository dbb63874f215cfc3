"""Input and output as actions present them: with middleware that hides things, and in their own words."""

from mcoflow.action.base import Action
from mcoflow.action.chain import BARE
from mcoflow.action.presentation import Presentation, StoredAction
from mcoflow.action.registry import REGISTERED
from mcoflow.domain.records import JsonObject
from mcoflow.domain.states import StepState
from mcoflow.errors import UnknownActionError
from mcoflow.ports.store import PlanWhole


def presents_itself(action: str) -> bool:
    """Whether the class of an action changes how it is shown; the plan has to be read whole for it."""
    try:
        kind = REGISTERED.find(action)
    except UnknownActionError:
        return False
    return kind.humanized_output is not Action.humanized_output or BARE.of(kind).has("present")


def presentation_of(whole: PlanWhole) -> Presentation:
    """Return the actions of a plan in present form."""
    states = {step.id: step.state for step in whole.snapshot.steps}
    return Presentation(
        whole.snapshot.plan.id,
        [
            StoredAction(
                action["id"],
                action["name"],
                action["parent_id"],
                states.get(action["run_step_id"] or action["finalize_step_id"], StepState.SUCCESS),
                action["input"],
                action["output"],
            )
            for action in whole.actions
        ],
    )


def told_output(presentation: Presentation, action_id: int) -> JsonObject:
    """Return what an action says came of it, as an object."""
    told = presentation.output(action_id)
    return told if isinstance(told, dict) else {"result": told}
