"""Hosts that answer as a test tells them, and count what they executed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from mcoflow.ports.bus import Delivery, Parcel, Receipt, Replies, Request
from mcoflow.testing.broker import MemoryBroker
from mcoflow.testing.clock import START, ManagedClock, Timer
from mcoflow.wire.envelope import Envelope, decode, encode
from mcoflow.wire.messages import (
    AcceptedBody,
    Body,
    CancelBody,
    Kind,
    OutputBody,
    ProgressBody,
    QueryBody,
    RequestBody,
    ResultBody,
    Stream,
    Work,
)

THEN: Final = START


@dataclass(frozen=True, slots=True)
class Later:
    """Something that a host says when this much time has passed."""

    after: timedelta
    body: Body


Words = Sequence[Body | Later]
Answer = Callable[[RequestBody], Words]
"""What a host says to a request."""


# -- single messages ---------------------------------------------------------------------------------------


def accepted() -> AcceptedBody:
    """The agent has the request in its journal."""
    return AcceptedBody(journal=uuid4(), position=0, repeat=False)


def progress(state: Work = Work.EXECUTING, reason: str | None = None) -> ProgressBody:
    """The agent tells where it stands, and why."""
    return ProgressBody(seq=0, state=state, reason=reason)


def output(seq: int, text: str, *, stream: str = "stdout", offset: int = 0) -> OutputBody:
    """A chunk of what the operation prints, the first is 0; `offset`: bytes of its stream before it."""
    return OutputBody(seq=seq, stream=Stream(stream), offset=offset, text=text, at=THEN)


def result(outcome: str = "ok", **fields: Any) -> ResultBody:
    """The agent tells the end."""
    common = {
        "message": "",
        "values": {},
        "finished_at": THEN,
        "agent_time": THEN,
        "duration_ms": 7,
        "runs": 1,
        "repeat": False,
    }
    return ResultBody(outcome=outcome, **{**common, **fields})


# -- answers -----------------------------------------------------------------------------------------------


def ok(**values: Any) -> Answer:
    """Execute, and succeed with these values."""
    return lambda _request: [accepted(), progress(), result(values=values)]


def error(exit_code: int = 3, message: str = "it broke") -> Answer:
    """Execute, and fail."""
    return lambda _request: [accepted(), progress(), result("failed", exit_code=exit_code, message=message)]


def silence(_request: RequestBody) -> Words:
    """Never say a word, and never execute."""
    return []


def only(*bodies: Body | Later) -> Answer:
    """Say exactly this."""
    return lambda _request: bodies


def late(after: timedelta, answer: Answer) -> Answer:
    """Give an answer when this much time has passed; it may be too late by then."""
    return lambda request: [Later(after + _wait(word), _body(word)) for word in answer(request)]


def twice(answer: Answer) -> Answer:
    """Say everything twice; it is executed once."""
    return lambda request: [word for word in answer(request) for _ in range(2)]


def out_of_order(answer: Answer) -> Answer:
    """Tell the end first."""
    return lambda request: list(reversed(answer(request)))


def restart_amid(answer: Answer, *, idempotent: bool = False) -> Answer:
    """Die while executing. One that is idempotent is executed again, any other ends as `interrupted`."""

    def say(request: RequestBody) -> Words:
        if not idempotent:
            return [accepted(), progress(), result("interrupted", message="the agent was restarted")]
        again = [_run_twice(word) for word in answer(request)]
        return [accepted(), progress(), *again]

    return say


def _run_twice(word: Body | Later) -> Later:
    body = _body(word)
    return Later(_wait(word), replace(body, runs=2) if isinstance(body, ResultBody) else body)


def _body(word: Body | Later) -> Body:
    return word.body if isinstance(word, Later) else word


def _wait(word: Body | Later) -> timedelta:
    return word.after if isinstance(word, Later) else timedelta(0)


# -- the hosts ---------------------------------------------------------------------------------------------


class FakeHosts:
    """Answer requests, cancels and queries as told.

    `answers` are looked up by "host thing", thing, "host operation", host, operation, where the thing is the
    package or service of a request; else it is `default`. `effects` counts executions by request id: as a
    real agent's journal does, a request that comes again is answered again and not executed again. Hosts
    in `unknown` have no queue.
    """

    def __init__(self, broker: MemoryBroker, clock: ManagedClock | None = None) -> None:
        self._broker = broker
        self._clock = clock
        self.answers: dict[str, Answer] = {}
        self.default: Answer = ok()
        self.on_cancel: Callable[[Envelope], Words] = lambda _cancel: []
        self.on_query: Callable[[Envelope], Words] = lambda _query: []
        self.unknown: set[str] = set()
        self.requests: list[Envelope] = []
        self.effects: Counter[UUID] = Counter()
        self._journal: set[UUID] = set()
        self._headers: dict[UUID, tuple[tuple[str, str], ...]] = {}
        self._late: list[tuple[Timer, Body, Envelope]] = []
        broker.on_published = self._receive
        broker.receipt_for = self._receipt
        if clock is not None:
            clock.serve(self)

    def asked(self, operation: str = "") -> list[str]:
        """What the hosts were asked, in order: `install nginx`."""
        bodies = [each.body for each in self.requests if isinstance(each.body, RequestBody)]
        return [
            f"{body.operation} {_thing(body)}".strip() for body in bodies if operation in ("", body.operation)
        ]

    def executed(self, host: str = "", operation: str = "") -> int:
        """How often was executed what matches."""
        matching = {
            each.id
            for each in self.requests
            if host in ("", each.host)
            and isinstance(each.body, RequestBody)
            and operation in ("", each.body.operation)
        }
        return sum(self.effects[request_id] for request_id in matching)

    def say(
        self,
        body: Body,
        *,
        about: Envelope | None = None,
        host: str = "",
        request: UUID | None = None,
        to: str = "",
    ) -> Delivery:
        """Send a message about a request; as another host, or to another executor, if one is named."""
        asked = about or self.requests[-1]
        assert isinstance(asked.body, RequestBody | CancelBody | QueryBody)
        envelope = Envelope(
            id=uuid4(), request=request or asked.request, host=host or asked.host, sent_at=THEN, body=body
        )
        headers = self._headers.get(envelope.request, ()) if envelope.request is not None else ()
        return self._broker.deliver(Replies(to or asked.body.reply_to), encode(envelope), headers=headers)

    def shout(self, body: bytes, *, to: str = "") -> Delivery:
        """Send bytes that are no message."""
        asked = self.requests[-1].body
        assert isinstance(asked, RequestBody)
        return self._broker.deliver(Replies(to or asked.reply_to), body)

    # -- time: what was not said yet ----------------------------------------------------------------------

    def timers(self) -> Iterable[Timer]:
        """The messages that are still to come."""
        return [timer for timer, _, _ in self._late]

    def time_passed(self) -> None:
        """Say what is due."""
        now = self._now()
        due = [each for each in self._late if each[0].due_at <= now]
        self._late = [each for each in self._late if each not in due]
        for _, body, about in due:
            self.say(body, about=about)

    # -- the agents' side ---------------------------------------------------------------------------------

    def _receipt(self, parcel: Parcel) -> Receipt:
        gone = isinstance(parcel.address, Request) and parcel.address.host in self.unknown
        return "unroutable" if gone else "confirmed"

    def _receive(self, parcel: Parcel) -> None:
        if parcel.kind not in (Kind.REQUEST, Kind.CANCEL, Kind.QUERY):
            return
        envelope = decode(parcel.body)
        if parcel.kind == Kind.REQUEST:
            self._headers[envelope.id] = parcel.headers
        for word in self._react(envelope):
            if _wait(word):
                self._postpone(_wait(word), _body(word), envelope)
            else:
                self.say(_body(word), about=envelope)

    def _react(self, envelope: Envelope) -> Words:
        match envelope.body:
            case RequestBody() as body:
                self.requests.append(envelope)
                words = self._answer(envelope.host, body)(body)
                self._execute(envelope.id, words)
                return words
            case CancelBody():
                return self.on_cancel(envelope)
            case _:
                return self.on_query(envelope)

    def _execute(self, request_id: UUID, words: Words) -> None:
        if request_id not in self._journal and (runs := _runs(words)):
            self._journal.add(request_id)
            self.effects[request_id] += runs

    def _postpone(self, wait: timedelta, body: Body, about: Envelope) -> None:
        if self._clock is None:
            raise ValueError("only FakeHosts with a clock can answer late")
        kind = type(body).__name__.removesuffix("Body").lower()
        self._late.append((Timer(self._now() + wait, f"{kind} from {about.host}"), body, about))

    def _now(self) -> datetime:
        return self._clock.now() if self._clock is not None else THEN

    def _answer(self, host: str, body: RequestBody) -> Answer:
        thing = _thing(body)
        for key in (f"{host} {thing}", thing, f"{host} {body.operation}", host, body.operation):
            if key in self.answers:
                return self.answers[key]
        return self.default


def _thing(body: RequestBody) -> str:
    return str(body.args.get("package") or body.args.get("service") or "")


def _runs(words: Words) -> int:
    """How often a host that says this has executed the request."""
    bodies = [_body(word) for word in words]
    told = [body.runs for body in bodies if isinstance(body, ResultBody) and body.outcome != "rejected"]
    begun = any(isinstance(body, ProgressBody) and body.state is Work.EXECUTING for body in bodies)
    return max(told, default=int(begun))
