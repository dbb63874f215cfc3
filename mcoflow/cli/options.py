"""Values of options that several commands take."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import click

_SECONDS: Final[Mapping[str, int]] = {"m": 60, "h": 3600, "d": 86400, "w": 604800}

_UNITS: Final[Mapping[str, int]] = {"s": 1, **_SECONDS}
_NUMBER: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")

_YES: Final = ("yes", "true", "1")
_NO: Final = ("no", "false", "0")


class Age(click.ParamType[timedelta]):
    """A time span like `30d` or `12h`."""

    name = "age"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Return the span."""
        text = str(value).strip()
        if text[-1:] not in _SECONDS or not text[:-1].isdecimal() or len(text) > 7:
            shown = text[:80]
            self.fail(f"{shown!r} is no age: a whole number and one of m, h, d, w, like 30d", param, ctx)
        return timedelta(seconds=int(text[:-1]) * _SECONDS[text[-1]])


class Seconds(click.ParamType[float]):
    """A time span in seconds, or with a unit like `10m`; not negative."""

    name = "seconds"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds."""
        text = str(value).strip()
        number, unit = (text[:-1], text[-1]) if text[-1:] in _UNITS else (text, "s")
        if not _NUMBER.fullmatch(number):
            self.fail(f"{text[:80]!r} is no time span: write 30, 30s, 10m or 1h", param, ctx)
        return float(number) * _UNITS[unit]


class Match(click.ParamType[tuple[str, object]]):
    """`FIELD=VALUE`."""

    name = "match"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, object]:
        """Return field and value."""
        field, sign, wanted = str(value).partition("=")
        if not sign:
            self.fail(f"{str(value)[:80]!r}: write FIELD=VALUE, like state=paused", param, ctx)
        possible = _possible(field.strip())
        if wanted and possible and wanted not in possible:
            self.fail(
                f"no task has {field.strip()} {wanted[:80]!r}: there are {', '.join(possible)}", param, ctx
            )
        try:
            return field.strip(), _value(field.strip(), wanted)
        except ValueError:
            self.fail(f"{field} has to be a number, not {wanted[:80]!r}", param, ctx)


def matches(given: Iterable[tuple[str, object]]) -> dict[str, object]:
    """Return what to ask for: a field that is given twice may have either value, an empty one none."""
    found: dict[str, list[object]] = {}
    for field, value in given:
        found.setdefault(field, []).append(value)
    return dict(found)


def _possible(field: str) -> Sequence[str]:
    """Return the values that a field can have; none if they cannot be named."""
    from mcoflow.domain.states import PlanResult, PlanState

    named: Mapping[str, Iterable[str]] = {"state": PlanState, "result": PlanResult, "delayed": (*_YES, *_NO)}
    return list(named.get(field, ()))


def _value(field: str, text: str) -> object:
    if not text:
        return None
    if field == "delayed":
        return text in _YES
    return float(text) if field in ("started_at", "ended_at", "caller_action_id") else text


def json_or_text(value: str) -> Any:
    """Return what a value on the command line means as JSON; what is no JSON stands for itself."""
    try:
        return json.loads(value)
    except ValueError:
        return value
