"""Times as people read them, in the zone of the `tz` cookie."""

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flask import request

from webui.current import services

_UNITS: Final = ((86400, "day"), (3600, "h"), (60, "min"))
_LONGEST_NAME: Final = 64
IN_STEP: Final = 1.0
"""Seconds by which two clocks may differ: a message takes some time, too."""


@lru_cache(maxsize=128)
def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name) if name and len(name) <= _LONGEST_NAME else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def zone() -> tzinfo:
    """Return the reader's time zone, UTC if they named none (or none that there is)."""
    return _zone(request.cookies.get("tz", ""))


def zone_name() -> str:
    """Return the name of the reader's time zone."""
    return str(zone())


def exact(at: datetime) -> str:
    """Return `2026-11-21 10:42:07`."""
    return at.astimezone(zone()).strftime("%Y-%m-%d %H:%M:%S")


def clock_time(at: datetime) -> str:
    """Return `10:42:07`, with the date before it if it was not today."""
    local, today = at.astimezone(zone()), services().clock.now().astimezone(zone())
    return local.strftime("%H:%M:%S" if local.date() == today.date() else "%Y-%m-%d %H:%M:%S")


def ago(at: datetime) -> str:
    """Return `just now`, `5 min ago`, `3 days ago`."""
    seconds = int((services().clock.now() - at).total_seconds())
    for size, unit in _UNITS:
        if seconds >= size:
            number = seconds // size
            return f"{number} {unit}{'s' if unit == 'day' and number > 1 else ''} ago"
    return "just now" if seconds < 5 else f"{seconds} s ago"


def clock_words(difference: timedelta) -> str:
    """Return how a clock differs from ours: `in step`, `12 s ahead`, `3 min 5 s behind`."""
    seconds = difference.total_seconds()
    if abs(seconds) < IN_STEP:
        return "in step"
    return f"{took(abs(difference))} {'ahead' if seconds > 0 else 'behind'}"


def took(span: timedelta | None) -> str:
    """Return `40 ms`, `1.4 s`, `12 s`, `3 min 12 s`, `2 h 5 min`; a dash where nothing has begun."""
    if span is None:
        return "\u2013"
    seconds = span.total_seconds()
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
