"""What is stored of requests to hosts, of timers, events, commands, worlds and hosts, as values."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from mcoflow.domain.outcome import Outcome
from mcoflow.domain.states import PlanState


class RequestState(StrEnum):
    """Where a request stands. The values are stored: add, never rename."""

    OPEN = "open"  #: committed; it may or may not have been published
    ACCEPTED = "accepted"  #: the agent has it in its journal
    ENDED = "ended"


class Wait(StrEnum):
    """What an unanswered request waits for, and so what its `due_at` means."""

    PICKUP = "pickup"  #: accepted by the agent, else a cancel is sent
    SILENCE = "silence"  #: any word of the agent, else it is asked
    FIRST_QUERY = "first_query"  #: the answer to a query, else it is asked again
    SECOND_QUERY = "second_query"  #: the answer to the second, else the request is lost
    CANCEL = "cancel"  #: the end of a request that was told to stop, else it is asked or ended


@dataclass(slots=True)
class RequestRecord:
    """A request to one host: outbox row and what is known of the answer.

    `body` holds the exact bytes that are published, and published again. `run_due_at` is set by the first
    sign that the agent executes. `cancel` is set once the agent was told to stop, with the reason word
    (`cancel`, `kill`, `abort`, `pickup`, `timeout`).
    """

    id: UUID
    plan_id: UUID
    step_id: int
    attempt: int
    host: str
    reply_to: str
    body: bytes
    created_at: float
    wait: Wait
    due_at: float
    run_limit: float
    grace: float
    state: RequestState = RequestState.OPEN
    confirmed: bool = False
    executing: bool = False
    run_due_at: float | None = None
    cancel: str = ""
    outcome: Outcome | None = None
    reason: str = ""
    ended_at: float | None = None


@dataclass(frozen=True, slots=True)
class TimerRecord:
    """Something to be done to a step at a time; the kinds are those of `mcoflow.engine.arrivals`."""

    id: UUID
    plan_id: UUID
    step_id: int
    due_at: float
    kind: str
    value: str = "null"


@dataclass(frozen=True, slots=True)
class EventRecord:
    """An event for a suspended step, stored before its sender goes on. `value` is JSON text."""

    id: UUID
    plan_id: UUID
    step_id: int
    at: float
    kind: str
    value: str = "null"
    optional: bool = False


@dataclass(frozen=True, slots=True)
class DroppedEvent:
    """An event that was accepted and never delivered; `id` is that of the event."""

    id: UUID
    plan_id: UUID
    at: float
    reason: str

    @classmethod
    def of(cls, event: EventRecord, at: float, reason: str) -> "DroppedEvent | None":
        """Return what is stored of an event that is dropped; None if nobody may ask for it."""
        asked_for = event.kind == "user" and not event.optional
        return cls(event.id, event.plan_id, at, reason) if asked_for else None


@dataclass(frozen=True, slots=True)
class EventFate:
    """What became of an event, whose id is that of the command which brought it.

    `plan` is the state of its plan, None if that is gone. `waits`: it is still to be accepted, or to be
    delivered. `code` names the class of the error with which it was refused or dropped, "" for none.
    """

    id: UUID
    plan_id: UUID
    plan: PlanState | None
    waits: bool = False
    code: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class EvidenceRecord:
    """A message that changed nothing, kept because it may explain something.

    why: duplicate, late, unknown, foreign, malformed, unsupported, dead_letter.
    """

    at: float
    why: str
    host: str
    request_id: UUID | None
    plan_id: UUID | None
    body: bytes
    detail: str = ""


class CommandKind(StrEnum):
    """What people may ask of a plan."""

    CANCEL = "cancel"
    ABORT = "abort"
    HALT = "halt"  #: applied by whoever gives it, at once
    PAUSE = "pause"
    RESUME = "resume"
    SKIP = "skip"
    REVERT = "revert"
    EVENT = "event"
    AMEND = "amend"  #: give an action of a paused plan another input
    CHAIN = "chain"  #: from the store, not from people: another plan waits for this one


class Cover(StrEnum):
    """What is skipped along with a failed step."""

    FOLLOWERS = "followers"  #: what reads its output, and what only came later in its sequence
    REFERENCES = "references"  #: what reads its output, unless it named something to take instead


@dataclass(frozen=True, slots=True)
class CommandRecord:
    """A command to a plan, as a row: applied by the plan's owner, or by whoever claims the plan first."""

    id: UUID
    plan_id: UUID
    kind: CommandKind
    at: float
    actor: str = ""
    args: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CommandAnswer:
    """What became of a command. `error` is empty when it was applied; `code` names the error class."""

    id: UUID
    result: dict[str, Any] = field(default_factory=dict)
    code: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class WorldRecord:
    """A process that takes part. `token` names its reply queue; `meta`: process and machine."""

    id: UUID
    kind: str
    token: str
    meta: dict[str, Any]
    started_at: float = 0.0
    seen_at: float = 0.0
    alive: bool = True


@dataclass(slots=True)
class HostRecord:
    """What the server knows of a host, from its presence messages.

    `rival` is another daemon that calls itself so, `conflict_at` when both were last known to live.
    """

    identity: str
    admitted: bool = True
    state: str = "up"
    simulated: bool = False
    collectives: tuple[str, ...] = ("main",)
    version: str = ""
    wire_max: int = 1
    journal: UUID | None = None
    daemon: UUID | None = None
    executing: int = 0
    interval: float = 60.0
    first_seen: float = 0.0
    last_seen: float = 0.0
    clock_difference: float = 0.0
    facts: dict[str, Any] | None = None
    facts_digest: str = ""
    operations: dict[str, Any] | None = None
    operations_digest: str = ""
    rival: UUID | None = None
    conflict_at: float | None = None
