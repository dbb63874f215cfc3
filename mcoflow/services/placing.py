"""On which hosts, in which portions and when: the fields that all forms have, and how each is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import partial
from typing import Any, Final, TypeVar

from mcoflow.domain.ids import host_id
from mcoflow.domain.rollout import Offline, Share
from mcoflow.domain.schedule import Schedule
from mcoflow.errors import (
    FormInvalidError,
    InputInvalidError,
    RolloutInvalidError,
    ScheduleInvalidError,
    TargetInvalidError,
)
from mcoflow.services.offers import Lacking
from mcoflow.services.times import TIME_HINT, check_ahead, read_time

MAX_HOSTS: Final = 20_000
MAX_WAIT: Final = 604_800
CONFIRM_ABOVE: Final = 20
"""Above so many hosts their number has to be typed."""
_VISIBLE: Final = re.compile(r"[\x20-\x7e\t]*")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Placing:
    """The fields as they came, unchecked. `zone`: of times that name none."""

    hostname: str = ""
    target: str = ""
    limit: str = ""
    portions: Mapping[str, str] = field(default_factory=dict)
    start_at: str = ""
    start_before: str = ""
    zone: tzinfo = UTC
    confirm: str = ""
    check: bool = False


@dataclass(slots=True)
class Faults:
    """Collects one fault per field, the first."""

    found: dict[str, str] = field(default_factory=dict)

    def catch(self, name: str, read: Callable[[], T]) -> T | None:
        """Return what `read` returns, or None after noting its complaint."""
        try:
            return read()
        except ValueError as fault:
            self.found.setdefault(name, str(fault))
            return None

    def check(self) -> None:
        """Raise FormInvalidError, which names every field that is wrong, if one is."""
        if self.found:
            raise FormInvalidError(self.found)


def where_of(placing: Placing, faults: Faults) -> dict[str, Any]:
    """Return on which hosts and in which portions, as arguments of an action."""
    if placing.target.strip():
        where: dict[str, Any] = {"target": faults.catch("target", lambda: _target_of(placing))}
    else:
        where = named_hosts(placing, faults)
    if limit := placing.limit.strip():
        where["limit"] = faults.catch("limit", lambda: _limit(limit, placing))
    said = {name: text.strip() for name, text in placing.portions.items() if text.strip()}
    rollout = {name: faults.catch(name, partial(PORTIONS[name], text)) for name, text in said.items()}
    return {**where, "rollout": rollout} if rollout else where


def named_hosts(placing: Placing, faults: Faults) -> dict[str, Any]:
    """Return the hosts that are named, as arguments of an action."""
    return {"hosts": list(faults.catch("hostname", lambda: hosts_of(placing.hostname)) or ())}


def check_number(placing: Placing, hosts: int, faults: Faults, lacking: Sequence[Lacking] = ()) -> None:
    """Note it as a fault if these are many hosts, or some would refuse, and their number was not typed."""
    if placing.confirm.strip() == str(hosts) or (hosts <= CONFIRM_ABOVE and not lacking):
        return
    now = " now" if placing.target.strip() else ""  # tomorrow it may mean others
    goes = [f"this goes to {hosts} hosts{now}"] if hosts > CONFIRM_ABOVE else []
    refuse = [f"{each.words}; there it ends as rejected" for each in lacking]
    faults.found.setdefault("confirm", f"{'; '.join([*goes, *refuse])}: type {hosts} to confirm")


def schedule_of(placing: Placing, now: datetime) -> Schedule | None:
    """Return when it starts, None for at once; FormInvalidError names what is wrong of both times."""
    faults, here = Faults(), now.astimezone(placing.zone)

    def read(name: str, text: str) -> datetime | None:
        return faults.catch(name, lambda: _time(text, here, placing.zone)) if text else None

    start_at = read("start_at", placing.start_at.strip())
    start_before = read("start_before", placing.start_before.strip())
    faults.check()
    try:
        return Schedule(start_at, start_before) if start_at or start_before else None
    except ScheduleInvalidError as error:
        raise FormInvalidError({"start_before": str(error)}) from None


def hosts_of(text: str) -> tuple[str, ...]:
    """Return the identities in a text, separated by commas or blanks, each once; else ValueError."""
    if _VISIBLE.fullmatch(text) is None:
        raise ValueError(
            f"{shown(text)} is no host name: only letters, digits, '.' and '-' are allowed in one"
        )
    words = [word for word in re.split("[, \t]+", text) if word]
    if not words:
        raise ValueError("name a host, or several separated by commas, or give a target")
    if len(words) > MAX_HOSTS:
        raise ValueError(f"{len(words)} hosts are too many, {MAX_HOSTS} at most")
    try:
        return tuple(dict.fromkeys(host_id(word) for word in words))
    except InputInvalidError as error:
        raise ValueError(str(error)) from None


def shown(text: str) -> str:
    """Return what was typed in quotes, cut if it is long."""
    return repr(text if len(text) <= 80 else text[:77] + "...")


def _time(text: str, now: datetime, zone: tzinfo) -> datetime:
    found = read_time(text, now, zone)
    if found is None:
        raise ValueError(f"{shown(text)} is no time: {TIME_HINT}")
    check_ahead(found, now)
    return found


def _share(text: str) -> str:
    try:
        share = Share.parse(text)
    except RolloutInvalidError as error:
        raise ValueError(str(error)) from None
    return str(share)


def _batch(text: str) -> str:
    if not Share.parse(share := _share(text)).number:
        raise ValueError("a wave has one host at least")
    return share


def _limit(text: str, placing: Placing) -> str:
    if not placing.target.strip():
        raise ValueError("it chooses among the hosts of a target: these are named")
    if not Share.parse(share := _share(text)).number:
        raise ValueError("a limit of 0 hosts would run nothing: give 1 or more, or no limit")
    return share


def _count(text: str) -> int:
    if not re.fullmatch("[0-9]{1,6}", text):
        raise ValueError(f"{shown(text)} is no number of hosts")
    return int(text)


def _seconds(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", text) or float(text) > MAX_WAIT:
        raise ValueError(f"{shown(text)} is no number of seconds, a week at most")
    return float(text)


def _offline(text: str) -> str:
    if text not in set(Offline):
        raise ValueError(f"{shown(text)}: there are {', '.join(Offline)}")
    return text


PORTIONS: Final[Mapping[str, Callable[[str], Any]]] = {
    "batch": _batch,
    "canary": _count,
    "max_failures": _share,
    "wait": _seconds,
    "offline": _offline,
}
"""The fields that say in which portions hosts get their turn, and how each is read."""


def _target_of(placing: Placing) -> str:
    from mcoflow.domain.target_text import parse_target

    if placing.hostname.strip():
        raise ValueError("give hosts or a target, not both")
    try:
        parse_target(placing.target)
    except TargetInvalidError as error:
        raise ValueError(str(error)) from None
    return placing.target.strip()
