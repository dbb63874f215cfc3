"""A request in the agent's hands, from its receipt to its end, and the host it is for."""

import math
from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from mcoflow.agent.execution import Job, Operation, Running
from mcoflow.agent.journal_rows import State
from mcoflow.wire.to_hosts import RequestBody

Headers = tuple[tuple[str, str], ...]


class Stop(StrEnum):
    """Why an execution was told to end; the word is the reason in its result."""

    CANCEL = "cancel"
    TIMEOUT = "timeout"
    DRAIN = "drain"


@dataclass(slots=True, kw_only=True, eq=False)
class Entry:
    """One request that has not ended. `reply_to` is where the last who asked wants to hear of it."""

    id: UUID
    host: "Host"
    body: RequestBody
    operation: Operation
    reply_to: str
    headers: Headers = ()
    digest: bytes = b""
    state: State = State.RECEIVED
    lock: str | None = None
    runs: int = 0
    seq: int = 0
    accepted: UUID | None = None  #: the message that says so, until the broker has it
    held_by: "Entry | None" = None  #: holds the lock this one waits for
    job: Job | None = None
    running: Running | None = None
    stop: Stop | None = None
    overdue: bool = False  #: past its time, and not to be interrupted
    run_until: float = math.inf  #: monotonic
    kill_at: float | None = None  #: monotonic
    report_at: float = 0.0  #: monotonic: when to send the next progress


@dataclass(slots=True, kw_only=True, eq=False)
class Host:
    """One host of this daemon, what waits for it and what it executes."""

    identity: str
    collectives: tuple[str, ...]
    parallel: int
    max_waiting: int
    simulated: bool = False
    silent: bool = False  #: simulated only: takes requests and never says a word
    received: int = 0  #: taken on and not begun
    executing: int = 0
    unconfirmed: int = 0  #: chunks of output under way
    waiting: deque[Entry] = field(default_factory=deque)  #: ready to begin, first come first served
    locks: dict[str, Entry] = field(default_factory=dict)

    @property
    def room(self) -> int:
        """How many more requests would be taken on."""
        return max(0, self.max_waiting - self.received)

    def next_to_begin(self) -> Entry | None:
        """Name the first waiting entry whose lock is free, None if there is none or no place for it."""
        if self.executing >= self.parallel:
            return None
        for entry in self.waiting:
            entry.held_by = None if entry.lock is None else self.locks.get(entry.lock)
            if entry.held_by is None:
                return entry
        return None

    def occupy(self, entry: Entry) -> None:
        """Give an entry, which leaves the queue, a place and its lock."""
        self._leave_queue(entry)
        self.executing += 1
        if entry.lock is not None:
            self.locks[entry.lock] = entry

    def vacate(self, entry: Entry) -> None:
        """Take the entry out of wherever it stands, because it ends."""
        if entry.state is State.EXECUTING:
            self.executing -= 1
            if entry.lock is not None:
                self.locks.pop(entry.lock, None)
        else:
            self._leave_queue(entry)

    def _leave_queue(self, entry: Entry) -> None:
        self.received -= 1
        if entry in self.waiting:
            self.waiting.remove(entry)
