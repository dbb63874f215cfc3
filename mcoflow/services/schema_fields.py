"""Fields of a form from a JSON Schema, and values from what a person wrote into them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from mcoflow.domain.records import JsonObject

_NESTED: Final = 8
"""References that are followed from one field."""


class Kind(StrEnum):
    """How a field is filled in."""

    TEXT = "text"
    NUMBER = "number"
    FLAG = "flag"
    CHOICE = "choice"
    LINES = "lines"  #: a list of texts, one on each line
    SECRET = "secret"  # noqa: S105  never shown again
    JSON = "json"  #: whatever else there is


@dataclass(frozen=True, slots=True)
class InputField:
    """One field. `default` and `example` as they would be written; limits None where there is none."""

    name: str
    kind: Kind
    required: bool
    default: str = ""
    description: str = ""
    example: str = ""
    choices: Sequence[str] = ()
    max_length: int | None = None
    least: float | None = None
    most: float | None = None


def input_fields(schema: Mapping[str, Any]) -> Sequence[InputField]:
    """Return the fields of an object's schema, in its order."""
    required = set(schema.get("required", ()))
    properties = schema.get("properties", {})
    return [_field(name, found, name in required, schema) for name, found in properties.items()]


def values_of(
    fields: Sequence[InputField], filled: Mapping[str, str]
) -> tuple[JsonObject, Mapping[str, str]]:
    """Return the values of what was filled in, empty fields left out, and what cannot be read, by field."""
    values: JsonObject = {}
    faults: dict[str, str] = {}
    for field in fields:
        text = filled.get(field.name, "")
        try:
            if field.kind is Kind.FLAG:
                if (text == "yes") != (field.default == "true"):
                    values[field.name] = text == "yes"
            elif text.strip():
                values[field.name] = _value(field, text)
        except ValueError as fault:
            faults[field.name] = str(fault)
    return values, faults


def _field(name: str, found: Any, required: bool, root: Mapping[str, Any]) -> InputField:
    told = found if isinstance(found, Mapping) else {}
    schema = _resolved(told, root)
    examples = told.get("examples") or schema.get("examples") or [""]
    choices = schema.get("enum", ())
    return InputField(
        name=name,
        kind=_kind(schema, root),
        required=required,
        default=_written(told.get("default")),
        description=str(told.get("description") or schema.get("description") or ""),
        example=_written(examples[0]),
        choices=[str(each) for each in choices],
        max_length=schema.get("maxLength"),
        least=schema.get("minimum"),
        most=schema.get("maximum"),
    )


def _resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow local references, and look past the null of what may be left out."""
    for _ in range(_NESTED):
        several = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
        reference = str(schema.get("$ref", ""))
        if len(several) == 1:
            schema = several[0]
        elif reference.startswith("#/$defs/"):
            schema = root.get("$defs", {}).get(reference.removeprefix("#/$defs/"), {})
        else:
            break
    return schema


def _kind(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Kind:
    if schema.get("enum") and all(isinstance(each, str) for each in schema["enum"]):
        return Kind.CHOICE
    match schema.get("type"):
        case "string":
            secret = schema.get("writeOnly") is True or schema.get("format") == "password"
            return Kind.SECRET if secret else Kind.TEXT
        case "integer" | "number":
            return Kind.NUMBER
        case "boolean":
            return Kind.FLAG
        case "array" if _resolved(schema.get("items", {}), root).get("type") == "string":
            return Kind.LINES
    return Kind.JSON


def _value(field: InputField, text: str) -> Any:
    match field.kind:
        case Kind.NUMBER:
            return _number(text.strip())
        case Kind.LINES:
            return [line.strip() for line in text.splitlines() if line.strip()]
        case Kind.JSON:
            try:
                return json.loads(text)
            except ValueError as error:
                raise ValueError(f"is no JSON: {error}") from None
        case Kind.SECRET:
            return text
    return text.strip()


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        raise ValueError("should be a number") from None


def _written(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return "\n".join(value)
    return json.dumps(value)
