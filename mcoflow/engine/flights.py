"""The requests that are under way: what each message and each deadline means for them.

Pure: every method takes the time and says what follows. Source: the bus specification, 3.5.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from mcoflow.domain.events import Reply
from mcoflow.domain.outcome import Outcome
from mcoflow.domain.records import JsonObject
from mcoflow.domain.requests import RequestRecord, RequestState, Wait
from mcoflow.wire.kinds import Refusal
from mcoflow.wire.messages import Outcome as Word
from mcoflow.wire.messages import ProgressBody, ResultBody, Work

SILENCE: Final = 90.0
"""Seconds without a word of the agent before it is asked."""
ANSWER: Final = 10.0
"""Seconds that an agent has to answer a query."""
RUN_MARGIN: Final = 30.0
"""Seconds added to the time limit that the agent itself keeps, before the server steps in."""
PICKUP_GRACE: Final = 5.0
"""Seconds after the pickup deadline in which an `accepted` under way may still arrive: nothing was started
that would need the grace of a kill, and the cancel lies behind the request should the host come back."""
CANCELLED_BY_PEOPLE: Final = "cancel"
ABORTED_BY_PEOPLE: Final = "abort"
KILLED_BY_PEOPLE: Final = "kill"
"""Why a request is called back that is to end although its operation must not be interrupted."""
_BY_PEOPLE: Final = frozenset({CANCELLED_BY_PEOPLE, KILLED_BY_PEOPLE})
NOT_PICKED_UP: Final = "pickup"
REJECTED: Final = "rejected"
"""Why a message is a dead letter, in the broker's words: its receiver did not want it."""

_PLAIN: Final[Mapping[str, Outcome]] = {
    Word.OK: Outcome.OK,
    Word.REJECTED: Outcome.REJECTED,
    Word.INTERRUPTED: Outcome.INTERRUPTED,
    Word.JOURNAL_LOST: Outcome.LOST,
}


@dataclass(slots=True)
class Next:
    """What follows from a message or a deadline."""

    send: str = ""  #: request (again), cancel or query
    ended: Reply | None = None


