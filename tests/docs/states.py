"""Writes docs/reference/states.md from the enums and tables of the code: python -m tests.docs.reference"""

import inspect
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

from mcoflow.domain.outcome import Outcome
from mcoflow.domain.states import PLAN_MOVES, STEP_MOVES, Phase, PlanResult, PlanState, StepState
from mcoflow.engine.people import ALLOWED

PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "states.md"
_HEAD: Final = """\
# States, results and outcomes

Where plans and steps stand, and where they may go from there. Any other move is refused before anything is
written. Made from the code by `python -m tests.docs.reference`; a test compares it.

"""
_RESULTS: Final = (
    PlanResult.HALTED,
    PlanResult.CANCELLED,
    PlanResult.ERROR,
    PlanResult.WARNING,
    PlanResult.SUCCESS,
    PlanResult.PENDING,
)


def page() -> str:
    """Return the page."""
    parts = (
        _moves("Plans", PlanState, PLAN_MOVES),
        "What may be asked of a plan, by its state:\n\n" + _allowed(),
        _meanings("Results of plans", PlanResult, _RESULTS, "Whichever holds first, from the top."),
        _moves("Steps", StepState, STEP_MOVES),
        _meanings("Phases of steps", Phase, tuple(Phase), ""),
        _outcomes(),
    )
    return _HEAD + "\n".join(parts)


def _moves(title: str, states: type[StrEnum], table: Mapping[StrEnum, frozenset[StrEnum]]) -> str:
    meanings = _said(states)
    rows = [
        f"| {state.value} | {', '.join(sorted(table[state])) or 'none'} | {meanings[state.name]} |\n"
        for state in states
    ]
    return f"## {title}\n\n| state | may become | meaning |\n| --- | --- | --- |\n" + "".join(rows)


def _allowed() -> str:
    rows = [f"| {state.value} | {', '.join(kinds) or 'none'} |\n" for state, kinds in ALLOWED.items()]
    return "| state | commands |\n| --- | --- |\n" + "".join(rows)


def _meanings(title: str, names: type[StrEnum], order: tuple[StrEnum, ...], lead: str) -> str:
    meanings = _said(names)
    rows = [f"| {each.value} | {meanings[each.name]} |\n" for each in order]
    lead = f"{lead}\n\n" if lead else ""
    return f"## {title}\n\n{lead}| word | meaning |\n| --- | --- |\n" + "".join(rows)


def _outcomes() -> str:
    rows = [f"| {each.words()} | `{each.value}` | {each.effect.value} |\n" for each in Outcome]
    head = "## Outcomes on hosts\n\nHow a request to a host ended, and what is known of its effect there.\n\n"
    return head + "| outcome | in JSON | effect |\n| --- | --- | --- |\n" + "".join(rows)


def _said(names: type[StrEnum]) -> Mapping[str, str]:
    """The comments beside the members, by name; members without one say enough by their name."""
    found = dict(re.findall(r"^    ([A-Z_]+) = .*?  #: (.*)$", inspect.getsource(names), re.MULTILINE))
    return {each.name: found.get(each.name, "") for each in names}
