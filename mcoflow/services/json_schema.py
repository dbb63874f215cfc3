"""Whether values fit a JSON Schema that hosts have declared, and what is wrong with them, in our words.

The schema comes from outside: nothing is fetched for it, and what it cannot say plainly is left to the agent,
which checks all of it again. No value is repeated: it may be secret.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from mcoflow.errors import InputInvalidError

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

MAX_PATTERN: Final = 512
_NESTED: Final = re.compile(r"\([^()]*[*+}][^()]*\)[*+{]")
"""A repeated group that repeats inside: such a pattern may take for ever on a text made for it."""
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
    except (SchemaError, Unresolvable, RecursionError, re.error) as error:
        raise InputInvalidError(f"the hosts declare no usable JSON Schema: {type(error).__name__}") from None
    return found


def _errors(schema: Mapping[str, Any], value: Any) -> "list[ValidationError]":
    from jsonschema import Draft202012Validator, validators
    from referencing import Registry

    Draft202012Validator.check_schema(schema)
    checks = validators.extend(Draft202012Validator, {"pattern": _pattern})
    validator = checks(schema, registry=Registry())  # a registry of its own fetches nothing
    return sorted(validator.iter_errors(value), key=lambda error: [str(each) for each in error.absolute_path])


def _pattern(_validator: Any, pattern: Any, value: Any, _schema: Any) -> "Iterator[ValidationError]":
    """As the agent has it: `$` is the end of the text, not the place before its last new line."""
    from jsonschema.exceptions import ValidationError

    if not isinstance(value, str) or len(pattern) > MAX_PATTERN or _NESTED.search(pattern):
        return
    whole = f"{pattern[:-1]}\\Z" if pattern.endswith("$") and not pattern.endswith("\\$") else pattern
    if re.search(whole, value) is None:
        yield ValidationError("pattern")


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
            yield path or "the input", _WORDS.get(word, lambda _: f"does not fit: {word}")(wanted)


def _typed(wanted: Any) -> str:
    names = wanted if isinstance(wanted, list) else [wanted]
    said = {"string": "a text", "integer": "a whole number", "number": "a number", "boolean": "true or false"}
    return " or ".join(
        said.get(each, f"an {each}" if each in ("array", "object") else str(each)) for each in names
    )
