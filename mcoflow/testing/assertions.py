"""Assertions about plans whose failures say what was expected, what was found, and what came nearest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mcoflow.action.base import Action
from mcoflow.domain.records import PlanDraft, PlanRecord
from mcoflow.domain.states import PlanResult, PlanState
from mcoflow.domain.view import PlanView
from mcoflow.testing.factories import PlannedAction
from mcoflow.testing.stubs import Stub

Planned = PlannedAction[Any]


def assert_planned(parent: Planned, action: type[Action], /, *args: Any, **named: Any) -> Planned:
    """Assert that the parent planned the action with exactly these arguments, and return the first such.

    Without any arguments, every call of the action will do.
    """
    matching = _matching(parent, action, args, named)
    if not matching:
        _fail(
            f"{parent.of.__name__} did not plan it",
            _shown(action, args, named),
            [_shown(child.of, child.args, child.named) for child in parent.children],
            _nearest_call(parent, action, args, named),
        )
    return matching[0]


def assert_not_planned(parent: Planned, action: type[Action], /, *args: Any, **named: Any) -> None:
    """Assert that the parent planned no such call; without any arguments, no call of the action at all."""
    matching = _matching(parent, action, args, named)
    if matching:
        found = [_shown(child.of, child.args, child.named) for child in matching]
        _fail(f"{parent.of.__name__} planned it", f"no {_shown(action, args, named)}", found, found[0])


def assert_run_planned(planned: Planned, input: Mapping[str, Any] | None = None) -> None:  # noqa: A002 - the specification's word
    """Assert that the action planned a run step, with exactly this input if one is given."""
    name = planned.of.__name__
    if planned.run_step is None:
        _fail(f"{name} planned no run step", f"run with {input or 'any input'}", _steps(planned), "")
    if input is not None and planned.input != dict(input):
        found = [repr(planned.input)]
        _fail(f"{name} runs with another input", repr(dict(input)), found, _difference(input, planned.input))


def assert_no_run_planned(planned: Planned) -> None:
    """Assert that the action planned no run step."""
    if planned.run_step is not None:
        _fail(f"{planned.of.__name__} runs", "no run step", _steps(planned), f"input {planned.input}")


def assert_finalize_planned(planned: Planned) -> None:
    """Assert that the action planned a finalize step."""
    if planned.finalize_step is None:
        _fail(f"{planned.of.__name__} planned no finalize step", "a finalize step", _steps(planned), "")


def assert_waits_for(plan: Planned | PlanDraft, step: Planned | int, steps: Iterable[Planned | int]) -> None:
    """Assert that a step starts after exactly these, gates aside. A planned action means its run step."""
    draft = plan if isinstance(plan, PlanDraft) else plan.plan
    wanted = sorted(_step_id(each) for each in steps)
    found = _needs(draft, _step_id(step))
    if wanted != found:
        _fail(
            f"step {_named(draft, _step_id(step))} waits for others",
            _names(draft, wanted),
            [_names(draft, found)],
            f"missing: {_names(draft, set(wanted) - set(found))}; "
            f"too many: {_names(draft, set(found) - set(wanted))}",
        )


def assert_state(plan: PlanRecord | PlanView, state: str, result: str | None = None) -> None:
    """Assert where a plan stands, and with which result if one is given."""
    wanted = (PlanState(state), PlanResult(result) if result is not None else plan.result)
    if (plan.state, plan.result) != wanted:
        counts = ", ".join(f"{count} {name}" for name, count in plan.counts.items()) or "none"
        _fail(
            f"the plan {plan.label} ({plan.id}) stands elsewhere",
            "/".join(filter(None, (state, result))),
            [f"{plan.state}/{plan.result}"],
            f"its steps: {counts}; {plan.explanation or 'it explains nothing'}",
        )


# -- words -------------------------------------------------------------------------------------------------


def _fail(what: str, expected: str, found: Sequence[str], nearest: str) -> None:
    lines = "\n          ".join(found) or "nothing"
    raise AssertionError(f"{what}\nexpected: {expected}\nfound:    {lines}\nnearest:  {nearest or 'nothing'}")


def _matching(
    parent: Planned, action: type[Action], args: tuple[Any, ...], named: Mapping[str, Any]
) -> list[Planned]:
    calls = [child for child in parent.children if child.of is action]
    if not args and not named:
        return calls
    return [child for child in calls if _plain((child.args, child.named)) == _plain((args, dict(named)))]


def _nearest_call(
    parent: Planned, action: type[Action], args: tuple[Any, ...], named: Mapping[str, Any]
) -> str:
    wanted = _arguments(args, named)

    def distance(child: Planned) -> tuple[bool, int]:
        found = _arguments(child.args, child.named)
        return child.of is not action, len(_unlike(wanted, found))

    if not parent.children:
        return ""
    nearest = min(parent.children, key=distance)
    shown = _shown(nearest.of, nearest.args, nearest.named)
    return f"{shown}: {_difference(wanted, _arguments(nearest.args, nearest.named))}"


def _arguments(args: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
    return {**{f"argument {number}": value for number, value in enumerate(args, 1)}, **named}


def _unlike(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    keys = [*wanted, *(key for key in found if key not in wanted)]
    return [key for key in keys if key not in wanted or key not in found or wanted[key] != found[key]]


def _difference(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    told = []
    for key in _unlike(wanted, found):
        if key not in found:
            told.append(f"{key} is missing")
        elif key not in wanted:
            told.append(f"{key} is there too, {found[key]!r}")
        else:
            told.append(f"{key} is {found[key]!r}, not {wanted[key]!r}")
    return "; ".join(told) or "another action"


def _shown(action: type[Action], args: Sequence[Any], named: Mapping[str, Any]) -> str:
    parts = [*map(_value, args), *(f"{key}={_value(value)}" for key, value in named.items())]
    return f"{action.__name__}({', '.join(parts)})"


def _value(value: Any) -> str:
    return str(value.output) if isinstance(value, Stub) else repr(value)


def _plain(value: Any) -> Any:
    """Lists and tuples alike: an author may write either."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _steps(planned: Planned) -> list[str]:
    made = {"run": planned.run_step, "finalize": planned.finalize_step}
    return [f"{phase} step {number}" for phase, number in made.items() if number is not None]


# -- steps -------------------------------------------------------------------------------------------------


def _step_id(step: Planned | int) -> int:
    if isinstance(step, int):
        return step
    assert step.run_step is not None, f"{step.of.__name__} has no run step to wait for"
    return step.run_step


def _needs(draft: PlanDraft, step_id: int) -> list[int]:
    """The steps that a step waits for, through gates."""
    found: set[int] = set()
    nodes = list(draft.graph.needs.get(step_id, ()))
    for node in nodes:
        if node > 0:
            found.add(node)
        else:
            nodes += draft.graph.needs[node]
    return sorted(found)


def _named(draft: PlanDraft, step_id: int) -> str:
    actions = {step.id: step.action for step in draft.steps}
    return f"{step_id} ({actions.get(step_id, 'not in this plan')})"


def _names(draft: PlanDraft, step_ids: Iterable[int]) -> str:
    return ", ".join(_named(draft, each) for each in sorted(step_ids)) or "none"