@dataclass(slots=True)
class Flights:
    """Open requests by id. A record that changed is in `changed` until the commit."""

    open: dict[UUID, RequestRecord] = field(default_factory=dict)
    changed: dict[UUID, RequestRecord] = field(default_factory=dict)

    def add(self, records: Iterable[RequestRecord]) -> None:
        """Keep requests that were just made, or found open after a start."""
        for record in records:
            self.open[record.id] = record

    # -- messages -----------------------------------------------------------------------------------------

    def accepted(self, record: RequestRecord, now: float) -> None:
        """The agent has the request in its journal."""
        if record.state is RequestState.OPEN:
            record.state, record.confirmed = RequestState.ACCEPTED, True
            self._heard(record, now)

    def progress(self, record: RequestRecord, body: ProgressBody, now: float) -> Next:
        """The agent tells where it stands. No deadline of the execution is moved by it."""
        if body.state is Work.UNKNOWN:
            if record.state is RequestState.OPEN:
                return Next(send="request")
            return self._end(record, Outcome.LOST, now, reason="journal_lost")
        record.state, record.confirmed = RequestState.ACCEPTED, True
        if body.state is Work.EXECUTING and not record.executing:
            record.executing = True
            record.run_due_at = now + record.run_limit + record.grace + RUN_MARGIN
        if record.cancel == "timeout" and record.wait in (Wait.FIRST_QUERY, Wait.SECOND_QUERY):
            return self._end(record, Outcome.TIMED_OUT_STILL_RUNNING, now)
        self._heard(record, now)
        return Next()

    def result(self, record: RequestRecord, body: ResultBody, now: float) -> Next:
        """The agent tells the end."""
        outcome, reason = _outcome(record, body)
        data: JsonObject = {**body.values, "duration_ms": body.duration_ms}
        for key in ("changed", "exit_code", "signal"):
            if getattr(body, key) is not None:
                data[key] = getattr(body, key)
        if body.tail:
            data["log"] = body.tail
        words = outcome.words(reason)
        error = f"{words}: {body.message}" if body.message else words
        return self._end(record, outcome, now, reason=reason, data=data, error=error)

    def unroutable(self, record: RequestRecord, now: float, *, pending: bool = False) -> Next:
        """No queue is bound for the host; if it is `pending`, because nobody has admitted it."""
        error = f"no agent for {record.host}: no queue is bound"
        if pending:
            error = f"{record.host} is not admitted: `mcoflow host admit {record.host}`"
        return self._end(record, Outcome.NO_SUCH_HOST, now, error=error)

    def refused(self, record: RequestRecord, now: float) -> Next:
        """The queue of the host is full."""
        error = f"not picked up: {record.host} has not taken what waits for it, and its queue is full"
        return self._end(record, Outcome.NOT_PICKED_UP, now, error=error)

    def died(self, record: RequestRecord, why: str, now: float) -> Next:
        """The request is a dead letter. Only that the host rejected it is proof that nothing was run.

        What expired or was pushed out may have been taken before, so the agent is asked.
        """
        if record.state is not RequestState.OPEN:
            return Next()
        if why == REJECTED:
            error = f"rejected (malformed): the agent of {record.host} cannot read the request"
            return self._end(record, Outcome.REJECTED, now, reason="malformed", error=error)
        return Next(send="query")

    def other_version(self, record: RequestRecord, version: int, now: float) -> Next:
        """The agent answers in a version of the envelope that is not spoken here.

        One that can read a request answers it in the version of the request, so this one could not, and has
        run nothing; unless it has said before, in words of ours, that it took the request on.
        """
        if record.state is not RequestState.OPEN:
            return Next()
        reason = Refusal.UNSUPPORTED_VERSION.value
        said = f"the agent of {record.host} speaks version {version} of the envelope"
        error = f"rejected ({reason}): {said}, this executor does not: update the older of the two"
        return self._end(record, Outcome.REJECTED, now, reason=reason, error=error)

    # -- people and time ----------------------------------------------------------------------------------

    def cancel(self, record: RequestRecord, why: str, now: float) -> Next:
        """Tell the agent to stop; a second cancel by people ends the request without waiting any more.

        A kill after a cancel is no second one: the agent is told, and has its time anew.
        """
        again = {record.cancel, why} <= _BY_PEOPLE
        if again and (why == CANCELLED_BY_PEOPLE or record.cancel == KILLED_BY_PEOPLE):
            return self._enforce_cancel(record, now)
        record.cancel = why
        grace = min(record.grace, PICKUP_GRACE) if why == NOT_PICKED_UP else record.grace
        grace += ANSWER if why == KILLED_BY_PEOPLE else 0.0  # to hear of it, after the grace of the agent
        self._wait(record, Wait.CANCEL, now + grace)
        return Next(send="cancel")

    def abort(self, record: RequestRecord, now: float) -> Next:
        """End the request without waiting for the agent, which is told to stop unless it was told before."""
        told = bool(record.cancel)
        record.cancel = ABORTED_BY_PEOPLE
        return Next("" if told else "cancel", self._enforce_cancel(record, now).ended)

    def abandon(self, record: RequestRecord, now: float) -> None:
        """The step that asked has ended without the answer."""
        record.cancel = record.cancel or "abandoned"
        self._end(record, Outcome.LOST, now, reason="its step had ended")

    def overdue(self, record: RequestRecord, now: float, *, up_since: float | None) -> Next:
        """The deadline of what the request waits for has passed. `up_since`: None while the link is down."""
        match record.wait:
            case Wait.PICKUP:
                return self.cancel(record, NOT_PICKED_UP, now)
            case Wait.CANCEL:
                return self._cancel_unanswered(record, now, link_up=up_since is not None)
            case Wait.SILENCE if record.run_due_at is not None and now >= record.run_due_at:
                return self.cancel(record, "timeout", now)
            case Wait.SILENCE:
                return self._ask(record, Wait.FIRST_QUERY, now)
            case Wait.FIRST_QUERY | Wait.SECOND_QUERY:
                return self._query_unanswered(record, now, up_since)

    def _query_unanswered(self, record: RequestRecord, now: float, up_since: float | None) -> Next:
        """Give the host up after the second; one of before the link came up may not even have been sent."""
        if up_since is None or record.due_at - ANSWER < up_since:
            return self._ask(record, record.wait, now)
        if record.wait is Wait.FIRST_QUERY:
            return self._ask(record, Wait.SECOND_QUERY, now)
        return self._end(record, Outcome.LOST, now, reason="no answer to two queries")

    def _cancel_unanswered(self, record: RequestRecord, now: float, *, link_up: bool) -> Next:
        if not link_up:  # the cancel may not even have been sent: nothing can be concluded
            self._wait(record, Wait.CANCEL, now + ANSWER)
            return Next(send="cancel")
        if record.cancel in _BY_PEOPLE:
            return self._enforce_cancel(record, now)
        if record.state is RequestState.OPEN:
            return self._end(record, Outcome.NOT_PICKED_UP, now)
        return self._ask(record, Wait.FIRST_QUERY, now)

    def _enforce_cancel(self, record: RequestRecord, now: float) -> Next:
        if record.state is RequestState.OPEN:
            return self._end(record, Outcome.CANCELLED, now)
        reason = "cancel enforced, it may still run on the host"
        return self._end(record, Outcome.LOST, now, reason=reason)

    def _ask(self, record: RequestRecord, wait: Wait, now: float) -> Next:
        self._wait(record, wait, now + ANSWER)
        return Next(send="query")

    # -- all of it ----------------------------------------------------------------------------------------

    def _heard(self, record: RequestRecord, now: float) -> None:
        """A sign of life: silence begins anew, unless the request waits for the end of a cancel."""
        if record.cancel and record.wait is Wait.CANCEL:
            self.changed[record.id] = record
            return
        until = now + SILENCE
        self._wait(record, Wait.SILENCE, min(until, record.run_due_at or until))

    def _wait(self, record: RequestRecord, wait: Wait, due_at: float) -> None:
        record.wait, record.due_at = wait, due_at
        self.changed[record.id] = record

    def _end(
        self,
        record: RequestRecord,
        outcome: Outcome,
        now: float,
        *,
        reason: str = "",
        data: JsonObject | None = None,
        error: str = "",
    ) -> Next:
        del self.open[record.id]
        record.state, record.outcome, record.reason, record.ended_at = (
            RequestState.ENDED,
            outcome,
            reason,
            now,
        )
        self.changed[record.id] = record
        ok = outcome is Outcome.OK
        said = "" if ok else error or outcome.words(reason)
        return Next(ended=Reply(record.id, record.host, ok, outcome, data or {}, said))


def _outcome(record: RequestRecord, body: ResultBody) -> tuple[Outcome, str]:
    """Read the agent's word; one that is not known counts as failed and is shown as sent."""
    reason = body.reason or ""
    if body.outcome in _PLAIN:
        return _PLAIN[body.outcome], "journal_lost" if body.outcome == Word.JOURNAL_LOST else reason
    if body.outcome == Word.CANCELLED:
        return (Outcome.NOT_PICKED_UP if record.cancel == NOT_PICKED_UP else Outcome.CANCELLED), ""
    if body.outcome == Word.KILLED:
        by_people = record.cancel in _BY_PEOPLE
        return (Outcome.CANCELLED_KILLED if by_people else Outcome.TIMED_OUT_KILLED), ""
    if body.outcome == Word.FAILED:
        return Outcome.FAILED, reason or _exit_words(body)
    return Outcome.FAILED, body.outcome


def _exit_words(body: ResultBody) -> str:
    if body.exit_code is not None:
        return f"exit {body.exit_code}"
    return f"signal {body.signal}" if body.signal is not None else ""
