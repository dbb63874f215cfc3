"""The one exact word with which a host-step ends, and what it says about the effect.

Source: the bus specification, 3.5.
"""

from enum import StrEnum
from typing import Final


class Effect(StrEnum):
    """What an outcome says about the operation's effect on the host."""

    NONE = "none"
    ONCE = "once"
    PARTIAL = "partial"
    UNKNOWN = "unknown"


class Outcome(StrEnum):
    """How a host-step ended. The values are stored: add, never rename."""

    OK = "ok"
    FAILED = "failed"
    REJECTED = "rejected"
    NO_SUCH_HOST = "no_such_host"
    NOT_PICKED_UP = "not_picked_up"
    CANCELLED = "cancelled"
    CANCELLED_KILLED = "cancelled_killed"
    TIMED_OUT_KILLED = "timed_out_killed"
    TIMED_OUT_STILL_RUNNING = "timed_out_still_running"
    INTERRUPTED = "interrupted"
    LOST = "lost"

    @property
    def effect(self) -> Effect:
        """What is known about the effect on the host."""
        return _EFFECTS[self]

    @property
    def cancelled(self) -> bool:
        """Whether the step ended because somebody cancelled it."""
        return self in (Outcome.CANCELLED, Outcome.CANCELLED_KILLED)

    def words(self, reason: str = "") -> str:
        """Return the outcome as people read it: `failed (exit 3)`, `timed out, still running`."""
        text = _WORDS[self]
        return f"{text} ({reason})" if reason and self in _WITH_REASON else text


_WORDS: Final = {
    Outcome.OK: "ok",
    Outcome.FAILED: "failed",
    Outcome.REJECTED: "rejected",
    Outcome.NO_SUCH_HOST: "no such host",
    Outcome.NOT_PICKED_UP: "not picked up",
    Outcome.CANCELLED: "cancelled",
    Outcome.CANCELLED_KILLED: "cancelled, killed",
    Outcome.TIMED_OUT_KILLED: "timed out, killed",
    Outcome.TIMED_OUT_STILL_RUNNING: "timed out, still running",
    Outcome.INTERRUPTED: "interrupted",
    Outcome.LOST: "lost",
}
_WITH_REASON: Final = frozenset({Outcome.FAILED, Outcome.REJECTED, Outcome.LOST})
_EFFECTS: Final = {
    Outcome.OK: Effect.ONCE,
    Outcome.FAILED: Effect.PARTIAL,
    Outcome.REJECTED: Effect.NONE,
    Outcome.NO_SUCH_HOST: Effect.NONE,
    Outcome.NOT_PICKED_UP: Effect.NONE,
    Outcome.CANCELLED: Effect.NONE,
    Outcome.CANCELLED_KILLED: Effect.PARTIAL,
    Outcome.TIMED_OUT_KILLED: Effect.PARTIAL,
    Outcome.TIMED_OUT_STILL_RUNNING: Effect.UNKNOWN,
    Outcome.INTERRUPTED: Effect.UNKNOWN,
    Outcome.LOST: Effect.UNKNOWN,
}
