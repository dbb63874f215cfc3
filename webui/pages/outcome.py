"""The output of a step as people read it: what changed first, the log last, what we do not know kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from webui.text import as_text
from webui.when import took

CHANGE: Final = ("before", "after")
LOGS: Final = ("log", "stdout", "stderr")
"""Shown below everything else, in full width."""
_FIRST: Final = ("changed", *CHANGE, "exit_code", "duration_ms", "packages", "packages_total")
_MOVE: Final = frozenset({"name", *CHANGE})
ABSENT: Final = "absent"


@dataclass(frozen=True, slots=True)
class Move:
    """What became of one package; versions, or that it was not there."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """`lines` are names with texts; `left_out` is the number of packages that are not among `packages`."""

    lines: Sequence[tuple[str, str]]
    packages: Sequence[Move]
    left_out: int
    logs: Sequence[tuple[str, str]]

    def __bool__(self) -> bool:
        return bool(self.lines or self.packages)


def outcome_of(output: Mapping[str, Any]) -> Outcome:
    """Return the output in order. Whatever has not the shape that its name promises stays a plain line."""
    moves = _moves(output.get("packages"))
    logs = [(name, text) for name in LOGS if isinstance(text := output.get(name), str) and text]
    known = {name for name, _ in logs} | ({"packages", "packages_total"} if moves is not None else set())
    rest = {name: value for name, value in output.items() if name not in known}
    total = output.get("packages_total")
    left_out = total - len(moves) if moves is not None and isinstance(total, int) else 0
    return Outcome(_lines(rest), moves or (), max(0, left_out), logs)


def _lines(rest: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """Return what is left as names and texts, the known ones first and together where they belong so."""
    lines = [_line(name, rest[name]) for name in _FIRST if name in rest and name not in CHANGE]
    if rest.keys() >= set(CHANGE):
        change = (" → ".join(CHANGE), " → ".join(_version(rest[name]) for name in CHANGE))
        lines.insert(int("changed" in rest), change)
    else:
        lines += [_line(name, rest[name]) for name in CHANGE if name in rest]
    return lines + [_line(name, value) for name, value in rest.items() if name not in _FIRST]


def _line(name: str, value: Any) -> tuple[str, str]:
    match name, value:
        case "duration_ms", int():
            return "duration", took(timedelta(milliseconds=value))
        case "exit_code", None:
            return "exit code", "none: nothing was run"
        case "exit_code", _:
            return "exit code", as_text(value)
        case _:
            return name, as_text(value)


def _moves(packages: Any) -> Sequence[Move] | None:
    """Return the packages; None if they are not written as agents write them."""
    if not isinstance(packages, list):
        return None
    if not all(isinstance(each, dict) and each.keys() == _MOVE for each in packages):
        return None
    return [
        Move(as_text(each["name"]), _version(each["before"]), _version(each["after"])) for each in packages
    ]


def _version(value: Any) -> str:
    return ABSENT if value is None else as_text(value)
