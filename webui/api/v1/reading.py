"""Parameters and bodies into models: what is unknown, twice or wrong is refused, by its pointer."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar

from flask import request
from pydantic import BaseModel, ValidationError

from webui.api.strict_json import read_json
from webui.api.v1.problems import InvalidError, fault, pointer
from webui.api.v1.shapes.problem import Fault

M = TypeVar("M", bound=BaseModel)

_CODES: Final[Mapping[str, str]] = {"extra_forbidden": "unknown", "missing": "missing"}
_WORDS: Final[Mapping[str, str]] = {"extra_forbidden": "is not known", "missing": "is missing"}
_TRIED: Final = re.compile(r"[a-z-]+\[.*\]|str|int")


def read_query(model: type[M]) -> M:
    """Return the parameters of the URL; InvalidError."""
    given = request.args.to_dict(flat=False)
    twice = [fault(pointer([name]), "twice", "is given twice") for name in given if len(given[name]) > 1]
    if twice:
        raise InvalidError(twice)
    return _read(model, {name: values[0] for name, values in given.items()})


def read_body(model: type[M], limit: int | None) -> M:
    """Return the body, strictly read; without one, an empty object. BadRequest, InvalidError."""
    if limit is not None:
        request.max_content_length = limit
    body = request.get_data()
    value = read_json(body) if body else {}
    if not isinstance(value, dict):
        raise InvalidError([fault("", "type", "the body should be an object")])
    return _read(model, value)


def faults_of(error: ValidationError, under: Iterable[str] = ()) -> list[Fault]:
    """Return what a model found, in our words where there are better ones; no value is repeated."""
    return [
        fault(pointer([*under, *_place(each["loc"])]), _code(each["type"]), _words(each["type"], each["msg"]))
        for each in error.errors(include_url=False, include_context=False, include_input=False)
    ]


def _read(model: type[M], given: Mapping[str, Any]) -> M:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise InvalidError(faults_of(error)) from None


def _place(location: Iterable[str | int]) -> list[str | int]:
    """Leave out which of several types was tried: it is no part of what was sent."""
    return [part for part in location if isinstance(part, int) or _TRIED.fullmatch(part) is None]


def _code(kind: str) -> str:
    return _CODES.get(kind, kind.replace("_", "-"))


def _words(kind: str, message: str) -> str:
    return _WORDS.get(kind, message.removeprefix("Value error, "))
