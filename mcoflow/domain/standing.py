"""How a host stands in a task: one word, the worst of what became of its steps."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from mcoflow.domain.outcome import Effect, Outcome


class Standing(StrEnum):
    """From the best to the worst. The values stand in addresses and machine output: add, never rename."""

    OK = "ok"
    WARNED = "warned"  #: it came to a good end, and something there is to be looked at
    SKIPPED = "skipped"
    NOT_BEGUN = "not_begun"
    UNDER_WAY = "under_way"
    CANCELLED = "cancelled"
    CANCELLED_KILLED = "cancelled_killed"
    REJECTED = "rejected"
    NO_SUCH_HOST = "no_such_host"
    NOT_PICKED_UP = "not_picked_up"
    ERROR = "error"  #: it failed on the side of the server
    FAILED = "failed"
    TIMED_OUT_KILLED = "timed_out_killed"
    TIMED_OUT_STILL_RUNNING = "timed_out_still_running"
    INTERRUPTED = "interrupted"
    LOST = "lost"

    @property
    def words(self) -> str:
        """What people read: the exact word of an outcome."""
        return Outcome(self).words() if self in _OUTCOMES else self.replace("_", " ")

    @property
    def failed(self) -> bool:
        """Whether the task did not come to a good end there."""
        return self.rank > Standing.CANCELLED_KILLED.rank

    @property
    def cancelled(self) -> bool:
        """Whether somebody cancelled it."""
        return self in (Standing.CANCELLED, Standing.CANCELLED_KILLED)

    @property
    def unknown_effect(self) -> bool:
        """Whether nobody knows what happened on the host."""
        return self in _OUTCOMES and Outcome(self).effect is Effect.UNKNOWN

    @property
    def rank(self) -> int:
        """Its place from the best, 0."""
        return _RANKS[self]


_OUTCOMES: Final = frozenset(map(str, Outcome))
_RANKS: Final = {standing: rank for rank, standing in enumerate(Standing)}
