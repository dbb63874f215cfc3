"""Bodies of the messages from hosts to executors: accepted, progress, output, result, presence.

`read` takes the decoded object and the size of the whole message in bytes and raises MalformedMessageError
naming the field. `to_json` trusts its values and leaves out what is None and optional. Both are written by
hand, because this is the hot path.
Source: the project's bus specification, 3.3.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self
from uuid import UUID

from mcoflow.wire import fields
from mcoflow.wire.codec import JsonObject
from mcoflow.wire.kinds import (
    CHUNKS_LIMIT,
    KIB,
    MESSAGE_LIMIT,
    PART_LIMIT,
    REASON_LIMIT,
    TAIL_LIMIT,
    VALUES_LIMIT,
    Kind,
    Stream,
    Up,
    Work,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedBody:
    """The request is in the host's journal."""

    KIND: ClassVar = Kind.ACCEPTED

    journal: UUID
    position: int
    repeat: bool

    def to_json(self) -> JsonObject:
        return {"journal": str(self.journal), "position": self.position, "repeat": self.repeat}

    @classmethod
    def read(cls, body: JsonObject, _size: int) -> Self:
        return cls(
            journal=fields.uuid(body, "journal"),
            position=fields.integer(body, "position"),
            repeat=fields.boolean(body, "repeat"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressBody:
    """The request is not done yet."""

    KIND: ClassVar = Kind.PROGRESS

    seq: int
    state: Work
    reason: str | None = None
    percent: int | None = None
    text: str | None = None

    def to_json(self) -> JsonObject:
        return fields.without_none(
            {
                "seq": self.seq,
                "state": self.state.value,
                "reason": self.reason,
                "percent": self.percent,
                "text": self.text,
            }
        )

    @classmethod
    def read(cls, body: JsonObject, _size: int) -> Self:
        return cls(
            seq=fields.integer(body, "seq"),
            state=fields.word(body, "state", Work),
            reason=fields.text(body, "reason", REASON_LIMIT) if fields.given(body, "reason") else None,
            percent=fields.integer(body, "percent", 0, 100) if fields.given(body, "percent") else None,
            text=fields.text(body, "text", KIB) if fields.given(body, "text") else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputBody:
    """A piece of what the operation printed."""

    KIND: ClassVar = Kind.OUTPUT

    seq: int
    stream: Stream
    offset: int
    text: str
    at: datetime

    def to_json(self) -> JsonObject:
        return {
            "seq": self.seq,
            "stream": self.stream.value,
            "offset": self.offset,
            "text": self.text,
            "at": fields.time_text(self.at),
        }

    @classmethod
    def read(cls, body: JsonObject, _size: int) -> Self:
        return cls(
            seq=fields.integer(body, "seq", 0, CHUNKS_LIMIT),
            stream=fields.word(body, "stream", Stream),
            offset=fields.integer(body, "offset"),
            text=fields.text(body, "text", 32 * KIB),
            at=fields.time(body, "at"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultBody:
    """How the request ended. `outcome` is a text: later agents may know more words than Outcome."""

    KIND: ClassVar = Kind.RESULT

    outcome: str
    message: str
    values: JsonObject
    finished_at: datetime
    agent_time: datetime
    duration_ms: int
    runs: int
    repeat: bool
    reason: str | None = None
    changed: bool | None = None
    exit_code: int | None = None
    signal: int | None = None
    started_at: datetime | None = None
    chunks: int = 0
    output_bytes: int = 0
    truncated: bool = False
    tail: str = ""

    def to_json(self) -> JsonObject:
        return fields.without_none(
            {
                "outcome": self.outcome,
                "message": self.message,
                "values": self.values,
                "finished_at": fields.time_text(self.finished_at),
                "agent_time": fields.time_text(self.agent_time),
                "duration_ms": self.duration_ms,
                "runs": self.runs,
                "repeat": self.repeat,
                "reason": self.reason,
                "changed": self.changed,
                "exit_code": self.exit_code,
                "signal": self.signal,
                "started_at": None if self.started_at is None else fields.time_text(self.started_at),
                "chunks": self.chunks,
                "output_bytes": self.output_bytes,
                "truncated": self.truncated,
                "tail": self.tail,
            }
        )

    @classmethod
    def read(cls, body: JsonObject, size: int) -> Self:
        return cls(
            outcome=fields.matching(body, "outcome", fields.NAME),
            message=fields.text(body, "message", MESSAGE_LIMIT),
            values=fields.mapping(body, "values", VALUES_LIMIT, size),
            finished_at=fields.time(body, "finished_at"),
            agent_time=fields.time(body, "agent_time"),
            duration_ms=fields.integer(body, "duration_ms"),
            runs=fields.integer(body, "runs"),
            repeat=fields.boolean(body, "repeat"),
            reason=fields.matching(body, "reason", fields.NAME) if fields.given(body, "reason") else None,
            changed=fields.boolean(body, "changed") if fields.given(body, "changed") else None,
            exit_code=_signed(body, "exit_code"),
            signal=_signed(body, "signal"),
            started_at=fields.time(body, "started_at") if fields.given(body, "started_at") else None,
            chunks=fields.integer(body, "chunks"),
            output_bytes=fields.integer(body, "output_bytes"),
            truncated=fields.boolean(body, "truncated"),
            tail=fields.text(body, "tail", TAIL_LIMIT),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceBody:
    """A host is there, and what it is."""

    KIND: ClassVar = Kind.PRESENCE

    state: Up
    daemon: UUID
    journal: UUID
    wire_min: int
    wire_max: int
    version: str
    collectives: tuple[str, ...]
    received: int
    executing: int
    room: int
    interval_ms: int
    facts_digest: str
    operations_digest: str
    facts: JsonObject | None = None
    operations: JsonObject | None = None

    def to_json(self) -> JsonObject:
        return fields.without_none(
            {
                "state": self.state.value,
                "daemon": str(self.daemon),
                "journal": str(self.journal),
                "wire": {"min": self.wire_min, "max": self.wire_max},
                "version": self.version,
                "collectives": list(self.collectives),
                "received": self.received,
                "executing": self.executing,
                "room": self.room,
                "interval_ms": self.interval_ms,
                "facts_digest": self.facts_digest,
                "operations_digest": self.operations_digest,
                "facts": self.facts,
                "operations": self.operations,
            }
        )

    @classmethod
    def read(cls, body: JsonObject, size: int) -> Self:
        wire = fields.mapping(body, "wire", KIB, size)
        return cls(
            state=fields.word(body, "state", Up),
            daemon=fields.uuid(body, "daemon"),
            journal=fields.uuid(body, "journal"),
            wire_min=fields.integer(wire, "min", 1, 999),
            wire_max=fields.integer(wire, "max", 1, 999),
            version=fields.text(body, "version", 64),
            collectives=fields.names(body, "collectives", 64, fields.COLLECTIVE),
            received=fields.integer(body, "received"),
            executing=fields.integer(body, "executing"),
            room=fields.integer(body, "room"),
            interval_ms=fields.integer(body, "interval_ms"),
            facts_digest=fields.matching(body, "facts_digest", fields.DIGEST),
            operations_digest=fields.matching(body, "operations_digest", fields.DIGEST),
            facts=_part(body, "facts", size),
            operations=_part(body, "operations", size),
        )


def _signed(body: JsonObject, name: str) -> int | None:
    return fields.integer(body, name, -(2**31), 2**32) if fields.given(body, name) else None


def _part(body: JsonObject, name: str, size: int) -> JsonObject | None:
    return fields.mapping(body, name, PART_LIMIT, size) if fields.given(body, name) else None
