"""From views to what JSON knows: times in ISO 8601, durations in seconds, ids and words as text."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID


def plain(value: Any) -> Any:
    """Return the value as JSON knows it; a view becomes an object with its fields."""
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(_scalar(key)): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | AbstractSet):
        return [plain(each) for each in value]
    return _scalar(value)


def _scalar(value: Any) -> Any:
    match value:
        case Enum():
            return value.value
        case datetime():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case UUID() | Path():
            return str(value)
        case _:
            return value
