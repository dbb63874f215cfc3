"""Plain data: what can be stored as JSON without loss."""

import json
import math
from typing import Any, Final

from mcoflow.domain.reference import OutputReference
from mcoflow.errors import NotSerialisableError

MAX_JSON: Final = 1 << 20
"""Bytes of one action's input or output."""
MAX_DEPTH: Final = 64
_MAX_INT: Final = 1 << 53
_SCALARS: Final = (str, bool, int, float, type(None))


def plain(value: Any, path: str = "", depth: int = 0) -> Any:
    """Return the value as plain data: tuples become lists, references their stored form.

    Raises:
        NotSerialisableError: names the path of a set, a NaN, a key that is no string, an object …
    """
    if depth > MAX_DEPTH:
        raise NotSerialisableError(f"{path or 'the value'} is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, OutputReference):
        return value.stored()
    if isinstance(value, dict):
        return {
            _key(key, path): plain(each, f"{path}.{key}" if path else str(key), depth + 1)
            for key, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [plain(each, f"{path}[{index}]", depth + 1) for index, each in enumerate(value)]
    return _scalar(value, path or "the value")


def to_json(value: Any) -> str:
    """Return plain data as compact JSON text; NotSerialisableError if it is larger than MAX_JSON."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if len(text) * 4 > MAX_JSON and len(text.encode()) > MAX_JSON:
        raise NotSerialisableError(f"the value takes {len(text.encode())} bytes of JSON, {MAX_JSON} at most")
    return text


def _scalar(value: Any, path: str) -> Any:
    if not isinstance(value, _SCALARS):
        raise NotSerialisableError(f"{path} is a {type(value).__name__}: only JSON values can be stored")
    if isinstance(value, float) and not math.isfinite(value):
        raise NotSerialisableError(f"{path} is {value}, which JSON does not have")
    if type(value) is int and abs(value) > _MAX_INT:
        raise NotSerialisableError(f"{path} is {value}, beyond ±2^53: pass it as a string")
    if isinstance(value, str):
        _check_text(value, path)
    return value


def _check_text(text: str, path: str) -> None:
    if "\x00" in text:
        raise NotSerialisableError(f"{path} contains a NUL character")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise NotSerialisableError(f"{path} contains a lone surrogate") from None


def _key(key: Any, path: str) -> str:
    if not isinstance(key, str):
        raise NotSerialisableError(f"{path or 'the value'} has the key {key!r}: keys must be strings")
    _check_text(key, f"a key of {path or 'the value'}")
    return key
