"""Whether values fit a JSON Schema that hosts have declared, and what is wrong with them, in our words.

The schema comes from outside: nothing is fetched for it, and what it cannot say plainly is left to the agent,
which checks all of it again. No value is repeated: it may be secret.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from mcoflow.domain.safe_regex import ends_soon
from mcoflow.errors import InputInvalidError

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

WHOLE: Final = "the input"
"""The path of a fault that is of no field."""
MAX_REFERENCES: Final = 50_000
"""References that are followed for one value: two in each of thirty definitions would be a billion."""
_WORDS: Final[Mapping[str, Callable[[Any], str]]] = {
    "type": lambda wanted: f"should be {_typed(wanted)}",
    "pattern": lambda wanted: f"should match {wanted}",
    "maxLength": lambda wanted: f"should have at most {wanted} characters",
    "minLength": lambda wanted: f"should have at least {wanted} characters",
    "maxItems": lambda wanted: f"should have at most {wanted} items",
    "minItems": lambda wanted: f"should have at least {wanted} items",
    "maxProperties": lambda wanted: f"should have at most {wanted} keys",
    "minimum": lambda wanted: f"should be {wanted} or more",
    "maximum": lambda wanted: f"should be {wanted} or less",
    "enum": lambda wanted: f"should be one of {', '.join(map(str, wanted))}",
    "const": lambda wanted: f"should be {wanted}",
}


class _TooMuchError(Exception):
    """The schema takes too long to follow."""


def faults(schema: Mapping[str, Any], value: Any) -> Mapping[str, str]:
    """Return the first fault of each field by its dotted path; none if the value fits.

    Raises:
        InputInvalidError: the schema is none.
    """
    from jsonschema.exceptions import SchemaError
    from referencing.exceptions import Unresolvable

    found: dict[str, str] = {}
    try:
        for error in _errors(schema, value):
            for path, text in _told(error):
                found.setdefault(path, text)
    except (SchemaError, Unresolvable, RecursionError, re.error, _TooMuchError) as error:
        why = "it takes too long" if isinstance(error, _TooMuchError) else type(error).__name__
        raise InputInvalidError(f"the hosts declare no usable JSON Schema: {why}") from None
    return found


def _errors(schema: Mapping[str, Any], value: Any) -> "list[ValidationError]":
    from jsonschema import Draft202012Validator, validators
    from referencing import Registry

    Draft202012Validator.check_schema(schema)
    longest = max(map(len, _names_in(value)), default=0)
    if not all(ends_soon(pattern, longest) for pattern in _names_in(schema, "patternProperties")):
        raise _TooMuchError
    checks = validators.extend(Draft202012Validator, {"pattern": _pattern, **_counted_references()})
    validator = checks(schema, registry=Registry())  # a registry of its own fetches nothing
    return sorted(validator.iter_errors(value), key=lambda error: [str(each) for each in error.absolute_path])


def _counted_references() -> dict[str, Any]:
    """Follow references, but no more than so many: a schema made for it would be followed for ever."""
    from jsonschema import Draft202012Validator

    left = iter(range(MAX_REFERENCES))

    def counted(follow: Any) -> Any:
        def followed(*args: Any) -> Any:
            if next(left, None) is None:
                raise _TooMuchError
            return follow(*args)

        return followed

    return {name: counted(Draft202012Validator.VALIDATORS[name]) for name in ("$ref", "$dynamicRef")}


def _names_in(part: Any, under: str = "") -> Iterator[str]:
    """Yield the names in all objects, or in those that stand under this name."""
    if isinstance(part, Mapping):
        found = part if not under else part.get(under)
        yield from found if isinstance(found, Mapping) else ()
    if isinstance(part, Mapping | list | tuple):
        for each in part.values() if isinstance(part, Mapping) else part:
            yield from _names_in(each, under)


def _pattern(_validator: Any, pattern: Any, value: Any, _schema: Any) -> "Iterator[ValidationError]":
    """As the agent has it: `$` is the end of the text, not the place before its last new line."""
    from jsonschema.exceptions import ValidationError

    if not isinstance(value, str) or not _is_safe(pattern, value):
        return
    whole = f"{pattern[:-1]}\\Z" if pattern.endswith("$") and not pattern.endswith("\\$") else pattern
    if re.search(whole, value) is None:
        yield ValidationError("pattern")


def _is_safe(pattern: str, value: str) -> bool:
    """Whether it can be matched here; an expression that is none is told by whoever tries."""
    try:
        re.compile(pattern)
    except RecursionError:
        return False
    return ends_soon(pattern, len(value))


def _told(error: "ValidationError") -> Iterator[tuple[str, str]]:
    path = ".".join(map(str, error.absolute_path))
    wanted: Any = error.validator_value
    match error.validator:
        case "required":
            for name in wanted:
                if isinstance(error.instance, Mapping) and name not in error.instance:
                    yield f"{path}.{name}".lstrip("."), "is missing"
        case "additionalProperties" if isinstance(error.schema, Mapping):
            known = error.schema.get("properties", {})
            for name in error.instance.keys() - known.keys():
                yield f"{path}.{name}".lstrip("."), f"is not known; there are: {', '.join(known) or 'none'}"
        case "anyOf" | "oneOf" if error.context:
            named = [each for each in error.context if each.validator != "type"] or [
                each for each in error.context if each.validator_value != "null"
            ]
            yield from _told((named or error.context)[0])
        case str(word):
            yield path or WHOLE, _WORDS.get(word, lambda _: f"does not fit: {word}")(wanted)


def _typed(wanted: Any) -> str:
    names = wanted if isinstance(wanted, list) else [wanted]
    said = {"string": "a text", "integer": "a whole number", "number": "a number", "boolean": "true or false"}
    return " or ".join(
        said.get(each, f"an {each}" if each in ("array", "object") else str(each)) for each in names
    )
