"""What pages and the command line show, as plain values. Times are aware datetimes in UTC."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from mcoflow.domain.presence import Presence, is_clock_off
from mcoflow.domain.recurrence import RecurrenceState
from mcoflow.domain.requests import CommandKind
from mcoflow.domain.states import Phase, PlanResult, PlanState, StepState
from mcoflow.services.rollouts import RolloutView


class Mark(StrEnum):
    """How a state is drawn: every state has a shape and a word, never a colour alone."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCESS = "success"
    ERROR = "error"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    PAUSED = "paused"
    WARNING = "warning"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Counters:
    """Run and finalize steps of a plan by where they stand; `warned` are those of the done with warnings."""

    total: int
    done: int
    failed: int
    waiting: int
    running: int
    pending: int
    cancelled: int
    skipped: int
    warned: int = 0

    def words(self) -> str:
        """Return the one summary line: `3 of 5 done, 1 of them warned, 1 failed`."""
        warned = f", {self.warned} of them warned" if self.warned else ""
        parts = [f"{self.done} of {self.total} done{warned}"]
        named = ((self.failed, "failed"), (self.skipped, "skipped"), (self.cancelled, "cancelled"))
        return ", ".join(parts + [f"{count} {word}" for count, word in named if count])


@dataclass(frozen=True, slots=True)
class ScheduleView:
    """When a task starts that is planned later; `words` say what it waits for."""

    start_at: datetime | None
    start_before: datetime | None
    frozen: bool
    waits_for: int
    words: str


@dataclass(frozen=True, slots=True)
class PlanView:
    """One task. `mark` and `word` are its state and result in one; `explanation` says why it stands there.

    `progress` is from 0 to 1 by the weights of its steps. `caller` is the task that called it.
    """

    id: UUID
    title: str
    action: str
    state: PlanState
    result: PlanResult
    mark: Mark
    word: str
    explanation: str
    user: str
    hosts: Sequence[str]
    simulated: bool
    counters: Counters
    arguments: Mapping[str, Any]
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    duration: timedelta | None
    cancel_requested: bool
    pause_requested: bool
    version: int
    allowed: Sequence[CommandKind]
    progress: float
    schedule: ScheduleView | None = None
    caller: UUID | None = None
    rollouts: Sequence[RolloutView] = ()

    @property
    def will_pause(self) -> bool:
        """Whether a pause was asked for that has not come, and can be withdrawn."""
        asked = self.pause_requested or any(each.pauses for each in self.rollouts)
        return asked and self.state is PlanState.RUNNING and not self.cancel_requested

    def words(self) -> str:
        """Return the summary line; with the progress, where it says more than the numbers of steps."""
        counters = self.counters
        if self.result is PlanResult.WARNING and not (counters.skipped or counters.warned):
            return f"{counters.words()}, with warnings"
        counted = (counters.done + counters.skipped) / counters.total if counters.total else self.progress
        if self.at_rest or abs(self.progress - counted) < 0.005:
            return counters.words()
        return f"{counters.words()}, {self.progress:.0%}"

    @property
    def played(self) -> str:
        """Whether its hosts are simulated, without counting them: empty if none is."""
        if not self.simulated:
            return ""
        return "simulated" if len(self.hosts) == 1 else "some simulated"

    @property
    def at_rest(self) -> bool:
        """Whether nothing will move before a person acts."""
        return self.state in (PlanState.PAUSED, PlanState.STOPPED)


@dataclass(frozen=True, slots=True)
class StepView:
    """One step in a list. `subject` is the package or service, if known; `words` its outcome, or state.

    `progress` is from 0 to 1, None if its action does not tell. `outcome`: the exact one on its host, if any.
    """

    id: int
    phase: Phase
    action: str
    title: str
    subject: str
    host: str | None
    state: StepState
    mark: Mark
    words: str
    unknown_effect: bool
    attempt: int
    progress: float | None
    error: str
    warnings: Sequence[str]
    started_at: datetime | None
    ended_at: datetime | None
    duration: timedelta | None
    outcome: str = ""
    action_id: int = 0


