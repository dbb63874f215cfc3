"""How many sub-plans there may be and when, and how far an action has come with its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from mcoflow.action.stage import ChildrenWait
from mcoflow.errors import PlanningError


@dataclass(frozen=True, slots=True)
class Limits:
    """How many sub-plans there are at once, and when they begin. None: no limit.

    Args:
        concurrency: so many that have not come to rest, 1 or more.
        spacing: time between the beginnings of two, above zero.
        window: time since the first batch; what is not created within it never is, and counts as cancelled.
        max_failures: so many are borne, 0 or more; after one more none is created.
    """

    concurrency: int | None = None
    spacing: timedelta | None = None
    window: timedelta | None = None
    max_failures: int | None = None

    def __post_init__(self) -> None:
        if self.concurrency is not None and self.concurrency < 1:
            raise PlanningError(f"limits: concurrency must be 1 or more, got {self.concurrency}")
        if self.spacing is not None and self.spacing <= timedelta(0):
            raise PlanningError(f"limits: spacing must be above zero, got {self.spacing}")
        if self.max_failures is not None and self.max_failures < 0:
            raise PlanningError(f"limits: max_failures must be 0 or more, got {self.max_failures}")


@dataclass(frozen=True, slots=True)
class SubPlanCounts:
    """Sub-plans by where they stand. Paused counts as error; `cancelled` has those never created, too."""

    total: int = 0
    planned: int = 0
    running: int = 0
    success: int = 0
    warning: int = 0
    error: int = 0
    cancelled: int = 0
    halted: int = 0

    def words(self) -> str:
        """Say it in words: `3 of 5 sub-plans succeeded: 1 error, 1 cancelled`."""
        others = ("planned", "running", "warning", "error", "cancelled", "halted")
        told = [f"{count} {name}" for name in others if (count := getattr(self, name))]
        rest = f": {', '.join(told)}" if told else ""
        return f"{self.success} of {self.total} sub-plans succeeded{rest}"


@dataclass(slots=True)
class Progress:
    """What is stored of the sub-plans of an action.

    `created` and `next_at` say where creation goes on; `since` and `failed_since` are those created after the
    last count. `borne` are failures of earlier attempts. `closed` says why no more are created.
    """

    total: int
    attempt: int = 0
    created: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    since: int = 0
    failed_since: int = 0
    borne: int = 0
    begun_at: float | None = None
    next_at: float = 0.0
    planning_finished: bool = False
    cancelled: bool = False
    closed: str = ""

    @property
    def live(self) -> int:
        """Sub-plans that have not come to rest, as far as is known; never too few."""
        return self.counts.get("planned", 0) + self.counts.get("running", 0) + self.since

    @property
    def rested(self) -> int:
        """Sub-plans that had come to rest at the last count."""
        return sum(
            self.counts.get(name, 0) for name in ("success", "warning", "error", "cancelled", "halted")
        )

    @property
    def failures(self) -> int:
        """Sub-plans that failed in this attempt."""
        return self.counts.get("error", 0) + self.counts.get("halted", 0) + self.failed_since - self.borne

    @property
    def creating(self) -> bool:
        """Whether there are sub-plans yet to be created."""
        return self.created < self.total and not self.closed and not self.cancelled


def ends(progress: Progress, window: timedelta) -> float:
    """When the window closes, Unix."""
    begun = progress.begun_at or 0.0
    return begun + window.total_seconds()


def next_at(planned: float, spacing: float, now: float) -> float:
    """Keep to the beat; if a beat was missed, begin a new one now."""
    return planned + spacing if planned + spacing > now else now + spacing


def awaited(progress: Progress, limits: Limits, now: float) -> ChildrenWait:
    """Say what is waited for: the next batch at once, a time, or a sub-plan that comes to rest."""
    if not progress.creating:
        return ChildrenWait(more=not progress.live, fresh=True)
    full = limits.concurrency is not None and progress.live >= limits.concurrency
    if limits.spacing is None and not full:
        return ChildrenWait(more=True)
    times = [] if limits.spacing is None or full else [progress.next_at]
    times += [] if limits.window is None else [ends(progress, limits.window)]
    until = min(times, default=None)
    if until is not None and until <= now:
        return ChildrenWait(more=True)
    return ChildrenWait(until=until)
