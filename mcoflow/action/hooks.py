"""Hooks: methods of an action that are called when its plan changes its state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from mcoflow.domain.states import PlanResult, PlanState
from mcoflow.errors import ConfigurationError

if TYPE_CHECKING:
    from mcoflow.action.base import Action

F = TypeVar("F", bound=Callable[..., Any])

EVERY_STATE: Final = frozenset(state.value for state in PlanState)
ENDS: Final = frozenset({"success", "failure"})
_MARK: Final = "_mcoflow_plan_hook"


def plan_hook(*kinds: PlanState | Literal["success", "failure"]) -> Callable[[F], F]:
    """Have a method called, with a PlanView, after the plan of its action has come to one of these states.

    `success` and `failure` are the two ends of a plan that is stopped; error, warning, cancelled and halted
    are failures. Without kinds it is called for every state. It is called at least once, on the queue
    `hooks`, in the order of the states; what it raises is logged and changes nothing.

    Raises:
        ConfigurationError: there is no such state.
    """
    wanted = frozenset(map(str, kinds)) or EVERY_STATE
    unknown = wanted - EVERY_STATE - ENDS
    if unknown:
        known = ", ".join(sorted(EVERY_STATE | ENDS))
        names = ", ".join(sorted(unknown))
        raise ConfigurationError(f"plan_hook: no plan is ever {names}; there are {known}")

    def mark(method: F) -> F:
        setattr(method, _MARK, wanted)
        return method

    return mark


def hooks_of(action: type[Action]) -> Mapping[str, frozenset[str]]:
    """Return the names of a class's hooks, those of its bases first, with what each is called for."""
    found: dict[str, frozenset[str]] = {}
    for each in reversed(action.__mro__):
        marked = {name: getattr(value, _MARK) for name, value in vars(each).items() if hasattr(value, _MARK)}
        found.update(marked)
    return {name: kinds for name, kinds in found.items() if name not in action.without_hooks}


def kinds_of(state: PlanState, result: PlanResult) -> frozenset[str]:
    """What a plan that comes to a state is called for."""
    if state is not PlanState.STOPPED:
        return frozenset({state.value})
    return frozenset({state.value, "success" if result is PlanResult.SUCCESS else "failure"})
