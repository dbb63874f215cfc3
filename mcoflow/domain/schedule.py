"""When a plan that is stored now is to be planned and run."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from mcoflow.domain.records import PlanRecord
from mcoflow.errors import ScheduleInvalidError


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a plan is to start. Without any argument: as soon as an executor has time.

    Args:
        start_at: not before this time.
        start_before: not from this time on; a plan that waits until then is stopped with `timeout`.
        frozen: not before somebody unfreezes it.

    Raises:
        ScheduleInvalidError: a time without a zone, or a start_before that is not after start_at.
    """

    start_at: datetime | None = None
    start_before: datetime | None = None
    frozen: bool = False

    def __post_init__(self) -> None:
        for name in ("start_at", "start_before"):
            check_aware(name, getattr(self, name))
        if self.start_at and self.start_before and self.start_before <= self.start_at:
            raise ScheduleInvalidError(
                f"it would never run: start_before ({in_utc(self.start_before)}) is not after "
                f"start_at ({in_utc(self.start_at)})"
            )


@dataclass(frozen=True, slots=True)
class ScheduleRecord:
    """A schedule as it is stored. `unmet`: plans that have to end before; `input`: what `delay` wrote."""

    plan_id: UUID
    start_at: float | None = None
    start_before: float | None = None
    frozen: bool = False
    unmet: int = 0
    input: str = "{}"


@dataclass(frozen=True, slots=True)
class DuePlan:
    """A scheduled plan that an executor has claimed to plan it, and the input that `delay` wrote."""

    plan: PlanRecord
    input: str


@dataclass(frozen=True, slots=True)
class Due:
    """What an executor would find to do now."""

    plans: bool = False
    orphans: bool = False  #: plans whose planner died
    recurrences: bool = False

    def __bool__(self) -> bool:
        return self.plans or self.orphans or self.recurrences


def in_utc(at: float | datetime) -> str:
    """Return a time as it is told where no reader's zone is known: `2026-11-22 04:00:00 UTC`."""
    known = at.astimezone(UTC) if isinstance(at, datetime) else datetime.fromtimestamp(at, UTC)
    return f"{known:%Y-%m-%d %H:%M:%S} UTC"


def check_aware(name: str, at: datetime | None) -> None:
    """Raise ScheduleInvalidError for a time that could mean another moment elsewhere."""
    if at is not None and at.tzinfo is None:
        raise ScheduleInvalidError(f"{name} ({at}) has no time zone: write datetime(…, tzinfo=UTC)")


def timestamp(at: datetime | None) -> float | None:
    """Return the Unix time of a time."""
    return None if at is None else at.timestamp()
