"""What hosts declare of their operations: taken once for each digest, asked for where it was not told."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid4

from mcoflow.domain.records import JsonObject
from mcoflow.errors import MalformedMessageError
from mcoflow.ports.bus import Ask, Parcel
from mcoflow.wire import codec
from mcoflow.wire.envelope import Envelope, encode
from mcoflow.wire.kinds import Kind, Want
from mcoflow.wire.messages import DiscoverBody, PresenceBody

log = logging.getLogger("mcoflow.declarations")
ASK_AGAIN: Final = 60.0
"""Seconds until another host is asked what a digest stands for."""


class Declarations:
    """The digests whose operations are stored; used on the fleet's thread only.

    A host is believed only about what its digest really stands for: else one host could change what the forms
    show of others. Of all hosts with a digest that nobody has explained, one at a time is asked.
    """

    def __init__(self, new_id: Callable[[], UUID] = uuid4) -> None:
        self._new_id = new_id
        self._known: set[str] = set()
        self._asked: dict[str, float] = {}

    def load(self, digests: Collection[str]) -> None:
        """Begin with what is stored."""
        self._known = set(digests)

    def news(self, host: str, body: PresenceBody) -> JsonObject | None:
        """Return the operations if they are to be stored; None if known, not told or not believed."""
        if body.operations is None or body.operations_digest in self._known:
            return None
        if _digest(body.operations) != body.operations_digest:
            log.warning("declaration.not_believed", extra={"host": host, "digest": body.operations_digest})
            return None
        return body.operations

    def stored(self, digest: str) -> None:
        """Note that the operations of a digest are in the database."""
        self._known.add(digest)
        self._asked.pop(digest, None)

    def question(self, host: str, collective: str, digest: str, reply_to: str, now: float) -> Parcel | None:
        """Return what to ask the host; None if its digest is known, or was asked about just now."""
        if digest in self._known or not reply_to:
            return None
        if now < self._asked.get(digest, 0) + ASK_AGAIN:
            return None
        self._asked[digest] = now
        body = DiscoverBody(
            reply_to=reply_to, filter={"identity": [host]}, want=(Want.OPERATIONS,), spread_ms=0
        )
        envelope = Envelope(
            id=self._new_id(),
            request=None,
            host="*",
            collective=collective,
            sent_at=datetime.fromtimestamp(now, UTC),
            body=body,
        )
        return Parcel(Ask(host), Kind.DISCOVER.value, envelope.id, encode(envelope), durable=False)


def _digest(operations: JsonObject) -> str:
    try:
        return hashlib.sha256(codec.dumps(operations)).hexdigest()
    except MalformedMessageError:
        return ""
