"""The facts of a host as people read them: grouped by their first word, sizes and times told apart."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from mcoflow.domain.records import JsonObject
from mcoflow.services.views import Fact, FactGroup

NAMELESS: Final = "other"
"""The group of facts whose name is one word."""
_SIZED: Final = re.compile(r"(?:memory|disk)(?:\..+)?\.(?:total|swap|free|used)")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")


def grouped(facts: JsonObject) -> Sequence[FactGroup]:
    """Return all facts by the first word of their dotted names, in order of name."""
    groups: dict[str, list[Fact]] = {}
    for path, value in sorted(_flat("", facts), key=lambda each: each[0]):
        first, _, rest = path.partition(".")
        group, name = (first, rest) if rest else (NAMELESS, first)
        groups.setdefault(group, []).append(_fact(path, name, value))
    return [FactGroup(name, tuple(found)) for name, found in sorted(groups.items())]


def system_of(facts: JsonObject) -> str:
    """Return the name and version of the operating system, as far as they are told."""
    told = _object(facts, "os")
    return " ".join(str(told[key]) for key in ("name", "version") if told.get(key))


def problems_of(facts: JsonObject) -> Sequence[str]:
    """Return what the daemon says is wrong with its plug-ins and files of facts."""
    own = _object(facts, "mcoflow")
    broken = [f"agent {name} could not be loaded" for name in _texts(own.get("broken_agents"))]
    return broken + [f"facts: {error}" for error in _texts(own.get("facts_errors"))]


def _flat(path: str, value: Any) -> Iterable[tuple[str, Any]]:
    """Yield dotted names and values."""
    if isinstance(value, Mapping) and value:
        for key, each in value.items():
            yield from _flat(f"{path}.{key}" if path else str(key), each)
    elif path:
        yield path, value


def _fact(path: str, name: str, value: Any) -> Fact:
    if isinstance(value, int) and not isinstance(value, bool) and _SIZED.fullmatch(path):
        return Fact(name, value, size=value)
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        return Fact(name, value, at=_moment(value))
    return Fact(name, value)


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:  # looks like a time, and is none
        return None


def _object(facts: JsonObject, name: str) -> Mapping[str, Any]:
    found = facts.get(name)
    return found if isinstance(found, Mapping) else {}


def _texts(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []
