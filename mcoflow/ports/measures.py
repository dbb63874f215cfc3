"""What is measured: names, labels and meanings, each once. Source: the engine's specification, chapter 6.

No label is ever an id, a host or a user: their number has no bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

SECONDS: Final = (0.005, 0.05, 0.5, 5.0, 60.0, 300.0, 1200.0)
"""Upper bounds of the buckets of durations."""
SECONDS_BY_ACTION: Final = (0.005, 0.1, 2.5, 60.0, 1200.0)
"""The same range where each bucket is a series per class, and per result or phase of it."""
LETTERS: Final = (1.0, 2.0, 5.0, 10.0, 50.0, 200.0, 1000.0)
OTHER: Final = "other"
"""The action label of a class that is not registered, or was renamed since."""


class Kind(StrEnum):
    """How the values of a measure behave."""

    COUNTER = "counter"  #: only rises, and begins with 0 in each process
    GAUGE = "gauge"  #: how it stands now
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, eq=False)
class Measure:
    """Something that is measured. `buckets` are the upper bounds of a histogram."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    meaning: str
    buckets: tuple[float, ...] = ()

    @property
    def full_name(self) -> str:
        """The name under which it is shown."""
        return f"mcoflow_{self.name}" + ("_total" if self.kind is Kind.COUNTER else "")


Key: TypeAlias = tuple[Measure, *tuple[str, ...]]
"""A measure, and the values of its labels in their order."""


def _counter(name: str, meaning: str, *labels: str) -> Measure:
    return Measure(name, Kind.COUNTER, labels, meaning)


def _gauge(name: str, meaning: str, *labels: str) -> Measure:
    return Measure(name, Kind.GAUGE, labels, meaning)


def _histogram(name: str, meaning: str, *labels: str, buckets: tuple[float, ...] = SECONDS) -> Measure:
    return Measure(name, Kind.HISTOGRAM, labels, meaning, buckets)


PLANS_ENDED: Final = _counter("plans_ended", "Plans that stopped.", "action", "result")
STEPS_ENDED: Final = _counter(
    "steps_ended", "Steps that ended; a step that is tried again may end again.", "action", "phase", "state"
)
EVENTS: Final = _counter(
    "events", "Events for steps: stored, delivered, refused at once, dropped undelivered.", "kind", "outcome"
)
REPLIES: Final = _counter(
    "replies", "Messages from hosts: applied, forwarded to the owner, or why they changed nothing.", "outcome"
)
PUBLISHES: Final = _counter(
    "publishes", "Messages to hosts: confirmed, unroutable, refused, or unknown (sent again).", "outcome"
)
LEASES: Final = _counter(
    "leases", "Plans that this executor took, took over while they ran, or lost to another.", "outcome"
)
FENCED_WRITES: Final = _counter(
    "fenced_writes", "Transactions refused because another executor owned one of their plans by then."
)
STORE_ERRORS: Final = _counter(
    "store_errors", "Calls of the database that failed: it was away (tried again), or refused.", "kind"
)
RESCUES: Final = _counter(
    "rescues", "Failed plans whose actions were asked what shall become of them.", "outcome"
)
HOOKS: Final = _counter("hooks", "Calls of hooks: success, or error (logged, no more).", "outcome")
SUB_PLANS: Final = _counter("sub_plans", "Plans that stopped and were made by a step of another.", "result")
RECURRENCES: Final = _counter(
    "recurrences",
    "Recurrences whose time came: fired, missed, skipped (the plan before goes on), failed.",
    "outcome",
)
CLEANED_PLANS: Final = _counter("cleaned_plans", "Old plans removed from the database by cleaning.")

PLANS: Final = _gauge("plans", "Plans in the database.", "state")
PLANS_WITHOUT_OWNER: Final = _gauge(
    "plans_without_owner",
    "Plans that could run and that no living executor has: for more than a moment, none is alive.",
)
WORKERS: Final = _gauge("workers", "Threads that run the code of steps.", "queue")
WORKERS_BUSY: Final = _gauge("workers_busy", "Those of them that are inside a step.", "queue")
QUEUE_JOBS: Final = _gauge("queue_jobs", "Steps that wait for a free worker.", "queue")
OUTBOX_ROWS: Final = _gauge("outbox_rows", "Requests stored that the broker has not confirmed.")
OUTBOX_OLDEST: Final = _gauge("outbox_oldest_seconds", "Age of the oldest of them; 0 if there is none.")
INBOX_ROWS: Final = _gauge("inbox_rows", "Events stored that no step has consumed.")
TIMERS: Final = _gauge("timers", "Timers of steps that have not gone off.")

PLAN_SECONDS: Final = _histogram(
    "plan_seconds",
    "From the first start of a plan to its stop, unless it was cancelled or halted.",
    "action",
    "result",
    buckets=SECONDS_BY_ACTION,
)
STEP_RUN_SECONDS: Final = _histogram(
    "step_run_seconds",
    "Time inside the code of a step, over all its calls.",
    "action",
    "phase",
    buckets=SECONDS_BY_ACTION,
)
STEP_REAL_SECONDS: Final = _histogram(
    "step_real_seconds",
    "From the start of a step to its end, sleep included; not of finalize steps, which do not sleep.",
    "action",
    "phase",
    buckets=SECONDS_BY_ACTION,
)
QUEUE_WAIT_SECONDS: Final = _histogram(
    "queue_wait_seconds", "How long steps waited for a free worker.", "queue"
)
COMMIT_SECONDS: Final = _histogram(
    "commit_seconds", "Duration of the executor's transactions, waits for the database included."
)
BATCH_EVENTS: Final = _histogram(
    "batch_events", "Letters (replies, results, commands) applied in one transaction.", buckets=LETTERS
)
TIMER_LATENESS: Final = _histogram("timer_lateness_seconds", "How much later than due timers went off.")

MEASURES: Final[Sequence[Measure]] = tuple(each for each in globals().values() if isinstance(each, Measure))
