"""What hosts say: each message is applied once, or recorded as changing nothing, and then acknowledged."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from mcoflow.domain.outcome import Outcome
from mcoflow.domain.requests import EvidenceRecord, RequestRecord, RequestState
from mcoflow.domain.states import PlanState, StepState
from mcoflow.engine.batch import Batch
from mcoflow.engine.flights import REJECTED, Next
from mcoflow.engine.memory import Memory
from mcoflow.engine.outputs import Outputs
from mcoflow.engine.patient import PatientStore
from mcoflow.engine.quarantine import break_off
from mcoflow.engine.steps import Steps
from mcoflow.engine.writer import Writer
from mcoflow.errors import (
    MalformedMessageError,
    PlanNotFoundError,
    StoreUnavailableError,
    UnsupportedVersionError,
)
from mcoflow.ports.bus import Delivery, Parcel, ToExecutor
from mcoflow.wire.envelope import VERSION, Envelope, Header, decode, peek
from mcoflow.wire.kinds import Kind
from mcoflow.wire.messages import (
    AcceptedBody,
    OutputBody,
    ProgressBody,
    RequestBody,
    ResultBody,
    Work,
)

log = logging.getLogger("mcoflow.replies")
_EVIDENCE_BYTES = 64 * 1024
FORWARD_AGAIN: Final = 10.0
"""Seconds that the owner of a plan has to apply what was sent on to it."""
_SAID_BY_AGENTS: Final = frozenset(
    {Outcome.OK, Outcome.FAILED, Outcome.REJECTED, Outcome.CANCELLED_KILLED, Outcome.TIMED_OUT_KILLED}
)
"""Ends that only a result brings: one more is a duplicate. After the others it may be the first, and late."""
TURN: Final = "its turn: "
"""How the reason of a step begins that waits on its host; the agent's own words follow."""
_DIED: Final = "mcoflow-died"
"""The header in which one executor tells another why the message that it sends on was a dead letter."""
_LOGGED: Final[Mapping[str, str]] = {
    "duplicate": "reply.duplicate",
    "late": "reply.late",
    "unknown": "reply.unknown",
    "foreign": "reply.foreign",
    "malformed": "reply.malformed",
    "unsupported": "reply.unsupported",
}
"""What is logged of a message that changes nothing, by why."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message from a host, decoded on the connector's thread; `fault` says why there is no envelope.

    `header` is what can be read of a message that is not understood here.
    `sent_on`: to which executor, the owner of its plan, and when.
    """

    delivery: Delivery
    envelope: Envelope | None
    fault: str = ""
    header: Header | None = None
    sent_on: tuple[str, float] | None = None

    @property
    def died(self) -> str | None:
        """Why it was a dead letter, here or where it was sent on from; None if it was none."""
        return self.delivery.died or dict(self.delivery.headers).get(_DIED)


def read(delivery: Delivery) -> Message:
    """Decode a delivery; never raises, runs on the connector's thread."""
    try:
        return Message(delivery, decode(delivery.body))
    except MalformedMessageError as error:
        return Message(delivery, None, f"malformed: {error}")
    except UnsupportedVersionError as error:
        return Message(delivery, None, f"unsupported: {error}", peek(delivery.body))


