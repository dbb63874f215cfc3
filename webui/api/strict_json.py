"""JSON as it may arrive (HTTP specification, 1): anything a reader could take in two ways is refused."""

import json
import re
from typing import Any, Final, NoReturn

from werkzeug.exceptions import BadRequest

MAX_DEPTH: Final = 20
MAX_INT: Final = 2**53 - 1
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def read_json(body: bytes) -> Any:
    """Return the value; 400 for what is no UTF-8, no JSON, too deep, ambiguous, or beyond our numbers."""
    try:
        text = body.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant, parse_int=_integer)
    except UnicodeDecodeError:
        raise BadRequest("the body is not UTF-8") from None
    except RecursionError:
        raise BadRequest(f"the body is nested deeper than {MAX_DEPTH} levels") from None
    except ValueError as error:
        raise BadRequest(f"the body is no JSON: {error}") from None
    _check(value, 1)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not allowed")


def _integer(digits: str) -> int:
    number = int(digits) if len(digits) <= 17 else MAX_INT + 1
    if abs(number) > MAX_INT:
        raise ValueError("an integer is beyond ±(2^53 - 1): send it as text")
    return number


def _check(value: Any, depth: int) -> None:
    if isinstance(value, str) and "\x00" in value:
        raise BadRequest("a text contains NUL")
    if isinstance(value, str) and _SURROGATE.search(value):
        raise BadRequest("a text contains half of a surrogate pair")
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        raise BadRequest("a number is too large")
    if isinstance(value, dict | list):
        if depth > MAX_DEPTH:
            raise BadRequest(f"the body is nested deeper than {MAX_DEPTH} levels")
        for each in (*value, *value.values()) if isinstance(value, dict) else value:
            _check(each, depth + 1)
