"""Targets: which hosts are meant. A value in one normal form, so that what means the same is equal.

A target is built with `one_of`, `every`, `some`, `negated` and `FactTest`, read from people's text by
`mcoflow.domain.target_text` and from messages by `mcoflow.domain.target_json`; `str()` gives text that reads
as the same target. Source: the project's bus specification, 7.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from mcoflow.domain.ids import host_id
from mcoflow.domain.safe_regex import checked_regex
from mcoflow.domain.target_names import MAGIC, check_path, glob_name, identity_name, label, slashless_regex
from mcoflow.errors import TargetInvalidError

MAX_DEPTH: Final = 6
"""Levels of and, or and not in one another: a message may be only so deep."""
_NAMES: Final = frozenset({"identity", "glob"})
KEYWORDS: Final = frozenset({"all", "nobody", "and", "or", "not", "in", "exists"})

_PATH: Final = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_BARE: Final = re.compile(r"""[^\s(),"'=<>!~][^\s(),"']*""")
NUMBER: Final = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,17})?")


class Key(StrEnum):
    """What a host is known by; the words are those of a discover's filter."""

    IDENTITY = "identity"
    GLOB = "glob"
    REGEX = "regex"
    GROUPS = "groups"
    AGENTS = "agents"
    COLLECTIVE = "collective"


PREFIXES: Final[Mapping[Key, str]] = {
    Key.IDENTITY: "identity:",
    Key.GROUPS: "group:",
    Key.AGENTS: "agent:",
    Key.COLLECTIVE: "collective:",
}


class Comparison(StrEnum):
    """How a fact is compared."""

    EQUAL = "=="
    UNEQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    LIKE = "=~"
    IN = "in"
    EXISTS = "exists"


class Target(ABC):
    """Which hosts are meant; frozen, hashable, in normal form."""

    __slots__ = ()

    @abstractmethod
    def parts_of(self) -> tuple[Target, ...]:
        """The targets that this one is made of, none for a leaf."""

    @abstractmethod
    def __str__(self) -> str:
        """Text that reads as this target."""

    @property
    def depth(self) -> int:
        """Levels of and, or and not."""
        below = self.parts_of()
        return 1 + max(part.depth for part in below) if below else 0

    @property
    def needs_facts(self) -> bool:
        """Whether a host's facts decide."""
        return any(
            isinstance(leaf, FactTest) or (isinstance(leaf, OneOf) and leaf.key is Key.AGENTS)
            for leaf in self.leaves()
        )

    @property
    def groups(self) -> frozenset[str]:
        """The groups that it names."""
        named = (leaf for leaf in self.leaves() if isinstance(leaf, OneOf) and leaf.key is Key.GROUPS)
        return frozenset(name for leaf in named for name in leaf.values)

    @property
    def named(self) -> frozenset[str]:
        """The hosts that it means by name; not those that it leaves out."""
        if isinstance(self, OneOf):
            return frozenset(self.values if self.key is Key.IDENTITY else ())
        return frozenset[str]().union(*(part.named for part in self.parts_of()))

    def leaves(self) -> Iterator[Target]:
        """What is asked of a host, one by one."""
        below = self.parts_of()
        if not below:
            yield self
        for part in below:
            yield from part.leaves()


@dataclass(frozen=True, slots=True)
class Everybody(Target):
    """All hosts."""

    def parts_of(self) -> tuple[Target, ...]:
        return ()

    def __str__(self) -> str:
        return "all"


@dataclass(frozen=True, slots=True)
class Nobody(Target):
    """No host at all: what an empty filter means."""

    def parts_of(self) -> tuple[Target, ...]:
        return ()

    def __str__(self) -> str:
        return "nobody"


