"""What the daemon needs of the side that performs operations, and what it tells it.

The daemon decides (journal, locks, deadlines, cancel); the execution side runs one fresh process a job. The
order is: `prepare` (a process that waits and has done nothing), journal `executing` with its identity, then
`begin`. An agent that dies before `begin` leaves a process that sees its input close and ends without effect.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol
from uuid import UUID

from pydantic import BaseModel

from mcoflow.agent.policy import Policy
from mcoflow.agent.printed import Print
from mcoflow.errors import McoflowError
from mcoflow.wire.codec import JsonObject
from mcoflow.wire.kinds import Outcome, Refusal


class RefusedError(McoflowError):
    """A request is refused without effect; `reason` is the word sent, the message says it in words."""

    def __init__(self, reason: Refusal, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def no_lock(_args: JsonObject) -> str | None:
    """Need no lock."""
    return None


def permit_all(_args: JsonObject, _policy: Policy) -> None:
    """Need no word of the policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What an agent declares of one of its operations.

    `lock` names what two executions on a host may not hold at once (`package`, `service:nginx`), from
    validated arguments; with `check` no lock is taken. `interruptible` false: a cancel or time-out lets it
    run on, only force kills it. `permit` raises RefusedError not_allowed for validated arguments that the
    host's policy does not allow; it is asked before anything is begun and must not wait for anything.
    """

    agent: str
    name: str
    summary: str
    input_model: type[BaseModel]
    output_model: type[BaseModel]
    timeout: timedelta
    max_timeout: timedelta
    idempotent: bool
    changes: bool
    check: bool
    interruptible: bool
    lock: Callable[[JsonObject], str | None] = no_lock
    permit: Callable[[JsonObject, Policy], None] = permit_all

    @property
    def key(self) -> str:
        """Name it in full: package.install."""
        return f"{self.agent}.{self.name}"


class Catalogue(Protocol):
    """The operations that this agent offers."""

    def find(self, agent: str, operation: str) -> Operation:
        """Return the declaration; raise RefusedError with unknown_agent or unknown_operation."""

    def operations(self) -> Sequence[Operation]:
        """Return all declarations, by key."""

    def broken(self) -> Sequence[str]:
        """Return one line for each plug-in that was named and could not be loaded."""

    def permit(self, operation: Operation, args: JsonObject) -> None:
        """Raise RefusedError not_allowed unless the host's policy allows it with these arguments."""

    def reload(self) -> None:
        """Read the host's policy again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One execution. `directory` belongs to it alone; the execution side makes and removes it.

    `run` is 1, or 2 for an idempotent operation that is run again after a crash: a result file of another
    run does not count. `timeout` is for the worker's knowledge only, the daemon enforces it. `output_cap`:
    bytes kept of what it prints, the first and the last half.
    """

    request_id: UUID
    host: str
    operation: str
    args: JsonObject
    check: bool
    timeout: timedelta
    directory: Path
    run: int = 1
    output_cap: int = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How an execution ended; texts and values within the limits of a result message.

    outcome: ok, failed (`reason` a word such as exit, worker_died, locked) or killed, which is said only
    after `terminate` or `kill` when the operation did not come to its end by itself.
    """

    outcome: Outcome
    started_at: datetime
    finished_at: datetime
    duration_ms: int
    reason: str | None = None
    message: str = ""
    values: JsonObject = field(default_factory=dict)
    changed: bool | None = None
    exit_code: int | None = None
    signal: int | None = None
    tail: str = ""
    truncated: bool = False
    output_bytes: int = 0


OnDone = Callable[[Done], None]
"""Called exactly once for a job that began, from any thread or from within `begin`, and returns at once."""


@dataclass(frozen=True, slots=True)
class WorkerIdentity:
    """Names one process for ever: a pid alone is used again. `started` is in ticks since boot."""

    pid: int
    started: int
    boot_id: str


class Printed(Protocol):
    """What a run prints, in order, to be taken while it runs and once more when it has ended."""

    def take(self, most: int, least: int) -> Sequence[Print]:
        """Return what follows of the first half of the cap: about `most` bytes, none if not `least`."""

    def tail(self) -> Sequence[Print]:
        """Return the last bytes, at most half of the cap, when it has ended and the head was taken.

        What was taken before may be among them. Prints without data mark where each stream goes on.
        """

    @property
    def total(self) -> int:
        """How many bytes were printed; true once the tail was taken."""


class Running(Protocol):
    """One execution, prepared or begun. Nothing here blocks or raises."""

    @property
    def identity(self) -> WorkerIdentity | None:
        """The process, for the journal; None if there is none (simulated)."""

    def begin(self) -> None:
        """Let the prepared process perform the operation."""

    def abandon(self) -> None:
        """End a prepared process that shall not begin; `on_done` is not called."""

    def terminate(self) -> None:
        """Ask the whole process group to end."""

    def kill(self) -> None:
        """Kill the whole process group; `on_done` follows when it is empty."""


class Execution(Protocol):
    """Runs jobs, and finds those that an earlier agent process left behind."""

    def prepare(self, job: Job, on_done: OnDone) -> Running:
        """Start a process that waits for `begin`; what goes wrong is said by `on_done` after `begin`."""

    def adopt(self, worker: WorkerIdentity, job: Job, on_done: OnDone) -> Running | None:
        """Take over a living worker of an earlier agent process; None if it is gone or another one."""

    def printed(self, job: Job) -> Printed | None:
        """Return what this job's run prints, from its first byte on; None if it cannot print."""

    def read_result(self, job: Job) -> Done | None:
        """Return what the worker of this job's run left in its fsynced result file; None if not whole."""

    def discard(self, job: Job) -> None:
        """Remove the job's directory: its end is in the journal."""

    def close(self) -> None:
        """End spare processes and threads; running jobs are left alone, to be adopted later."""
