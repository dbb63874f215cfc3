"""How a request ended, in the fields of a result message."""

from datetime import datetime

from mcoflow.agent.entry import Stop
from mcoflow.agent.execution import Done, RefusedError
from mcoflow.wire.kinds import MESSAGE_LIMIT, TAIL_LIMIT, Outcome
from mcoflow.wire.replies import ResultBody

_STOPPED = {
    Stop.CANCEL: "it was cancelled, and killed while it ran",
    Stop.TIMEOUT: "its time was over, it was killed",
    Stop.DRAIN: "the agent was stopped while it ran, it was killed",
}


def without_run(outcome: Outcome, message: str, now: datetime, reason: str | None = None) -> ResultBody:
    """Tell of a request that was not begun."""
    return ResultBody(
        outcome=outcome.value,
        reason=reason,
        message=clip(message, MESSAGE_LIMIT),
        values={},
        finished_at=now,
        agent_time=now,
        duration_ms=0,
        runs=0,
        repeat=False,
    )


def refused(error: RefusedError, now: datetime) -> ResultBody:
    """Tell why a request was not taken on."""
    return without_run(Outcome.REJECTED, str(error), now, error.reason.value)


def interrupted(runs: int, message: str, now: datetime) -> ResultBody:
    """Tell of an execution whose end nobody saw."""
    return ResultBody(
        outcome=Outcome.INTERRUPTED.value,
        message=message,
        values={},
        finished_at=now,
        agent_time=now,
        duration_ms=0,
        runs=runs,
        repeat=False,
    )


def performed(done: Done, runs: int, stop: Stop | None, now: datetime) -> ResultBody:
    """Tell how an execution ended; one that was stopped by us says why."""
    outcome, reason, message = done.outcome, done.reason, done.message
    if outcome is Outcome.KILLED and stop is not None:
        reason, message = stop.value, message or _STOPPED[stop]
        if stop is Stop.DRAIN:
            outcome = Outcome.INTERRUPTED
    return ResultBody(
        outcome=outcome.value,
        reason=reason,
        message=clip(message, MESSAGE_LIMIT),
        values=done.values,
        changed=done.changed,
        exit_code=done.exit_code,
        signal=done.signal,
        started_at=done.started_at,
        finished_at=done.finished_at,
        agent_time=now,
        duration_ms=done.duration_ms,
        runs=runs,
        repeat=False,
        output_bytes=done.output_bytes,
        truncated=done.truncated,
        tail=clip(done.tail, TAIL_LIMIT, keep_end=True),
    )


def clip(text: str, limit: int, *, keep_end: bool = False) -> str:
    """Cut a text to `limit` bytes of UTF-8, at a whole character, without what a message may not contain."""
    data = text.replace("\0", "\ufffd").encode("utf-8", "replace")
    if len(data) > limit:
        data = data[-limit:] if keep_end else data[:limit]
    return data.decode("utf-8", "ignore")
