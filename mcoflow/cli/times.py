"""Times as people type them, and as they read them."""

from datetime import datetime
from typing import Final

import click

from mcoflow.clock import SystemClock


class Time(click.ParamType):  # type: ignore[type-arg]  # generic only for type checkers
    """A moment: ISO 8601, the next time it is so late, or from now."""

    name = "time"

    def __init__(self, *, past: bool = True) -> None:
        self._past = past

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the aware time."""
        from mcoflow.services.times import TIME_HINT, check_ahead, read_time

        if isinstance(value, datetime):
            return value
        now = SystemClock().now().astimezone()
        found = read_time(str(value).strip(), now)
        if found is None:
            self.fail(f"{value!r} is no time: {TIME_HINT}", param, ctx)
        try:
            if not self._past:
                check_ahead(found, now)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return found


TIME: Final = Time()
TIME_AHEAD: Final = Time(past=False)


def told(at: datetime | None) -> str:
    """Return a time in the zone of this machine: `2026-11-22 04:00:00 CET`; nothing for none."""
    return "" if at is None else at.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