class Replies:
    """Applies messages to the requests in memory, and finds the right place for all others."""

    def __init__(
        self, memory: Memory, steps: Steps, writer: Writer, store: PatientStore, outputs: Outputs
    ) -> None:
        self._memory = memory
        self._steps = steps
        self._writer = writer
        self._store = store
        self._outputs = outputs

    def apply(self, batch: Batch, messages: Sequence[Message]) -> list[Message]:
        """Apply what arrived; return those to be given again later: their plan is not ours, or not yet."""
        strangers: list[tuple[Message, Envelope]] = []
        for message in messages:
            envelope = message.envelope
            if envelope is None or envelope.request is None:
                self._not_understood(batch, message)
                continue
            record = self._memory.flights.open.get(envelope.request)
            if record is None:
                strangers.append((message, envelope))
            elif record.host != envelope.host:
                self._record(batch, message, f"foreign: the request was for {record.host}", record)
            else:
                self._guarded(batch, record, envelope, message.died)
                batch.deliveries.append((record.plan_id, message.delivery))
        return self._place(batch, strangers) if strangers else []

    def _not_understood(self, batch: Batch, message: Message) -> None:
        """Record it; the end of a request in another version of the envelope is that it was refused."""
        header = message.header
        record = self._memory.flights.open.get(header.request) if header and header.request else None
        if header is None or record is None or record.host != header.host:
            record = None
        elif header.kind == Kind.RESULT and header.v != VERSION:
            self.follow(batch, record, self._memory.flights.other_version(record, header.v, batch.now))
        self._record(batch, message, message.fault or "malformed: a reply without a request", record)

    def _guarded(self, batch: Batch, record: RequestRecord, envelope: Envelope, died: str | None) -> None:
        try:
            self._known(batch, record, envelope, died)
        except StoreUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 - the other plans must not suffer
            break_off(self._memory, batch, record.plan_id, error)

    def follow(self, batch: Batch, record: RequestRecord, follows: Next) -> None:
        """Do what follows from a message or a deadline of a request."""
        run = self._memory.runs[record.plan_id]
        batch.touch(run)
        if follows.ended is not None:
            step = run.steps[record.step_id]
            if step.state.value in ("suspended", "running"):
                self._steps.request_ended(batch, run, step, follows.ended)
            return
        self._memory.agenda.add(record.due_at, record.id)
        if follows.send == "cancel":
            batch.parcels.append((run.id, self._writer.cancel(record, batch.now)))
        elif follows.send == "query":
            batch.parcels.append((run.id, self._writer.query(record, batch.now)))
        elif follows.send == "request":
            body = self._store.request_bodies([record.id])[record.id]
            batch.parcels.append((run.id, self._writer.parcel(record, body)))

    def _known(self, batch: Batch, record: RequestRecord, envelope: Envelope, died: str | None) -> None:
        flights = self._memory.flights
        follows = Next()
        match envelope.body:
            case OutputBody() as body:
                self._outputs.take(batch, record, body)
                return
            case ResultBody() as body:
                self._outputs.end(batch, record, body)
                follows = flights.result(record, body, batch.now)
            case AcceptedBody():
                flights.accepted(record, batch.now)
            case ProgressBody() as body:
                follows = flights.progress(record, body, batch.now)
                self._tell_turn(batch, record, body)
            case RequestBody() if died is not None:
                follows = flights.died(record, died, batch.now)
            case _:
                return
        self.follow(batch, record, follows)

    def _tell_turn(self, batch: Batch, record: RequestRecord, body: ProgressBody) -> None:
        """Let the step say whom it waits for on its host, as long as it does; written when that changes."""
        run = self._memory.runs[record.plan_id]
        step = run.steps[record.step_id]
        queued = body.state is Work.QUEUED and bool(body.reason)
        told = f"{TURN}{(body.reason or '').removeprefix('waits for ')}" if queued else ""
        if (
            step.state is StepState.SUSPENDED
            and told != step.reason
            and (told or step.reason.startswith(TURN))
        ):
            step.reason = told
            run.touch(step)
            batch.touch(run)

    def _place(self, batch: Batch, strangers: list[tuple[Message, Envelope]]) -> list[Message]:
        """Record what came late, doubly or for nobody; forward what belongs to another executor."""
        known = self._store.requests({envelope.request for _, envelope in strangers if envelope.request})
        owners = self._owners({r.plan_id for r in known.values() if r.state is not RequestState.ENDED})
        later = []
        for message, envelope in strangers:
            record = known.get(envelope.request) if envelope.request else None
            if record is None:
                self._record(batch, message, "unknown: no such request")
            elif record.host != envelope.host:
                self._record(batch, message, f"foreign: the request was for {record.host}", record)
            elif message.sent_on is not None and _is_applied(envelope, record):
                self._settle_sent_on(batch, message, record)
            elif record.state is RequestState.ENDED:
                self._after_the_end(batch, message, envelope, record)
            elif record.plan_id not in owners and isinstance(envelope.body, OutputBody):
                self._attach(batch, message, envelope.body, record)
            elif (token := owners.get(record.plan_id)) is None:
                self._record(batch, message, "late: its task is over", record)
            elif not token:
                later.append(message)
            elif _decides(message, envelope):
                later.append(self._send_on(batch, message, envelope, record, token))
            else:
                batch.parcels.append((record.plan_id, _sent_on(message, envelope, token)))
                self._settle_sent_on(batch, message, record)
        return later

    def _send_on(
        self, batch: Batch, message: Message, envelope: Envelope, record: RequestRecord, token: str
    ) -> Message:
        """Send a message on to the owner of its plan, and keep it until the database shows it applied.

        That the broker has it is not enough: the owner may die, and its queue be deleted while this is on
        its way into it. Then the next owner gets it from here.
        """
        to, at = message.sent_on or ("", 0.0)
        if token == to and batch.now < at + FORWARD_AGAIN:
            return message
        batch.parcels.append((record.plan_id, _sent_on(message, envelope, token)))
        return replace(message, sent_on=(token, batch.now))

    def _settle_sent_on(self, batch: Batch, message: Message, record: RequestRecord) -> None:
        batch.deliveries.append((record.plan_id, message.delivery))
        batch.sent_on += 1

    def _after_the_end(
        self, batch: Batch, message: Message, envelope: Envelope, record: RequestRecord
    ) -> None:
        """A result again, or too late, is evidence; output is attached; other words are just too late."""
        body = envelope.body
        if isinstance(body, OutputBody):
            self._attach(batch, message, body, record)
        elif isinstance(body, ResultBody) and not (body.repeat and self._outputs.was_asked(record.id)):
            self._outputs.end(batch, record, body)
            outcome = record.outcome.words(record.reason) if record.outcome else "ended"
            why = "duplicate" if record.outcome in _SAID_BY_AGENTS else "late"
            self._record(batch, message, f"{why}: the request has ended already ({outcome})", record)
        else:
            batch.deliveries.append((record.plan_id, message.delivery))

    def _attach(self, batch: Batch, message: Message, body: OutputBody, record: RequestRecord) -> None:
        self._outputs.take(batch, record, body)
        batch.deliveries.append((record.plan_id, message.delivery))

    def _owners(self, plan_ids: set[UUID]) -> dict[UUID, str]:
        """The reply queues of the living executors that own these plans; "" for our own and for nobody's.

        Plans that are over are left out.
        """
        tokens = {world.id: world.token for world in self._store.worlds() if world.alive} if plan_ids else {}
        found: dict[UUID, str] = {}
        for plan_id in plan_ids:
            try:
                plan = self._store.plan(plan_id)
            except PlanNotFoundError:
                continue
            if plan.state is not PlanState.STOPPED:
                token = tokens.get(plan.owner, "") if plan.owner else ""
                found[plan_id] = "" if token == self._writer.token else token
        return found

    def _record(self, batch: Batch, message: Message, why: str, record: RequestRecord | None = None) -> None:
        word, _, detail = why.partition(": ")
        envelope = message.envelope
        host = envelope.host if envelope is not None else ""
        log.info(_LOGGED.get(word, "reply.unknown"), extra={"host": host, "detail": detail})
        batch.evidence.append(
            EvidenceRecord(
                at=batch.now,
                why=word,
                host=host,
                request_id=envelope.request if envelope is not None else None,
                plan_id=record.plan_id if record is not None else None,
                body=message.delivery.body[:_EVIDENCE_BYTES],
                detail=detail[:500],
            )
        )
        batch.deliveries.append((None, message.delivery))


def _decides(message: Message, envelope: Envelope) -> bool:
    """Whether a message may not get lost: what the host accepted, told the end of, or cannot read."""
    return isinstance(envelope.body, AcceptedBody | ResultBody) or message.died == REJECTED


def _is_applied(envelope: Envelope, record: RequestRecord) -> bool:
    """Whether a message that was sent on has reached the database."""
    if isinstance(envelope.body, ResultBody):
        return record.state is RequestState.ENDED
    return record.state is not RequestState.OPEN


def _sent_on(message: Message, envelope: Envelope, token: str) -> Parcel:
    return Parcel(
        ToExecutor(token, envelope.host),
        envelope.kind.value,
        envelope.id,
        message.delivery.body,
        envelope.request,
        headers=((_DIED, message.died),) if message.died else (),
    )
