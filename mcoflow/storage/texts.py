"""Between values and what a column holds: JSON as compact text, identifiers as hexadecimal digits."""

import json
from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

to_json: Final = json.JSONEncoder(separators=(",", ":")).encode
"""ASCII only, so that no odd character of an action's data can stop a commit."""

from_json: Final = json.loads


def clean(text: str) -> str:
    """Return text that every database takes: NUL and lone surrogates become U+FFFD."""
    if text.isascii():
        return text.replace("\0", "\ufffd") if "\0" in text else text
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace").replace("\0", "\ufffd")


def hex_or_none(identifier: UUID | None) -> str | None:
    """Return the digits of an identifier, if there is one."""
    return None if identifier is None else identifier.hex


def hex_rows(identifiers: Iterable[UUID]) -> list[tuple[Any, ...]]:
    """Return identifiers as rows of one field, each once."""
    return [(digits,) for digits in dict.fromkeys(each.hex for each in identifiers)]
