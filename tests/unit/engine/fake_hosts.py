"""Hosts whose answers a test scripts."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from mcoflow.ports.bus import Delivery, Parcel, Replies
from mcoflow.wire.envelope import Envelope, decode, encode
from mcoflow.wire.messages import (
    AcceptedBody,
    Body,
    CancelBody,
    Kind,
    ProgressBody,
    QueryBody,
    RequestBody,
    ResultBody,
    Work,
)
from tests.unit.engine.fake_broker import FakeBroker

Answer = Callable[[RequestBody], Sequence[Body]]
THEN = datetime(2026, 11, 21, 5, 0, tzinfo=UTC)


def accepted() -> AcceptedBody:
    return AcceptedBody(journal=uuid4(), position=0, repeat=False)


def progress(state: Work = Work.EXECUTING) -> ProgressBody:
    return ProgressBody(seq=0, state=state)


def result(outcome: str = "ok", **fields: Any) -> ResultBody:
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


def ok(**values: Any) -> Answer:
    return lambda _request: [accepted(), progress(), result(values=values)]


def fails(exit_code: int = 3, message: str = "it broke") -> Answer:
    return lambda _request: [accepted(), progress(), result("failed", exit_code=exit_code, message=message)]


def silent(_request: RequestBody) -> Sequence[Body]:
    return []


def only(*bodies: Body) -> Answer:
    return lambda _request: bodies


class FakeHosts:
    """Answer requests, cancels and queries as told; count what was performed by request id."""

    def __init__(self, broker: FakeBroker) -> None:
        self._broker = broker
        self.answers: dict[str, Answer] = {}  #: by host, by "host operation", or by name of the package
        self.default: Answer = ok()
        self.on_cancel: Callable[[Envelope], Sequence[Body]] = lambda _cancel: []
        self.on_query: Callable[[Envelope], Sequence[Body]] = lambda _query: []
        self.requests: list[Envelope] = []
        self.performed: Counter[UUID] = Counter()
        broker.on_published = self._receive

    def asked(self, operation: str = "") -> list[str]:
        """What the hosts were asked, in order: `install nginx`."""
        bodies = [each.body for each in self.requests if isinstance(each.body, RequestBody)]
        return [
            f"{body.operation} {body.args.get('package') or body.args.get('service') or ''}".strip()
            for body in bodies
            if operation in ("", body.operation)
        ]

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
        return self._broker.deliver(Replies(to or asked.body.reply_to), encode(envelope))

    def shout(self, body: bytes, *, to: str = "") -> Delivery:
        """Send bytes that are no message."""
        asked = self.requests[-1].body
        assert isinstance(asked, RequestBody)
        return self._broker.deliver(Replies(to or asked.reply_to), body)

    def _receive(self, parcel: Parcel) -> None:
        if parcel.kind not in (Kind.REQUEST, Kind.CANCEL, Kind.QUERY):
            return
        envelope = decode(parcel.body)
        for body in self._react(envelope):
            self.say(body, about=envelope)

    def _react(self, envelope: Envelope) -> Sequence[Body]:
        match envelope.body:
            case RequestBody() as body:
                self.requests.append(envelope)
                self.performed[envelope.id] += 1
                return self._answer(envelope.host, body)(body)
            case CancelBody():
                return self.on_cancel(envelope)
            case _:
                return self.on_query(envelope)

    def _answer(self, host: str, body: RequestBody) -> Answer:
        thing = str(body.args.get("package") or body.args.get("service") or "")
        for key in (f"{host} {thing}", thing, f"{host} {body.operation}", host, body.operation):
            if key in self.answers:
                return self.answers[key]
        return self.default
