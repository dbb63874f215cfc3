"""The rows of the journal, and the changes that one turn makes to them."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from mcoflow.agent.execution import WorkerIdentity


class State(StrEnum):
    """Where the host stands with a request. The values are stored: add, never rename."""

    TOMBSTONE = "tombstone"  #: cancelled before it was ever seen
    RECEIVED = "received"  #: taken on, not begun
    EXECUTING = "executing"  #: a worker was, or may have been, let loose
    DONE = "done"  #: ended: performed, refused, cancelled or expired; the result is kept
    INTERRUPTED = "interrupted"  #: ended: agent or host died meanwhile; the result says so

    @property
    def ended(self) -> bool:
        """Whether there is a result."""
        return self in (State.DONE, State.INTERRUPTED)


@dataclass(slots=True, kw_only=True)
class Row:
    """One request as the journal has it; a tombstone has neither digest nor request."""

    id: UUID
    host: str
    state: State
    digest: bytes | None = None
    request: bytes | None = None
    headers: str = ""
    reply_to: str = ""
    runs: int = 0
    worker: WorkerIdentity | None = None
    result: bytes | None = None
    replied: bool = False


@dataclass(slots=True)
class Batch:
    """The changes of one turn, as parameters of the journal's statements. Times are seconds since 1970."""

    inserted: list[tuple[Any, ...]] = field(default_factory=list)
    executing: list[tuple[Any, ...]] = field(default_factory=list)
    ended: list[tuple[Any, ...]] = field(default_factory=list)
    replied: list[tuple[Any, ...]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.inserted or self.executing or self.ended or self.replied)

    @property
    def urgent(self) -> bool:
        """Whether something waits for this; that a reply arrived can be written with the next batch."""
        return bool(self.inserted or self.executing or self.ended)

    def insert(self, row: Row, now: float) -> None:
        """Take a request on, or refuse it at once when the row has a result."""
        self.inserted.append(
            (
                row.id.bytes,
                row.host,
                row.state.value,
                row.digest,
                row.request,
                row.headers,
                row.reply_to,
                row.runs,
                row.result,
                now,
                now if row.result else None,
                now if row.state is State.TOMBSTONE else None,
            )
        )

    def execute(self, request_id: UUID, runs: int, worker: WorkerIdentity | None) -> None:
        """Note that a worker is about to be let loose."""
        who = (None, None, None) if worker is None else (worker.pid, worker.started, worker.boot_id)
        self.executing.append((runs, *who, request_id.bytes))

    def end(self, ended: Row, now: float) -> None:
        """Note the result, and where it goes."""
        values = (ended.state.value, ended.runs, ended.reply_to, ended.result, now, ended.id.bytes)
        self.ended.append(values)

    def reply(self, request_id: UUID, now: float) -> None:
        """Note that the broker has the result."""
        self.replied.append((now, request_id.bytes))