@dataclass(frozen=True, slots=True)
class OneOf(Target):
    """Hosts with one of some values; made by `one_of`."""

    key: Key
    values: tuple[str, ...]

    def parts_of(self) -> tuple[Target, ...]:
        return ()

    def __str__(self) -> str:
        if self.key is Key.REGEX:
            return ",".join("/" + each.replace("/", "\\/") + "/" for each in self.values)
        bare = self.key is Key.GLOB or (self.key is Key.IDENTITY and not KEYWORDS.intersection(self.values))
        return ("" if bare else PREFIXES[self.key]) + ",".join(self.values)


@dataclass(frozen=True, slots=True)
class FactTest(Target):
    """Hosts that have a fact which compares so. `values` are JSON texts: 1 and "1" are not the same.

    Raises:
        TargetInvalidError: this path, comparison and number of values are no test.
    """

    path: str
    comparison: Comparison
    values: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_path(self.path)
        count = {Comparison.EXISTS: (0, 0), Comparison.IN: (1, 500)}.get(self.comparison, (1, 1))
        if not count[0] <= len(self.values) <= count[1]:
            raise TargetInvalidError(f"{self.path} {self.comparison} takes {count[0]} to {count[1]} values")
        if self.comparison is Comparison.LIKE:
            checked_regex(_text_of(self.values[0]))

    def parts_of(self) -> tuple[Target, ...]:
        return ()

    def __str__(self) -> str:
        path = self.path
        if not _PATH.fullmatch(path) or path in KEYWORDS:
            path = json.dumps(path, ensure_ascii=False)
        told = [_value_text(each) for each in self.values]
        match self.comparison:
            case Comparison.EXISTS:
                return f"{path} exists"
            case Comparison.IN:
                return f"{path} in ({', '.join(told)})"
            case Comparison.LIKE:
                return f"{path} =~ {json.dumps(json.loads(self.values[0]), ensure_ascii=False)}"
            case Comparison.EQUAL:
                return f"{path}={told[0]}"
        return f"{path}{self.comparison}{told[0]}"


