"""The steps of a task as they are told: all of them, and of tasks that are not large their data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from mcoflow.domain.states import Phase, StepState
from mcoflow.services.views import PlanView, StepView

if TYPE_CHECKING:
    from mcoflow.services.plans import Plans

LARGE: Final = 200
"""Steps above which a task is told in numbers: nobody reads them one by one."""
_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Told:
    """A step with its data; of a large task without."""

    step: StepView
    input: Mapping[str, Any] = field(default_factory=dict)
    output: Mapping[str, Any] = field(default_factory=dict)


def told_to_stop(number: int) -> str:
    """Return how many steps were told to stop, in words; nothing for none."""
    return {0: "", 1: "1 step was told to stop"}.get(number, f"{number} steps were told to stop")


def every_step(plans: "Plans", plan_id: UUID) -> Sequence[StepView]:
    """Return the steps that people know of: not those of planning."""
    found: list[StepView] = []
    while page := plans.steps(plan_id, after=found[-1].id if found else 0, limit=_PAGE):
        found += page
    return [step for step in found if step.phase is not Phase.PLAN]


def steps_to_judge(plans: "Plans", plan: PlanView) -> Sequence[StepView]:
    """Return the steps of a task, none of a large one: its explanation has to do."""
    return every_step(plans, plan.id) if plan.counters.total <= LARGE else ()


def told(plans: "Plans", plan: PlanView) -> Sequence[Told]:
    """Return all steps in order."""
    return _with_data(plans, plan, every_step(plans, plan.id))


def first_told(plans: "Plans", plan: PlanView, most: int) -> Sequence[Told]:
    """Return at most so many steps, those that failed first."""
    steps = sorted(every_step(plans, plan.id), key=lambda step: step.state is not StepState.ERROR)
    return _with_data(plans, plan, steps[:most])


def _with_data(plans: "Plans", plan: PlanView, steps: Sequence[StepView]) -> Sequence[Told]:
    if plan.counters.total > LARGE:
        return [Told(step) for step in steps]
    details = (plans.step(plan.id, step.id) for step in steps)
    return [Told(detail.step, detail.input, detail.output) for detail in details]