@dataclass(frozen=True, slots=True)
class StepDetail:
    """One step with its data. `waits_for`: the steps right before it; `note`: what became of its request."""

    step: StepView
    queue: str
    error_kind: str
    traceback: str
    input: Mapping[str, Any]
    output: Mapping[str, Any]
    execution_time: float
    request_id: UUID | None
    note: str
    waits_for: Sequence[StepView]
    simulated: bool
    may_skip: bool


@dataclass(frozen=True, slots=True)
class HistoryView:
    """One line of what happened."""

    at: datetime
    name: str
    actor: str
    world: UUID | None
    detail: str


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """A message that changed nothing, and why it did not."""

    at: datetime
    why: str
    host: str
    request_id: UUID | None
    detail: str
    text: str


@dataclass(frozen=True, slots=True)
class PlanPage:
    """A page of tasks, newest first; `next` is the cursor of older ones, empty at the end."""

    items: Sequence[PlanView]
    next: str


@dataclass(frozen=True, slots=True)
class LastRun:
    """The task that a recurrence made last; `word`: how it stands or ended. One deleted since has no time."""

    id: UUID
    mark: Mark
    word: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class RecurrenceView:
    """Something that comes back. `next_at`: None unless it is active; `last`: None before its first run.

    `explanation`: why it has failed; else the run that was left out last, with its time.
    """

    id: UUID
    title: str
    action: str
    arguments: Mapping[str, Any]
    state: RecurrenceState
    mark: Mark
    cron: str
    timezone: str
    starts: datetime | None
    ends: datetime | None
    max_runs: int | None
    overlap: str
    missed: str
    purpose: str
    user: str
    created_at: datetime
    next_at: datetime | None
    runs: int
    last: LastRun | None
    explanation: str


@dataclass(frozen=True, slots=True)
class HostView:
    """One host in a list. `conflict`: `daemon` and `rival` both live and call themselves so."""

    name: str
    presence: Presence
    simulated: bool
    collectives: Sequence[str]
    version: str
    executing: int
    first_seen: datetime
    last_seen: datetime
    clock_difference: timedelta
    conflict: bool = False
    daemon: UUID | None = None
    rival: UUID | None = None

    @property
    def word(self) -> str:
        """How the host is there; that two claim to be it comes first."""
        return "conflict" if self.conflict else str(self.presence)

    @property
    def clock_off(self) -> bool:
        """Whether its clock goes so wrong that people have to know."""
        return is_clock_off(self.clock_difference.total_seconds())

    @property
    def warnings(self) -> Sequence[str]:
        """What people should do something about."""
        found = []
        if self.conflict:
            found.append(
                f"two agents call themselves {self.name}: daemons {self.daemon} and {self.rival}; a request "
                "reaches one or the other: set [agent] identity of one and restart it"
            )
        seconds = self.clock_difference.total_seconds()
        if self.clock_off:
            way = "ahead of" if seconds > 0 else "behind"
            found.append(
                f"its clock is {abs(seconds):.0f} s {way} the server's: requests may be refused as expired"
            )
        return found


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact, `name` without its group. `size`: it is so many bytes; `at`: it is a time."""

    name: str
    value: Any
    size: int | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FactGroup:
    """The facts whose names begin with the same word, in order of name."""

    name: str
    facts: Sequence[Fact]


@dataclass(frozen=True, slots=True)
class HostDetail:
    """One host with what it told about itself.

    `operations`: what it can be asked for, like `package.install`. `system`, `agents` and `problems` are read
    from its facts: empty where they say nothing of it.
    """

    host: HostView
    system: str
    agents: Sequence[str]
    operations: Sequence[str]
    problems: Sequence[str]
    facts: Sequence[FactGroup]


@dataclass(frozen=True, slots=True)
class HostPage:
    """A page of hosts in order of name; `next` is where the next one begins, empty at the end."""

    items: Sequence[HostView]
    next: str


@dataclass(frozen=True, slots=True)
class ExecutorView:
    """One process that runs plans, or ran some; `name` says where it is."""

    name: str
    last_seen: datetime
    alive: bool


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about the system that everybody who looks at a page should know."""

    code: str
    text: str
