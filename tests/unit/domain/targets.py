"""Targets and hosts, drawn."""

import json
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from mcoflow.domain.target import (
    MAX_DEPTH,
    Comparison,
    Everybody,
    FactTest,
    Key,
    Nobody,
    Target,
    every,
    negated,
    one_of,
    some,
)

NAMES = ("web1", "web2", "db1.example.org", "all", "and", "x-9")
FACTS = ("os.family", "role", "cpu.count", "disk./.total", "all", "1st", "mcoflow.version", "ä ö")
VALUES: tuple[Any, ...] = (
    "debian",
    "web",
    "12",
    "12.1",
    "true",
    "",
    "a b",
    "ü\"'\\",
    12,
    12.1,
    0,
    -1,
    True,
    False,
)


@dataclass(frozen=True)
class Machine:
    """A host as a target sees it."""

    identity: str = "web1"
    collectives: tuple[str, ...] = ("main",)
    facts: dict[str, Any] = field(default_factory=dict)


def _fact(path: str, comparison: Comparison, values: list[Any]) -> Target:
    if comparison is Comparison.EXISTS:
        return FactTest(path, comparison)
    if comparison is Comparison.LIKE:
        return FactTest(path, comparison, (json.dumps("a.*|web/?"),))
    told = tuple(dict.fromkeys(json.dumps(value, ensure_ascii=False) for value in values))
    return FactTest(path, comparison, told if comparison is Comparison.IN else told[:1])


def _of(key: Key, *values: str) -> st.SearchStrategy[Target]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=3).map(lambda found: one_of(key, found))


LEAVES: st.SearchStrategy[Target] = st.one_of(
    st.just(Everybody()),
    st.just(Nobody()),
    _of(Key.IDENTITY, *NAMES),
    _of(Key.GLOB, "web*", "*.org", "web[12]", "db?.[!a]*", "web1"),
    _of(Key.REGEX, r"web\d+", "(web|db)1.*", "a/b", r"a\/c", "[/]x"),
    _of(Key.AGENTS, "package", "service"),
    _of(Key.COLLECTIVE, "main", "lab"),
    st.builds(
        _fact,
        st.sampled_from(FACTS),
        st.sampled_from(Comparison),
        st.lists(st.sampled_from(VALUES), min_size=1, max_size=3),
    ),
)
UNGROUPED: st.SearchStrategy[Target] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(every),
        st.lists(inner, min_size=1, max_size=3).map(some),
        inner.map(negated),
    ),
    max_leaves=8,
).filter(lambda target: target.depth <= MAX_DEPTH)
TARGETS = st.one_of(UNGROUPED, _of(Key.GROUPS, "old", "new-2"))

_FACT_VALUES = st.one_of(st.sampled_from(VALUES), st.lists(st.sampled_from(VALUES), max_size=3))
MACHINES = st.builds(
    Machine,
    st.sampled_from(NAMES),
    st.sampled_from([("main",), ("main", "lab")]),
    st.fixed_dictionaries(
        {},
        optional={
            "os": st.fixed_dictionaries({"family": _FACT_VALUES}),
            "role": _FACT_VALUES,
            "cpu": st.fixed_dictionaries({"count": st.integers(0, 20)}),
            "disk": st.fixed_dictionaries({"/": st.fixed_dictionaries({"total": st.integers(0, 20)})}),
            "mcoflow": st.fixed_dictionaries({"agents": st.just(["host", "package"])}),
        },
    ),
)
