"""Work that comes back: when it is due, and what becomes of times that were missed.

Times are reckoned by the library cronsim in the named zone, as Debian's cron does: over a change of the clock
a time that is fixed to an hour comes once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, Literal, get_args
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from mcoflow.domain.schedule import check_aware, in_utc
from mcoflow.errors import InvalidMoveError, ScheduleInvalidError

Overlap = Literal["skip", "allow", "queue"]
"""What becomes of a run that is due while the one before goes on."""
Missed = Literal["none", "one", "all"]
"""How many of the runs are made up for that were due while no executor was there."""
GRACE: Final = 15.0
"""Seconds after which a time counts as missed."""
AT_ONCE: Final = 100
"""Missed runs that are made up for in one transaction; the others follow."""
_WINDOWS: Final = (60.0, 3600.0, 86400.0)


class RecurrenceState(StrEnum):
    """Where a recurrence stands. The values are stored: add, never rename."""

    ACTIVE = "active"
    DISABLED = "disabled"  #: by a person, until it is enabled
    FINISHED = "finished"  #: its last run was made
    CANCELLED = "cancelled"
    FAILED = "failed"  #: its next time cannot be reckoned


_R = RecurrenceState
RECURRENCE_MOVES: Final[Mapping[RecurrenceState, frozenset[RecurrenceState]]] = {
    _R.ACTIVE: frozenset({_R.DISABLED, _R.FINISHED, _R.CANCELLED, _R.FAILED}),
    _R.DISABLED: frozenset({_R.ACTIVE, _R.CANCELLED}),
    _R.FAILED: frozenset({_R.ACTIVE, _R.CANCELLED}),
    _R.FINISHED: frozenset(),
    _R.CANCELLED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Recurrence:
    """When an action is to be planned again and again.

    Args:
        cron: five fields as in crontab(5), or six with seconds first.
        timezone: the zone in which they are meant, as `Europe/Vienna`.
        starts, ends: the first and the last moment at which it may run.
        max_runs: how often, 1 or more.
        overlap: while the run before still goes on: skip this one, allow both, or queue it behind.
        missed: of the runs that were due while no executor was there, make up for none, one or all.
        purpose: a name that no other active recurrence has.

    Raises:
        ScheduleInvalidError: names what is wrong.
    """

    cron: str
    timezone: str = "UTC"
    starts: datetime | None = None
    ends: datetime | None = None
    max_runs: int | None = None
    overlap: Overlap = "skip"
    missed: Missed = "one"
    purpose: str | None = None

    def __post_init__(self) -> None:
        for name in ("starts", "ends"):
            check_aware(name, getattr(self, name))
        if self.starts and self.ends and self.ends < self.starts:
            raise ScheduleInvalidError(f"ends ({in_utc(self.ends)}) is before starts ({in_utc(self.starts)})")
        if self.max_runs is not None and self.max_runs < 1:
            raise ScheduleInvalidError(f"max_runs is 1 or more, not {self.max_runs}")
        _check_choice("overlap", self.overlap, get_args(Overlap))
        _check_choice("missed", self.missed, get_args(Missed))
        next_after(self.cron, self.timezone, 0.0)


@dataclass(frozen=True, slots=True)
class RecurrenceRecord:
    """A recurrence as it is stored; times are Unix times. `runs`: plans made.

    `explanation`: why it has failed; else the run that was left out last, with its time.
    """

    id: UUID
    action: str
    args: str
    label: str
    created_at: float
    cron: str
    timezone: str = "UTC"
    starts: float | None = None
    ends: float | None = None
    max_runs: int | None = None
    overlap: str = "skip"
    missed: str = "one"
    purpose: str | None = None
    user: str = ""
    input: str = "{}"
    state: RecurrenceState = RecurrenceState.ACTIVE
    next_at: float | None = None
    runs: int = 0
    last_plan_id: UUID | None = None
    explanation: str = ""

    def plan_id(self, at: float) -> UUID:
        """The id of the plan of a time: whoever makes it, it is the same."""
        return uuid5(self.id, datetime.fromtimestamp(at, UTC).isoformat())


@dataclass(frozen=True, slots=True)
class Firing:
    """What is to be done with a recurrence that is due: plans for `times`, and what stands afterwards.

    `missed_from`: the first time that passed while no executor was there and gets no plan of its own.
    """

    times: tuple[float, ...]
    next_at: float | None
    missed_from: float | None = None


def next_after(cron: str, timezone: str, at: float) -> float | None:
    """Return the first time after `at`; None if there is none any more.

    Raises:
        ScheduleInvalidError: no such zone on this machine, or a cron expression that says nothing.
    """
    try:
        zone = UTC if timezone == "UTC" else ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ScheduleInvalidError(f"there is no time zone {timezone!r}: write it as Europe/Vienna") from None
    try:
        for found in CronSim(cron, datetime.fromtimestamp(at, zone)):
            if (moment := found.timestamp()) > at:
                return moment
    except CronSimError as error:
        raise ScheduleInvalidError(
            f"{cron!r} is no cron expression ({error}): "
            "write minute hour day month weekday, as '30 4 * * 1-5'"
        ) from None
    return None


def first_time(record: RecurrenceRecord, now: float) -> float | None:
    """Return the first time from now on, within `starts` and `ends`; None if there is none."""
    earliest = now if record.starts is None else max(now, record.starts - 1e-6)
    return _within(record, next_after(record.cron, record.timezone, earliest))


def firing(record: RecurrenceRecord, now: float) -> Firing:
    """Say what a recurrence has to do whose time has come."""
    times = _due(record, now)
    following = _within(record, next_after(record.cron, record.timezone, times[-1]))
    if record.missed == "none":
        times = [at for at in times if now - at <= GRACE]
    if record.missed != "all":
        times = times[-1:]
    if record.max_runs is not None:
        times = times[: record.max_runs - record.runs]
    planned = record.next_at is None or record.next_at in times
    return Firing(tuple(times), following, None if planned else record.next_at)


def check_recurrence_move(record: RecurrenceRecord, wanted: RecurrenceState) -> None:
    """Raise InvalidMoveError unless the table has the move."""
    if wanted not in RECURRENCE_MOVES[record.state]:
        what = f"recurrence {record.id}"
        raise InvalidMoveError(what, record.state, wanted, RECURRENCE_MOVES[record.state])


def _due(record: RecurrenceRecord, now: float) -> list[float]:
    """Return the times from the next one until now; the latest will do, unless all are made up for."""
    at: float | None = record.next_at
    if record.missed != "all":
        at = max(at or 0.0, _recent(record, now))
    times: list[float] = []
    while at is not None and at <= now and (record.missed != "all" or len(times) < AT_ONCE):
        times.append(at)
        at = _within(record, next_after(record.cron, record.timezone, at))
    return times


def _recent(record: RecurrenceRecord, now: float) -> float:
    """Return a time not long ago, so that years of minutes need not be counted; 0 if there is none."""
    for window in _WINDOWS:
        found = _within(record, next_after(record.cron, record.timezone, now - window))
        if found is not None and found <= now:
            return found
    return 0.0


def _within(record: RecurrenceRecord, at: float | None) -> float | None:
    return None if at is None or (record.ends is not None and at > record.ends) else at


def _check_choice(name: str, given: str, known: tuple[str, ...]) -> None:
    if given not in known:
        raise ScheduleInvalidError(f"{name} is {', '.join(known[:-1])} or {known[-1]}, not {given!r}")
