"""What the executor writes to hosts: requests, cancels, queries, as parcels for the bus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol
from uuid import UUID, uuid5

from mcoflow.domain.events import HostRequest
from mcoflow.domain.requests import RequestRecord, Wait
from mcoflow.engine.flights import KILLED_BY_PEOPLE
from mcoflow.ports.bus import Ask, Parcel, Request
from mcoflow.wire.envelope import Envelope, encode
from mcoflow.wire.messages import CancelBody, QueryBody, RequestBody

OUTPUT_CAP: Final = 256 * 1024
DEFAULT_RUN: Final = timedelta(minutes=15)
"""Time limit of an execution when neither the caller nor the action says one."""


class KnownHosts(Protocol):
    """What the server knows of hosts, in memory."""

    def journal(self, host: str) -> UUID | None:
        """The generation of the host's journal, None for a host never seen."""

    def simulated(self, host: str) -> bool:
        """Whether the host is one of a simulated fleet."""


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes for one executor.

    `pickup` is how long a host has to take a request unless it says otherwise. `new_id` makes the ids of
    requests: unique for ever, not secret.
    """

    token: str
    hosts: KnownHosts
    pickup: timedelta
    new_id: Callable[[], UUID]

    def request(
        self, asked: HostRequest, *, plan_id: UUID, step_id: int, attempt: int, caller: str, now: float
    ) -> RequestRecord:
        """Return the row with the exact bytes to publish; MessageTooLargeError if they are too many."""
        request_id = self.new_id()
        pickup = (asked.deadlines.pickup or self.pickup).total_seconds()
        run = (asked.deadlines.run or DEFAULT_RUN).total_seconds()
        grace = asked.deadlines.grace.total_seconds()
        body = RequestBody(
            reply_to=self.token,
            agent=asked.agent,
            operation=asked.operation,
            args=asked.args,
            check=asked.check,
            expires_at=_moment(now + pickup),
            timeout_ms=round(run * 1000),
            grace_ms=round(grace * 1000),
            caller=caller[:128],
            plan=plan_id,
            step=step_id,
            attempt=attempt,
            journal=self.hosts.journal(asked.host),
            output_cap=OUTPUT_CAP,
        )
        simulated = self.hosts.simulated(asked.host)
        data = encode(
            Envelope(
                id=request_id,
                request=request_id,
                host=asked.host,
                sent_at=_moment(now),
                body=body,
                simulated=simulated,
            )
        )
        return RequestRecord(
            id=request_id,
            plan_id=plan_id,
            step_id=step_id,
            attempt=attempt,
            host=asked.host,
            reply_to=self.token,
            body=data,
            created_at=now,
            wait=Wait.PICKUP,
            due_at=now + pickup,
            run_limit=run,
            grace=grace,
        )

    def parcel(self, record: RequestRecord, body: bytes) -> Parcel:
        """The parcel of a request; the same each time it is sent."""
        ttl = timedelta(seconds=max(1.0, record.due_at - record.created_at))
        trace = (("traceparent", traceparent(record.plan_id, record.id)),)
        return Parcel(
            Request(record.host), "request", record.id, body, record.id, record.reply_to, trace, ttl=ttl
        )

    def cancel(self, record: RequestRecord, now: float) -> Parcel:
        """Tell the agent to stop, behind the request in its own queue; one id however often it is sent.

        A kill has an id of its own.
        """
        force = record.cancel == KILLED_BY_PEOPLE
        body = CancelBody(reply_to=self.token, reason=record.cancel, force=force)
        own_id = uuid5(record.id, KILLED_BY_PEOPLE if force else "cancel")
        return self._about(record.id, record.host, body, own_id, now)

    def query(self, record: RequestRecord, now: float) -> Parcel:
        """Ask the agent what became of a request."""
        body = QueryBody(reply_to=self.token)
        return self._about(record.id, record.host, body, self.new_id(), now)

    def output_query(self, request_id: UUID, host: str, seq: int, now: float) -> Parcel:
        """Ask the agent for the output of a request once more, from a chunk on."""
        body = QueryBody(reply_to=self.token, output_from=seq)
        return self._about(request_id, host, body, self.new_id(), now)

    def _about(
        self, request_id: UUID, host: str, body: CancelBody | QueryBody, own_id: UUID, now: float
    ) -> Parcel:
        envelope = Envelope(id=own_id, request=request_id, host=host, sent_at=_moment(now), body=body)
        asking = isinstance(body, QueryBody)
        address = Ask(host) if asking else Request(host)
        data = encode(envelope)
        return Parcel(address, body.KIND.value, own_id, data, request_id, self.token, durable=not asking)


def traceparent(plan_id: UUID, request_id: UUID) -> str:
    """Return the W3C trace context of a request: the plan is the trace, so its id finds it in every log."""
    return f"00-{plan_id.hex}-{request_id.hex[:16]}-01"


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
