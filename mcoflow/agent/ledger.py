"""What the agent itself tells of the requests it has had: the newest rows of its journal."""

from datetime import UTC, datetime
from typing import Any

from mcoflow.agent.journal import Journal
from mcoflow.wire.codec import JsonObject
from mcoflow.wire.envelope import decode
from mcoflow.wire.messages import RequestBody
from mcoflow.wire.replies import ResultBody


class Ledger:
    """Reads the journal of a daemon once it is open; used on the daemon's own thread."""

    def __init__(self) -> None:
        self._journal: Journal | None = None

    def open(self, journal: Journal) -> None:
        """Read from this journal from now on."""
        self._journal = journal

    def newest(self, host: str, limit: int) -> list[JsonObject]:
        """Return the newest requests of a host: id, state, operation, caller, outcome, times."""
        if self._journal is None:
            return []
        return [_told(row) for row in self._journal.newest(host, limit)]


def _told(row: tuple[Any, ...]) -> JsonObject:
    request_id, state, request, result, received, ended = row
    told: dict[str, Any] = {
        "id": request_id,
        "state": state,
        "operation": None,
        "caller": None,
        "outcome": None,
        "received_at": _moment(received),
        "ended_at": None if ended is None else _moment(ended),
    }
    asked = decode(request).body if request else None
    if isinstance(asked, RequestBody):
        told.update(operation=f"{asked.agent}.{asked.operation}", caller=asked.caller[:128])
    ending = decode(result).body if result else None
    if isinstance(ending, ResultBody):
        told.update(outcome=str(ending.outcome)[:32])
    return told


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
