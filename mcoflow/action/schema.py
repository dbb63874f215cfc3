"""Validation of input and output against the pydantic models that an action declares."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from mcoflow.domain.plain import plain
from mcoflow.domain.reference import find_references
from mcoflow.errors import InputInvalidError, OutputInvalidError


def valid_input(where: str, model: type[BaseModel] | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the input as plain data, defaults filled in.

    A field that holds a reference is taken as it is; its value is validated when the reference is resolved.

    Raises:
        InputInvalidError: names the action and, for each field, what is wrong.
        NotSerialisableError: a value is no JSON.
    """
    if model is None:
        return _plain_object(given)
    open_fields = {key for key, value in given.items() if find_references(value)}
    try:
        checked = model.model_validate({k: v for k, v in given.items() if k not in open_fields})
    except ValidationError as error:
        faults = [e for e in error.errors() if not e["loc"] or e["loc"][0] not in open_fields]
        if faults:
            raise InputInvalidError(f"{where}: {_in_words(faults)}") from None
        return _plain_object(given)
    return {**checked.model_dump(mode="json"), **_plain_object({k: given[k] for k in open_fields})}


def valid_output(where: str, model: type[BaseModel] | None, output: Mapping[str, Any]) -> dict[str, Any]:
    """Return the output as plain data; OutputInvalidError, NotSerialisableError as valid_input."""
    if model is None:
        return _plain_object(output)
    try:
        return model.model_validate(output).model_dump(mode="json")
    except ValidationError as error:
        raise OutputInvalidError(f"{where}: output {_in_words(error.errors())}") from None


def _plain_object(given: Mapping[str, Any]) -> dict[str, Any]:
    made = plain(dict(given))
    assert isinstance(made, dict)
    return made


def _in_words(faults: list[Any]) -> str:
    """One fault a field: `package: String should …`. Values are left out: they may be secret."""
    return "; ".join(f"{'.'.join(map(str, e['loc'])) or 'input'}: {e['msg']}" for e in faults)
