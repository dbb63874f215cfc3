"""The envelope of every message: to bytes and back.

Source: the project's bus specification, 3.2 and 3.6.
"""

import dataclasses
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from mcoflow.domain.ids import HOST_PATTERN
from mcoflow.errors import MalformedMessageError, MessageTooLargeError, UnsupportedVersionError
from mcoflow.wire import codec, fields
from mcoflow.wire.kinds import SIZE_LIMITS, Kind
from mcoflow.wire.messages import BODIES, Body

VERSION: Final = 1
"""The version this release writes, and the only one it reads."""
ANY_HOST: Final = "*"
"""Stands for the host in a discover."""
LARGEST: Final = max(SIZE_LIMITS.values())
_HOST: Final = re.compile(HOST_PATTERN)
_MUST: Final = re.compile(r"[a-z][a-z0-9_.]{0,63}")
_KIND: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
_FIELDS: Final = frozenset(
    ("v", "kind", "id", "request", "host", "collective", "sent_at", "must", "simulated", "body")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One message. The kind follows from the body; in a request `request` is its own `id`."""

    id: UUID
    request: UUID | None
    host: str
    sent_at: datetime
    body: Body
    collective: str = "main"
    must: tuple[str, ...] = ()
    simulated: bool = False
    v: int = VERSION

    @property
    def kind(self) -> Kind:
        """What the message is."""
        return self.body.KIND


@dataclass(frozen=True, slots=True)
class Header:
    """What keeps its meaning in every version: enough to refuse a message in words."""

    v: int
    kind: str
    id: UUID
    request: UUID | None
    host: str
    reply_to: str | None


def encode(envelope: Envelope) -> bytes:
    """Return the canonical bytes; what is at its default is left out.

    Raises:
        MessageTooLargeError: over the limit of the kind.
        MalformedMessageError: something in it is no JSON of ours.
    """
    kind = envelope.kind
    request = envelope.request
    message: dict[str, Any] = {
        "v": envelope.v,
        "kind": kind.value,
        "id": str(envelope.id),
        "request": None if request is None else str(request),
        "host": envelope.host,
        "collective": envelope.collective,
        "sent_at": fields.time_text(envelope.sent_at),
        "body": envelope.body.to_json(),
    }
    if envelope.must:
        message["must"] = list(envelope.must)
    if envelope.simulated:
        message["simulated"] = True
    data = codec.dumps(message)
    if len(data) > SIZE_LIMITS[kind]:
        raise MessageTooLargeError(
            f"a {kind} for {envelope.host} has {len(data)} bytes, at most {SIZE_LIMITS[kind]} may be sent: "
            "shorten its arguments or values"
        )
    return data


def decode(data: bytes) -> Envelope:
    """Read a message.

    Raises:
        MalformedMessageError: these bytes are no message; the text names the first fault.
        UnsupportedVersionError: another version, an unknown kind, or a field in `must` that is not known
            here; `peek` gives what is needed to say so to the sender.
    """
    message = codec.loads(data, LARGEST)
    version = fields.integer(message, "v", 1, 999)
    kind = fields.matching(message, "kind", _KIND)
    if version != VERSION:
        raise UnsupportedVersionError(f"version {version} of the envelope; version {VERSION} is spoken here")
    if kind not in BODIES:
        raise UnsupportedVersionError(f"messages of kind {kind} are not known here")
    if len(data) > SIZE_LIMITS[Kind(kind)]:
        raise MalformedMessageError(f"{len(data)} bytes, a {kind} has at most {SIZE_LIMITS[Kind(kind)]}")
    body = message.get("body")
    if type(body) is not dict:
        raise fields.wrong("body", "an object")
    must = fields.names(message, "must", 8, _MUST) if "must" in message else ()
    if must:
        _check_must(must, kind)
    own_id = fields.uuid(message, "id")
    return Envelope(
        id=own_id,
        request=_request(message, own_id, kind),
        host=_host(message, kind),
        collective=fields.matching(message, "collective", fields.COLLECTIVE),
        sent_at=fields.time(message, "sent_at"),
        must=must,
        simulated="simulated" in message and fields.boolean(message, "simulated"),
        body=BODIES[kind].read(body, len(data)),
    )


def peek(data: bytes) -> Header | None:
    """Read what keeps its meaning for ever; None if not even that is there."""
    try:
        message = codec.loads(data, LARGEST)
        body = message.get("body")
        token = body.get("reply_to") if type(body) is dict else None
        known = type(token) is str and fields.EXECUTOR_TOKEN.fullmatch(token)
        kind = fields.matching(message, "kind", _KIND)
        return Header(
            v=fields.integer(message, "v", 1, 999),
            kind=kind,
            id=fields.uuid(message, "id"),
            request=fields.uuid_or_null(message, "request"),
            host=_host(message, kind),
            reply_to=token if known else None,
        )
    except MalformedMessageError:
        return None


def _request(message: codec.JsonObject, own_id: UUID, kind: str) -> UUID | None:
    if message.get("request") == message["id"]:
        return own_id
    if kind == Kind.REQUEST:
        raise fields.wrong("request", "the request's own id")
    return fields.uuid_or_null(message, "request")


def _host(message: codec.JsonObject, kind: str) -> str:
    host = message.get("host")
    if kind == Kind.DISCOVER and host == ANY_HOST:
        return ANY_HOST
    if type(host) is str and _HOST.fullmatch(host) and ".." not in host:
        return host
    raise fields.wrong("host", "the identity of a host")


def _check_must(must: tuple[str, ...], kind: str) -> None:
    """Refuse unless each name is a field that this release reads, in the envelope or in the body."""
    known = _FIELDS | {field.name for field in dataclasses.fields(BODIES[kind])}
    unknown = ", ".join(name for name in must if name not in known)
    if unknown:
        raise UnsupportedVersionError(f"field {unknown} has to be understood and is not known here")