@dataclass(frozen=True, slots=True)
class Every(Target):
    """Hosts that all parts mean; made by `every`."""

    parts: tuple[Target, ...]

    def parts_of(self) -> tuple[Target, ...]:
        return self.parts

    def __str__(self) -> str:
        return " and ".join(_inside(part, Some) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Some(Target):
    """Hosts that any part means; made by `some`."""

    parts: tuple[Target, ...]

    def parts_of(self) -> tuple[Target, ...]:
        return self.parts

    def __str__(self) -> str:
        if self.only_names:
            return ",".join(map(str, self.parts))
        return " or ".join(_inside(part, Every) for part in self.parts)

    @property
    def only_names(self) -> bool:
        """Whether it is a list of names of hosts, which needs no `or`."""
        return all(
            isinstance(part, OneOf) and part.key in _NAMES and not KEYWORDS.intersection(part.values)
            for part in self.parts
        )


@dataclass(frozen=True, slots=True)
class Not(Target):
    """Hosts that the part does not mean; made by `negated`."""

    part: Target

    def parts_of(self) -> tuple[Target, ...]:
        return (self.part,)

    @property
    def named(self) -> frozenset[str]:
        return frozenset()

    def __str__(self) -> str:
        return f"not {_inside(self.part, Every, Some)}"


# -- how they are made -------------------------------------------------------------------------------------


def one_of(key: Key, values: Iterable[str]) -> Target:
    """Return who has one of the values; a glob without `*`, `?` and `[` is an identity.

    Raises:
        TargetInvalidError: there are none, or one of them is nothing that a host could have.
    """
    checked = sorted({_CHECKS[key](value) for value in values})
    if not checked:
        raise TargetInvalidError(f"{key} names nothing")
    if key is Key.GLOB:
        plain = tuple(each for each in checked if not MAGIC.search(each))
        globs = tuple(each for each in checked if MAGIC.search(each))
        return some([one for one in _names(plain, globs) if one.values])
    return OneOf(key, tuple(checked))


def every(parts: Iterable[Target]) -> Target:
    """Return who is meant by all parts; of none of them, nobody."""
    flat = [each for part in parts for each in (part.parts if isinstance(part, Every) else (part,))]
    refused = [part.part for part in flat if isinstance(part, Not)]
    found = [part for part in flat if not isinstance(part, Not)]
    if refused:
        found.append(negated(some(refused)))
    return _joined(Every, found)


def some(parts: Iterable[Target]) -> Target:
    """Return who is meant by any part; of none of them, nobody."""
    flat = [each for part in parts for each in (part.parts if isinstance(part, Some) else (part,))]
    by_key: dict[Key, set[str]] = {}
    found: list[Target] = []
    for part in flat:
        if isinstance(part, OneOf):
            by_key.setdefault(part.key, set()).update(part.values)
        else:
            found.append(part)
    found += [OneOf(key, tuple(sorted(values))) for key, values in by_key.items()]
    return _joined(Some, found)


def negated(part: Target) -> Target:
    """Return who is not meant."""
    return part.part if isinstance(part, Not) else Not(part)


def text_value(text: str) -> str:
    """Return the JSON text of a value as people write it: numbers, true and false, else text."""
    if NUMBER.fullmatch(text):
        return json.dumps(json.loads(text))
    return text if text in ("true", "false") else json.dumps(text, ensure_ascii=False)


def checked_depth(target: Target) -> Target:
    """Return the target; TargetInvalidError if it is too deep for a message."""
    if target.depth > MAX_DEPTH:
        raise TargetInvalidError(
            f"this goes {target.depth} levels deep, {MAX_DEPTH} at most: make a group of a part of it"
        )
    return target


def replace_groups(target: Target, known: Mapping[str, Target]) -> Target:
    """Return the target with its groups replaced by what they stand for, however deep; all are known."""
    match target:
        case OneOf(Key.GROUPS, names):
            return some(replace_groups(known[name], known) for name in names)
        case Every(parts):
            return every(replace_groups(part, known) for part in parts)
        case Some(parts):
            return some(replace_groups(part, known) for part in parts)
        case Not(part):
            return negated(replace_groups(part, known))
    return target


# -- inside ------------------------------------------------------------------------------------------------


def _joined(kind: type[Every] | type[Some], parts: list[Target]) -> Target:
    found = sorted(set(parts), key=_rank)
    if not found:
        return Nobody()
    return found[0] if len(found) == 1 else kind(tuple(found))


def _rank(part: Target) -> tuple[int, str]:
    """Names first, what is refused last: as people would say it."""
    order = (Everybody, Nobody, OneOf, FactTest, Every, Some, Not)
    key = list(Key).index(part.key) if isinstance(part, OneOf) else 0
    return order.index(type(part)) * 10 + key, str(part)


def _inside(part: Target, *looser: type[Target]) -> str:
    closed = isinstance(part, Some) and part.only_names
    return f"({part})" if isinstance(part, looser) and not closed else str(part)


def _names(plain: tuple[str, ...], globs: tuple[str, ...]) -> Iterable[OneOf]:
    return OneOf(Key.IDENTITY, tuple(host_id(each) for each in plain)), OneOf(Key.GLOB, globs)


_CHECKS: Final = {
    Key.IDENTITY: identity_name,
    Key.GLOB: glob_name,
    Key.REGEX: slashless_regex,
    Key.GROUPS: label,
    Key.AGENTS: label,
    Key.COLLECTIVE: label,
}


def _text_of(value: str) -> str:
    text = json.loads(value)
    if not isinstance(text, str):
        raise TargetInvalidError(f"{value} is no regular expression: write it as /…/ or in quotes")
    return text


def _value_text(value: str) -> str:
    """Return a value as people write it; in quotes only where it has to be."""
    told = json.loads(value)
    if not isinstance(told, str):
        return value
    bare = _BARE.fullmatch(told) and text_value(told) == value
    return told if bare else json.dumps(told, ensure_ascii=False)
