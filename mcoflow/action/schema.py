"""Validation of input and output against the pydantic models that an action declares."""

import functools
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError, create_model

from mcoflow.domain.plain import plain
from mcoflow.domain.reference import find_references
from mcoflow.errors import InputInvalidError, OutputInvalidError

M = TypeVar("M", bound=BaseModel)


MOST_FAULTS: Final = 50
"""Faults of one input that are told; a client that sends thousands shall not be sent thousands."""


def valid_input(where: str, model: type[BaseModel] | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the input as plain data, defaults filled in.

    A field that holds a reference is taken as it is; its value is validated when the reference is resolved.

    Raises:
        InputInvalidError: names the action and, for each field, what is wrong.
        NotSerialisableError: a value is no JSON.
    """
    if model is None:
        return _plain_object(given)
    later = {key: value for key, value in given.items() if find_references(value)}
    if not later:
        return typed_input(where, model, given).model_dump(mode="json")
    known = later.keys() & model.model_fields.keys()
    now = {key: None if key in later else value for key, value in given.items() if key not in known}
    checked = typed_input(where, _without(model, frozenset(known)), now)
    return {**checked.model_dump(mode="json"), **_plain_object(later)}


def typed_input(where: str, model: type[M], given: Mapping[str, Any]) -> M:
    """Return the input as a model; InputInvalidError as valid_input."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise _invalid(where, error) from None


def valid_output(where: str, model: type[BaseModel] | None, output: Mapping[str, Any]) -> dict[str, Any]:
    """Return the output as plain data; OutputInvalidError, NotSerialisableError as valid_input."""
    if model is None:
        return _plain_object(output)
    try:
        return model.model_validate(output).model_dump(mode="json")
    except ValidationError as error:
        raise OutputInvalidError(f"{where}: output {_in_words(error.errors())}") from None


@functools.lru_cache(maxsize=1024)
def _without(model: type[BaseModel], fields: frozenset[str]) -> type[BaseModel]:
    """Return the model with these fields taken out of its checks: their values come later."""
    if not fields:
        return model
    loose: dict[str, Any] = dict.fromkeys(fields, (Any, None))
    return create_model(model.__name__, __base__=model, **loose)


def _plain_object(given: Mapping[str, Any]) -> dict[str, Any]:
    made = plain(dict(given))
    assert isinstance(made, dict)
    return made


def _invalid(where: str, error: ValidationError) -> InputInvalidError:
    found = error.errors(include_url=False)[:MOST_FAULTS]
    more = error.error_count() - len(found)
    words = f"{_in_words(found)}{f'; and {more} more' if more else ''}"
    faults = [(each["loc"], each["type"], each["msg"].removeprefix("Value error, ")) for each in found]
    return InputInvalidError(f"{where}: {words}", faults)


def _in_words(faults: list[Any]) -> str:
    """One fault a field: `package: String should …`. Values are left out: they may be secret."""
    told = ((".".join(map(str, e["loc"])) or "input", e["msg"].removeprefix("Value error, ")) for e in faults)
    return "; ".join(f"{where}: {what}" for where, what in told)
