"""Bodies of the messages from executors to hosts: request, cancel, query, discover.

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
from mcoflow.wire.kinds import ARGS_LIMIT, CALLER_LIMIT, KIB, REASON_LIMIT, SIZE_LIMITS, Kind, Want


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestBody:
    """Perform an operation."""

    KIND: ClassVar = Kind.REQUEST

    reply_to: str
    agent: str
    operation: str
    args: JsonObject
    check: bool
    expires_at: datetime
    timeout_ms: int
    grace_ms: int
    caller: str
    plan: UUID
    step: int
    attempt: int
    journal: UUID | None
    output_cap: int

    def to_json(self) -> JsonObject:
        return {
            "reply_to": self.reply_to,
            "agent": self.agent,
            "operation": self.operation,
            "args": self.args,
            "check": self.check,
            "expires_at": fields.time_text(self.expires_at),
            "timeout_ms": self.timeout_ms,
            "grace_ms": self.grace_ms,
            "caller": self.caller,
            "plan": str(self.plan),
            "step": self.step,
            "attempt": self.attempt,
            "journal": None if self.journal is None else str(self.journal),
            "output_cap": self.output_cap,
        }

    @classmethod
    def read(cls, body: JsonObject, size: int) -> Self:
        return cls(
            reply_to=fields.matching(body, "reply_to", fields.EXECUTOR_TOKEN),
            agent=fields.matching(body, "agent", fields.NAME),
            operation=fields.matching(body, "operation", fields.NAME),
            args=fields.mapping(body, "args", ARGS_LIMIT, size),
            check=fields.boolean(body, "check"),
            expires_at=fields.time(body, "expires_at"),
            timeout_ms=fields.integer(body, "timeout_ms", 1, 86_400_000),
            grace_ms=fields.integer(body, "grace_ms", 0, 600_000),
            caller=fields.text(body, "caller", CALLER_LIMIT),
            plan=fields.uuid(body, "plan"),
            step=fields.integer(body, "step"),
            attempt=fields.integer(body, "attempt"),
            journal=fields.uuid_or_null(body, "journal"),
            output_cap=fields.integer(body, "output_cap", 0, 4 * KIB * KIB),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelBody:
    """Do not start the request, or stop it; `force` stops what cannot be interrupted too."""

    KIND: ClassVar = Kind.CANCEL

    reply_to: str
    reason: str
    force: bool

    def to_json(self) -> JsonObject:
        return {"reply_to": self.reply_to, "reason": self.reason, "force": self.force}

    @classmethod
    def read(cls, body: JsonObject, _size: int) -> Self:
        return cls(
            reply_to=fields.matching(body, "reply_to", fields.EXECUTOR_TOKEN),
            reason=fields.text(body, "reason", REASON_LIMIT),
            force=fields.boolean(body, "force"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryBody:
    """Tell how the request stands; output again from chunk `output_from`."""

    KIND: ClassVar = Kind.QUERY

    reply_to: str
    output_from: int | None = None

    def to_json(self) -> JsonObject:
        return fields.without_none({"reply_to": self.reply_to, "output_from": self.output_from})

    @classmethod
    def read(cls, body: JsonObject, _size: int) -> Self:
        return cls(
            reply_to=fields.matching(body, "reply_to", fields.EXECUTOR_TOKEN),
            output_from=fields.integer(body, "output_from") if fields.given(body, "output_from") else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoverBody:
    """Who matches the filter answers with presence, after a random delay of at most `spread_ms`.

    `daemons`: these all live and call themselves like the one host that is asked.
    """

    KIND: ClassVar = Kind.DISCOVER

    reply_to: str
    filter: JsonObject
    want: tuple[Want, ...]
    spread_ms: int
    daemons: tuple[UUID, ...] = ()

    def to_json(self) -> JsonObject:
        want = [word.value for word in self.want]
        made: JsonObject = {
            "reply_to": self.reply_to,
            "filter": self.filter,
            "want": want,
            "spread_ms": self.spread_ms,
        }
        if self.daemons:
            made["daemons"] = [str(each) for each in self.daemons]
        return made

    @classmethod
    def read(cls, body: JsonObject, size: int) -> Self:
        return cls(
            reply_to=fields.matching(body, "reply_to", fields.EXECUTOR_TOKEN),
            filter=fields.mapping(body, "filter", SIZE_LIMITS[Kind.DISCOVER], size),
            want=fields.words(body, "want", Want),
            spread_ms=fields.integer(body, "spread_ms", 0, 10_000),
            daemons=fields.uuids(body, "daemons", 8) if fields.given(body, "daemons") else (),
        )
