"""Readers of single fields: each takes a body and a name, returns the typed value or refuses it by name."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, TypeVar
from uuid import UUID

from mcoflow.errors import MalformedMessageError
from mcoflow.wire import codec

Word = TypeVar("Word", bound=StrEnum)
Pattern = re.Pattern[str]

EXECUTOR_TOKEN: Final = re.compile(r"x-[a-z0-9]{12}")
NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
COLLECTIVE: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)


def wrong(name: str, wanted: str) -> MalformedMessageError:
    """Make the error for a field that is missing or is not what is wanted."""
    return MalformedMessageError(f"field {name}: {wanted} was expected")


def integer(body: Mapping[str, Any], name: str, low: int = 0, high: int = codec.MAX_INTEGER) -> int:
    """Read an integer from `low` to `high`."""
    value = body.get(name)
    if type(value) is int and low <= value <= high:
        return value
    raise wrong(name, f"an integer from {low} to {high}")


def boolean(body: Mapping[str, Any], name: str) -> bool:
    """Read true or false."""
    value = body.get(name)
    if value is True or value is False:
        return value
    raise wrong(name, "true or false")


def text(body: Mapping[str, Any], name: str, limit: int) -> str:
    """Read a text of at most `limit` bytes of UTF-8."""
    value = body.get(name)
    if type(value) is str and (len(value) * 4 <= limit or len(value.encode()) <= limit):
        return value
    raise wrong(name, f"a text of at most {limit} bytes")


def matching(body: Mapping[str, Any], name: str, pattern: Pattern) -> str:
    """Read a text that the whole pattern fits."""
    value = body.get(name)
    if type(value) is str and pattern.fullmatch(value):
        return value
    raise wrong(name, f"a text like {pattern.pattern}")


def uuid(body: Mapping[str, Any], name: str) -> UUID:
    """Read a UUID in lower case."""
    value = body.get(name)
    if type(value) is str and _UUID.fullmatch(value):
        return UUID(value)
    raise wrong(name, "a UUID in lower case")


def uuid_or_null(body: Mapping[str, Any], name: str) -> UUID | None:
    """Read a UUID or null; the field has to be there."""
    return None if name in body and body[name] is None else uuid(body, name)


def uuids(body: Mapping[str, Any], name: str, most: int) -> tuple[UUID, ...]:
    """Read a list of at most `most` UUIDs in lower case."""
    return tuple(map(UUID, names(body, name, most, _UUID)))


def time(body: Mapping[str, Any], name: str) -> datetime:
    """Read a time such as 2026-11-21T05:10:00.123Z."""
    value = body.get(name)
    if type(value) is str and _TIME.fullmatch(value):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            raise wrong(name, "a time that exists") from None
    raise wrong(name, "a time like 2026-11-21T05:10:00.123Z")


def word(body: Mapping[str, Any], name: str, words: type[Word]) -> Word:
    """Read one of the words of an enumeration."""
    try:
        return words(body.get(name, ""))
    except ValueError:
        raise wrong(name, "one of " + ", ".join(words)) from None


def words(body: Mapping[str, Any], name: str, known: type[Word]) -> tuple[Word, ...]:
    """Read a list of words of an enumeration; those that a later release added are passed over."""
    value = body.get(name)
    if type(value) is list and all(type(item) is str for item in value):
        return tuple(word for word in known if word in value)
    raise wrong(name, "a list of words")


def mapping(body: Mapping[str, Any], name: str, limit: int, size: int) -> codec.JsonObject:
    """Read an object of at most `limit` bytes; `size` is that of the whole message, often proof enough."""
    value = body.get(name)
    if type(value) is dict and (size <= limit or len(codec.dumps(value)) <= limit):
        return value
    raise wrong(name, f"an object of at most {limit} bytes")


def names(body: Mapping[str, Any], name: str, most: int, pattern: Pattern) -> tuple[str, ...]:
    """Read a list of at most `most` texts that the whole pattern fits."""
    value = body.get(name)
    items = value if type(value) is list else [None]
    if len(items) <= most and all(type(item) is str and pattern.fullmatch(item) for item in items):
        return tuple(items)
    raise wrong(name, f"a list of at most {most} texts like {pattern.pattern}")


def given(body: Mapping[str, Any], name: str) -> bool:
    """Tell whether an optional field is there; null counts as absent."""
    return body.get(name) is not None


def without_none(body: codec.JsonObject) -> codec.JsonObject:
    """Leave out what is None."""
    return {name: value for name, value in body.items() if value is not None}


def time_text(moment: datetime) -> str:
    """Write a time of UTC, cut to milliseconds."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"
