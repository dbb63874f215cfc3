"""A target as JSON: the filter of a discover message.

Keys are ANDed and the values of a key ORed: `identity, glob, regex, groups, agents, collective` lists of
text, `facts` a list of `{path, op, value}` that all hold, `exclude` names and globs, `all` true. What keys
cannot say is in `any` and `every`, lists of filters, and `not`, a filter. An empty filter is nobody.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from mcoflow.domain.records import JsonObject
from mcoflow.domain.target import (
    MAX_DEPTH,
    NUMBER,
    Comparison,
    Every,
    Everybody,
    FactTest,
    Key,
    Nobody,
    Not,
    OneOf,
    Some,
    Target,
    checked_depth,
    every,
    negated,
    one_of,
    some,
)
from mcoflow.errors import TargetInvalidError

_NAMES: Final = (Key.IDENTITY, Key.GLOB)


def filter_of(target: Target) -> JsonObject:
    """Return the canonical filter: equal targets have equal ones."""
    if isinstance(target, Nobody):
        return {}
    made: JsonObject = {}
    several = isinstance(target, Every)
    for part in target.parts_of() if several else (target,):
        key, value = _pair(part, several)
        if key == "facts":
            made.setdefault("facts", []).append(value)
        elif key in made:
            made.setdefault("every", []).append({key: value})
        else:
            made[key] = value
    return made


def target_of(given: object) -> Target:
    """Read a filter.

    Raises:
        TargetInvalidError: it is none, or has a key that this release does not know; half of a filter would
            mean hosts that nobody meant.
    """
    return checked_depth(_read(given, MAX_DEPTH * 2))


def _pair(part: Target, several: bool) -> tuple[str, Any]:
    match part:
        case Everybody():
            return "all", True
        case OneOf(key, values):
            return key.value, list(values)
        case FactTest():
            return "facts", _test(part)
        case Some(parts):
            return "any", [filter_of(each) for each in parts]
        case Not(refused):
            names = _names_of(refused) if several else None
            return ("not", filter_of(refused)) if names is None else ("exclude", names)
    return "every", [filter_of(part)]


def _names_of(target: Target) -> list[str] | None:
    """Return identities and globs, if the target is made of nothing else."""
    found: list[str] = []
    for part in target.parts if isinstance(target, Some) else (target,):
        if not isinstance(part, OneOf) or part.key not in _NAMES:
            return None
        found += part.values
    return found


def _test(test: FactTest) -> JsonObject:
    made: JsonObject = {"path": test.path, "op": test.comparison.value}
    values = [json.loads(value) for value in test.values]
    if values:
        made["value"] = values if test.comparison is Comparison.IN else values[0]
    return made


def _read(given: object, levels: int) -> Target:
    if not isinstance(given, Mapping):
        raise TargetInvalidError(f"a filter is an object, not {type(given).__name__}")
    if not levels:
        raise TargetInvalidError("the filter is too deep")
    unknown = given.keys() - _READERS.keys()
    if unknown:
        raise TargetInvalidError(
            f"a filter has no {', '.join(sorted(map(repr, unknown)))}: it has {', '.join(_READERS)}"
        )
    if given.keys() == {"exclude"}:
        raise TargetInvalidError("a filter that only excludes means nobody: say `all`, too")
    return every(_READERS[key](value, levels - 1) for key, value in given.items())


def _everybody(value: object, _levels: int) -> Target:
    if value is not True:
        raise TargetInvalidError("`all` is true, or left out")
    return Everybody()


def _values(key: Key) -> Callable[[object, int], Target]:
    return lambda value, _: one_of(key, _texts(key, value))


def _excluded(value: object, _levels: int) -> Target:
    return negated(one_of(Key.GLOB, _texts("exclude", value)))


def _facts(value: object, _levels: int) -> Target:
    return every(_fact(each) for each in _some("facts", value))


def _fact(given: object) -> Target:
    if not isinstance(given, Mapping) or not {"path", "op"} <= given.keys() <= {"path", "op", "value"}:
        raise TargetInvalidError("a test of a fact is {path, op, value}")
    path, word, value = given["path"], given["op"], given.get("value")
    if not isinstance(path, str) or word not in list(Comparison):
        raise TargetInvalidError(f"a fact is compared with one of {', '.join(Comparison)}, not {word!r}")
    comparison = Comparison(word)
    if comparison is Comparison.EXISTS:
        return FactTest(path, comparison, () if value is None else ("",))
    values = _some("value", value) if comparison is Comparison.IN else [value]
    return FactTest(path, comparison, tuple(map(_scalar, values)))


def _scalar(value: object) -> str:
    if isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int | float) and NUMBER.fullmatch(json.dumps(value)):
        return json.dumps(value)
    raise TargetInvalidError("a fact is compared with text, a number of up to 15 digits, true or false")


def _any(value: object, levels: int) -> Target:
    return some(_read(each, levels) for each in _some("any", value))


def _every(value: object, levels: int) -> Target:
    return every(_read(each, levels) for each in _some("every", value))


def _not(value: object, levels: int) -> Target:
    return negated(_read(value, levels))


def _texts(key: str, value: object) -> Iterable[str]:
    found = _some(key, value)
    if not all(isinstance(each, str) for each in found):
        raise TargetInvalidError(f"{key} is a list of text")
    return found


def _some(key: str, value: object) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise TargetInvalidError(f"{key} is a list that is not empty")
    return value


_READERS: Final[Mapping[str, Callable[[object, int], Target]]] = {
    **{key.value: _values(key) for key in Key},
    "facts": _facts,
    "exclude": _excluded,
    "all": _everybody,
    "any": _any,
    "every": _every,
    "not": _not,
}
