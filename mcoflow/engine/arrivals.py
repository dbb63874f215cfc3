"""Events as they are stored, and as `run` receives them."""

from __future__ import annotations

import json
from typing import Any, Final
from uuid import UUID

from mcoflow.domain.events import Event, Poll, Reply, Signal, Silence, SubPlanFinished, Timeout, UserEvent
from mcoflow.domain.outcome import Outcome
from mcoflow.domain.requests import EventRecord

SILENCE: Final = "silence"
"""The kind of a timer, and of the event that it becomes: nothing came for as long as the step bears it."""
LIMIT: Final = "limit"
"""Likewise: the attempt has taken as long as the class allows."""
TIMEOUT: Final = "timeout"
"""Likewise: the time has passed that `run` gave itself."""
RETRY: Final = "retry"
"""Likewise: the next try of a step that failed is due. Until then the step takes no other event."""
POLL: Final = "poll"
"""Likewise: the next poll of a Polling action is due."""
DELAYED: Final = "event"
"""The kind of a timer that becomes an event of the kind `user`."""
CHILDREN: Final = "children"
"""Likewise: sub-plans of the step have to be counted, or the next ones created."""
SIGNALS: Final = frozenset({LIMIT, TIMEOUT, RETRY, POLL})
"""Kinds that come before all other events of a step."""


def reply_json(reply: Reply) -> str:
    """Return the end of a request as JSON text."""
    stored = {
        "request_id": str(reply.request_id),
        "host": reply.host,
        "ok": reply.ok,
        "outcome": reply.outcome.value,
        "data": reply.data,
        "error": reply.error,
    }
    return json.dumps(stored, ensure_ascii=False)


def loaded(event: EventRecord) -> Event | Signal:
    """Return the event of a row, as run receives it; or the signal for which another method is called."""
    value: Any = json.loads(event.value)
    if event.kind in (LIMIT, TIMEOUT):
        return Timeout(value)
    if event.kind == CHILDREN:
        return SubPlanFinished(**value)
    if event.kind == POLL:
        return Poll()
    if event.kind == SILENCE:
        return Silence(value)
    if event.kind == "reply":
        kept = {**value, "request_id": UUID(value["request_id"]), "outcome": Outcome(value["outcome"])}
        return Reply(**kept)
    return UserEvent(value)
