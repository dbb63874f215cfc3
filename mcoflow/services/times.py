"""Unix times, as they are stored, to datetimes and durations; and times as people type them."""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

TIME_HINT: Final = (
    "write 2026-11-22T04:00 (with +01:00 or Z behind it, if it is of another zone), 04:00 or +2h"
)
_FROM_NOW: Final = re.compile(r"\+([0-9]{1,6})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SLOW_TYPING: Final = timedelta(minutes=1)


def read_time(text: str, now: datetime, zone: tzinfo | None = None) -> datetime | None:
    """Return the aware moment that a text means: ISO 8601, the next time it is so late, or from now.

    `now` is in the zone of times that name none: `zone`, or that of this machine. None if it is no time.
    """
    try:
        if ahead := _FROM_NOW.fullmatch(text):
            span = timedelta(**{_UNITS[ahead[2]]: int(ahead[1])})
            return (now.astimezone(UTC) + span).astimezone(now.tzinfo)
        if len(text) <= len("04:00:00"):
            return _next(text, now, zone)
        found = datetime.fromisoformat(text)
        found = found if found.tzinfo else _in(zone, found)
        found.astimezone(UTC)  # a moment at the edge of all time is none elsewhere
    except (ValueError, OverflowError):
        return None
    return found


def check_ahead(at: datetime, now: datetime) -> None:
    """Raise ValueError for a time that is past for longer than somebody needs to type it."""
    if at < now - _SLOW_TYPING:
        raise ValueError(f"{at:%Y-%m-%d %H:%M:%S %Z} is in the past: give a later time, or +0s for now")


def _next(text: str, now: datetime, zone: tzinfo | None) -> datetime:
    clock = datetime.strptime(text, "%H:%M" if text.count(":") == 1 else "%H:%M:%S").time()  # noqa: DTZ007
    today = _in(zone, datetime.combine(now.date(), clock))
    return today if today > now else _in(zone, datetime.combine(now.date() + timedelta(days=1), clock))


def _in(zone: tzinfo | None, naive: datetime) -> datetime:
    return naive.astimezone() if zone is None else naive.replace(tzinfo=zone)


def moment(stored: float | None) -> datetime | None:
    """Return the aware datetime, or None where nothing is stored."""
    return None if stored is None else datetime.fromtimestamp(stored, UTC)


def certain_moment(stored: float) -> datetime:
    """Return the aware datetime of a time that is always stored."""
    return datetime.fromtimestamp(stored, UTC)


def span(started: float | None, ended: float | None, now: float) -> timedelta | None:
    """Return how long it took, or has taken so far; None before it started."""
    if started is None:
        return None
    return timedelta(seconds=max(0.0, (now if ended is None else ended) - started))
