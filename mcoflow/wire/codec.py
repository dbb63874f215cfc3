"""JSON bytes under strict rules: equal values give equal bytes, and what is doubtful is refused.

Source: the project's bus specification, 3.1.
"""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, Final, NoReturn

from mcoflow.errors import MalformedMessageError

MAX_INTEGER: Final = 2**53 - 1
"""Beyond it, readers that keep numbers as doubles would see another number."""
MAX_DEPTH: Final = 20
MAX_VALUES: Final = 5_000
_SAFE_DIGITS: Final = 15
_NESTED: Final = (dict, list, tuple)
_DIGITS: Final = bytes(ord("0") if chr(byte) in "0123456789" else 0 for byte in range(256))
_LONG_NUMBER: Final = b"0" * (_SAFE_DIGITS + 1)

JsonObject = dict[str, Any]


def dumps(value: Mapping[str, Any]) -> bytes:
    """Return the canonical bytes: sorted keys, no spaces, least escapes, UTF-8.

    Raises MalformedMessageError for what `loads` would refuse.
    """
    try:
        data = _ENCODER.encode(value).encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:  # ValueError: NaN, a cycle, a lone surrogate
        raise MalformedMessageError(f"this cannot be sent as JSON: {error}") from error
    if _may_break_a_rule(data) or _LONG_NUMBER in data.translate(_DIGITS):
        _check_values(value)
    return data


def loads(data: bytes, limit: int) -> JsonObject:
    """Return the object in the bytes.

    Args:
        data: one JSON object in UTF-8, nothing after it.
        limit: most bytes accepted.

    Raises:
        MalformedMessageError: too long, no JSON object, or against a rule of this module.
    """
    if len(data) > limit:
        raise MalformedMessageError(f"{len(data)} bytes, at most {limit} are accepted")
    try:
        value = _DECODER.decode(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise MalformedMessageError(f"no JSON of ours: {type(error).__name__}: {error}") from None
    if not isinstance(value, dict):
        raise MalformedMessageError(f"a JSON object was expected, not {type(value).__name__}")
    if _may_break_a_rule(data):
        _check_values(value)
    return value


def _may_break_a_rule(data: bytes) -> bool:
    """Tell cheaply whether the values have to be walked: few brackets, commas and escapes prove that not."""
    nested = data.count(b"{") + data.count(b"[")
    return nested > MAX_DEPTH or nested + data.count(b",") >= MAX_VALUES or b"\\u" in data


def _check_values(top: object) -> None:
    """Walk level by level, without recursion; raise MalformedMessageError for the first broken rule."""
    level: list[object] = [top]
    seen = depth = 0
    while level:
        seen += len(level)
        depth += any(isinstance(value, _NESTED) for value in level)
        if seen > MAX_VALUES:
            raise MalformedMessageError(f"more than {MAX_VALUES} values")
        if depth > MAX_DEPTH:
            raise MalformedMessageError(f"nested deeper than {MAX_DEPTH}")
        level = [inner for value in level for inner in _inner(value)]


def _inner(value: object) -> Iterable[object]:
    """Check one value and return those inside it."""
    if isinstance(value, dict):
        for key in value:
            _check_text(str(key))
        return value.values()
    if isinstance(value, list | tuple):
        return value
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, int) and abs(value) > MAX_INTEGER:
        raise MalformedMessageError("an integer is beyond 2**53 - 1")
    return ()


def _check_text(text: str) -> None:
    if "\0" in text:
        raise MalformedMessageError("a text contains U+0000")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise MalformedMessageError("a text contains half of a surrogate pair") from None


def _unique(pairs: list[tuple[str, Any]]) -> JsonObject:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return made


def _integer(text: str) -> int:
    if len(text) > _SAFE_DIGITS and (len(text) > 17 or abs(int(text)) > MAX_INTEGER):
        raise ValueError("an integer is beyond 2**53 - 1")
    return int(text)


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is beyond what a double holds")
    return number


def _constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON number")


_ENCODER: Final = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"), check_circular=False
)
_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_integer, parse_float=_float, parse_constant=_constant
)
