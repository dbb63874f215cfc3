"""The facts of many hosts at once: which there are, and how often each value occurs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcoflow.domain.target import Everybody
from mcoflow.engine.targets import HostFinder
from mcoflow.ports.store import Reader

MISSING = object()


@dataclass(frozen=True, slots=True)
class PathCount:
    """A fact, and how many hosts tell it; `values` is how many different ones there are."""

    path: str
    hosts: int
    values: int


@dataclass(frozen=True, slots=True)
class ValueCount:
    """How many hosts tell a value of a fact; None: they do not tell the fact."""

    path: str
    value: Any
    hosts: int
    told: bool = True


class FactCounts:
    """The use cases of facts; those of many hosts read them once, one after another."""

    def __init__(self, finder: HostFinder, reader: Reader) -> None:
        self._finder = finder
        self._reader = reader

    def of_host(self, name: str) -> Mapping[str, Any]:
        """All facts of one host by their dotted names, in order; HostNotFoundError."""
        return dict(sorted(leaves(self._reader.host(name).facts or {}), key=lambda each: each[0]))

    def paths(self, target: str = "") -> Sequence[PathCount]:
        """All facts of the hosts that a target means, in order of their names; TargetError."""
        hosts: Counter[str] = Counter()
        values: dict[str, set[str]] = {}
        for facts in self._facts(target):
            for path, value in leaves(facts):
                hosts[path] += 1
                values.setdefault(path, set()).add(_text(value))
        return [PathCount(path, hosts[path], len(values[path])) for path in sorted(hosts)]

    def values(self, path: str, target: str = "") -> Sequence[ValueCount]:
        """The values of one fact, the most usual first; TargetError."""
        counted: Counter[str] = Counter()
        without = 0
        for facts in self._facts(target):
            value = at(facts, path)
            if value is MISSING:
                without += 1
            else:
                counted[_text(value)] += 1
        told = sorted(counted.items(), key=lambda each: (-each[1], each[0]))
        found = [ValueCount(path, json.loads(text), number) for text, number in told]
        return found + ([ValueCount(path, None, without, told=False)] if without else [])

    def _facts(self, target: str) -> Iterator[Mapping[str, Any]]:
        meant = self._finder.read(target) if target.strip() else Everybody()
        return self._finder.facts_of(meant)


def leaves(facts: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the dotted names of all facts, and their values; a list is one value."""
    for key, value in facts.items():
        name = f"{path}.{key}" if path else str(key)
        if isinstance(value, Mapping) and value:
            yield from leaves(value, name)
        else:
            yield name, value


def at(facts: Mapping[str, Any], path: str) -> Any:
    """Return the fact with a dotted name, MISSING if it is not told; parts of names may have dots, too."""
    if path in facts:
        return facts[path]
    for cut in [place for place, char in enumerate(path) if char == "."]:
        below = facts.get(path[:cut])
        if isinstance(below, Mapping):
            found = at(below, path[cut + 1 :])
            if found is not MISSING:
                return found
    return MISSING


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
