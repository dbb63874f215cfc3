"""Times as people type them, and as they read them."""

import re
from datetime import datetime, timedelta
from typing import Final

import click

from mcoflow.clock import SystemClock

_FROM_NOW: Final = re.compile(r"\+(\d{1,6})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SLOW_TYPING: Final = timedelta(minutes=1)
_HINT: Final = (
    "write 2026-11-22T04:00 (with +01:00 or Z behind it, else the zone of this machine), 04:00 or +2h"
)


class Time(click.ParamType):  # type: ignore[type-arg]  # generic only for type checkers
    """A moment: ISO 8601, the next time it is so late, or from now."""

    name = "time"

    def __init__(self, *, past: bool = True) -> None:
        self._past = past

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the aware time."""
        if isinstance(value, datetime):
            return value
        now = SystemClock().now().astimezone()
        found = _read(str(value).strip(), now)
        if found is None:
            self.fail(f"{value!r} is no time: {_HINT}", param, ctx)
        if not self._past and found < now - _SLOW_TYPING:
            self.fail(f"{told(found)} is in the past: give a later time, or +0s for now", param, ctx)
        return found


TIME: Final = Time()
TIME_AHEAD: Final = Time(past=False)


def told(at: datetime | None) -> str:
    """Return a time in the zone of this machine: `2026-11-22 04:00:00 CET`; nothing for none."""
    return "" if at is None else at.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def _read(text: str, now: datetime) -> datetime | None:
    if ahead := _FROM_NOW.fullmatch(text):
        return now + timedelta(**{_UNITS[ahead[2]]: int(ahead[1])})
    try:
        if len(text) <= len("04:00:00"):
            clock = datetime.strptime(text, "%H:%M" if text.count(":") == 1 else "%H:%M:%S").time()  # noqa: DTZ007
            today = datetime.combine(now.date(), clock).astimezone()
            return (
                today if today > now else datetime.combine(now.date() + timedelta(days=1), clock).astimezone()
            )
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo else found.astimezone()
