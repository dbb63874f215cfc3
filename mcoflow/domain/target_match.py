"""Whether a target means a host. Pure, and the same on the server and on the host itself."""

import fnmatch
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, Final, Protocol

from mcoflow.domain.safe_regex import MAX_SUBJECT
from mcoflow.domain.target import (
    NUMBER,
    Comparison,
    Every,
    Everybody,
    FactTest,
    Key,
    Not,
    OneOf,
    Some,
    Target,
)
from mcoflow.errors import TargetError

Facts = Mapping[str, Any]
_MISSING: Final = object()
MAX_TRIED: Final = 1_000
"""How many elements of a list, from its beginning, a regular expression is tried on; others do not match."""
MAX_EFFORT: Final = 16 * MAX_SUBJECT**3
"""What they may cost together: the time for one grows with the third power of its characters at worst."""


class Subject(Protocol):
    """What a target looks at. `facts` is only asked for by a target that needs_facts."""

    @property
    def identity(self) -> str:
        """The name of the host."""

    @property
    def collectives(self) -> Collection[str]:
        """What it belongs to."""

    @property
    def facts(self) -> Facts:
        """What it told of itself."""


Means = Callable[[Subject], bool]


def matches(target: Target, subject: Subject) -> bool:
    """Tell whether the target means the host.

    Raises:
        TargetError: it names groups; only the server knows them, and replaces them before.
    """
    return matcher(target)(subject)


@lru_cache(maxsize=64)
def matcher(target: Target) -> Means:
    """Return `matches` of one target, for many hosts."""
    match target:
        case Everybody():
            return lambda _: True
        case OneOf():
            return _one_of(target)
        case FactTest():
            return _fact(target)
        case Every(parts) | Some(parts):
            cheap_first = [matcher(part) for part in sorted(parts, key=lambda part: part.needs_facts)]
            combine = all if isinstance(target, Every) else any
            return lambda subject: combine(means(subject) for means in cheap_first)
        case Not(part):
            refused = matcher(part)
            return lambda subject: not refused(subject)
    return lambda _: False


def agents_in(facts: Facts) -> Sequence[str]:
    """Return the agents that a daemon says it has loaded: what the host can be asked for."""
    own = facts.get("mcoflow")
    if not isinstance(own, Mapping):
        return []
    broken = {line.removeprefix("agent ").partition(":")[0] for line in _texts(own.get("broken_agents"))}
    return [name for name in _texts(own.get("agents")) if name not in broken]


def fact_at(facts: Facts, path: str) -> Any:
    """Return the fact of a dotted path, None if there is none; keys may have dots themselves."""
    found = _at(facts, path)
    return None if found is _MISSING else found


def _one_of(target: OneOf) -> Means:
    wanted = frozenset(target.values)
    match target.key:
        case Key.IDENTITY:
            return lambda subject: subject.identity in wanted
        case Key.GLOB:
            glob = re.compile("|".join(fnmatch.translate(each) for each in target.values))
            return lambda subject: glob.match(subject.identity) is not None
        case Key.REGEX:
            regexes = [re.compile(each) for each in target.values]
            return lambda subject: any(regex.fullmatch(subject.identity) for regex in regexes)
        case Key.AGENTS:
            return lambda subject: not wanted.isdisjoint(agents_in(subject.facts))
        case Key.COLLECTIVE:
            return lambda subject: not wanted.isdisjoint(subject.collectives)
    raise TargetError(f"{target} is a group: only the server knows whom it means")


def _fact(test: FactTest) -> Means:
    path, fits = test.path, _fits(test)

    def means(subject: Subject) -> bool:
        fact = fact_at(subject.facts, path)
        return fact is not None and fits(fact)

    return means


def _fits(test: FactTest) -> Callable[[Any], bool]:
    """Return what judges a fact that is there; of a list, one element is enough."""
    wanted = [json.loads(value) for value in test.values]
    match test.comparison:
        case Comparison.EXISTS:
            return lambda _: True
        case Comparison.EQUAL | Comparison.IN:
            return lambda fact: any(_equal(each, value) for each in _each(fact) for value in wanted)
        case Comparison.UNEQUAL:
            return lambda fact: not any(_equal(each, wanted[0]) for each in _each(fact))
        case Comparison.LIKE:
            regex = re.compile(wanted[0])
            return lambda fact: any(regex.fullmatch(text) for text in _tried(_each(fact)))
    ordered = _ORDERS[test.comparison]
    return lambda fact: any(_ordered(each, wanted[0], ordered) for each in _each(fact))


_ORDERS: Final[Mapping[Comparison, Callable[[Any, Any], bool]]] = {
    Comparison.LESS: lambda fact, value: bool(fact < value),
    Comparison.AT_MOST: lambda fact, value: bool(fact <= value),
    Comparison.MORE: lambda fact, value: bool(fact > value),
    Comparison.AT_LEAST: lambda fact, value: bool(fact >= value),
}


def _equal(fact: Any, value: Any) -> bool:
    if isinstance(value, bool):
        return fact is value or fact == json.dumps(value)
    if isinstance(value, str):
        return _spelled(fact) == value
    number = _number(fact)
    return number is not None and number == value


def _ordered(fact: Any, value: Any, order: Callable[[Any, Any], bool]) -> bool:
    if isinstance(value, str):
        return isinstance(fact, str) and order(fact, value)
    number = _number(fact)
    return number is not None and not isinstance(value, bool) and order(number, value)


def _tried(facts: Collection[Any]) -> Iterator[str]:
    """Yield the texts that an expression is tried on: each costs time, and the host made the list."""
    left = MAX_EFFORT
    for fact in islice(facts, MAX_TRIED):
        text = _spelled(fact)
        if text is not None and len(text) <= MAX_SUBJECT:
            left -= len(text) ** 3
            if left < 0:
                return
            yield text


def _number(fact: Any) -> float | None:
    """Return a fact as a number, also when it was told as text: versions often are."""
    if isinstance(fact, int | float) and not isinstance(fact, bool):
        return fact
    if isinstance(fact, str) and len(fact) <= 40 and NUMBER.fullmatch(fact):
        return float(fact)
    return None


def _spelled(fact: Any) -> str | None:
    if isinstance(fact, str):
        return fact
    return json.dumps(fact) if isinstance(fact, int | float) else None


def _each(fact: Any) -> Collection[Any]:
    return fact if isinstance(fact, list) else (fact,)


def _at(facts: Any, path: str) -> Any:
    if not isinstance(facts, Mapping):
        return _MISSING
    if path in facts:
        return facts[path]
    place = path.find(".")
    while place > 0:
        inner = facts.get(path[:place], _MISSING)
        if inner is not _MISSING:
            found = _at(inner, path[place + 1 :])
            if found is not _MISSING:
                return found
        place = path.find(".", place + 1)
    return _MISSING


def _texts(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []
