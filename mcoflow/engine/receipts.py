"""What the bus says of parcels: confirmed, unroutable, refused, unknown."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol
from uuid import UUID

from mcoflow.domain.requests import RequestRecord, RequestState
from mcoflow.engine.batch import Batch
from mcoflow.engine.committer import Committer
from mcoflow.engine.memory import Memory
from mcoflow.engine.patient import PatientStore
from mcoflow.engine.post import Post, Receipted
from mcoflow.engine.replies import Replies
from mcoflow.engine.writer import Writer
from mcoflow.faults import faultpoint
from mcoflow.ports.bus import Receipt

log = logging.getLogger("mcoflow.receipts")


class Admissions(Protocol):
    """Who gives hosts their queues."""

    def admitted(self, host: str) -> bool:
        """Whether the host was admitted."""

    def pending(self, host: str) -> bool:
        """Whether the host waits for a person to admit it."""

    def redeclare(self, host: str, then: Callable[[], None]) -> None:
        """Declare the queues of an admitted host again, on another thread, and call `then`."""


class Receipts:
    """Turns receipts into what follows for the requests."""

    def __init__(
        self,
        *,
        memory: Memory,
        replies: Replies,
        writer: Writer,
        committer: Committer,
        post: Post,
        store: PatientStore,
        admissions: Admissions,
        on_declared: Callable[[UUID], None],
    ) -> None:
        self._memory = memory
        self._replies = replies
        self._writer = writer
        self._committer = committer
        self._post = post
        self._store = store
        self._admissions = admissions
        self._on_declared = on_declared
        self._redeclared: set[UUID] = set()

    def apply(self, batch: Batch, receipted: Receipted) -> None:
        """Apply one receipt."""
        parcel, receipt = receipted.parcel, receipted.receipt
        if receipt == "unknown":
            if parcel.request_id in self._memory.flights.open:
                self._post.send([parcel])  # the same id and bytes: whoever got it already drops the double
            return
        record = self._memory.flights.open.get(parcel.message_id)
        if record is not None:
            if receipt == "confirmed":
                record.confirmed = True
                self._redeclared.discard(record.id)
                self._committer.confirm(record.id)
                faultpoint("outbox.after_receipt")
            elif record.state is RequestState.OPEN:  # else the agent has it, and a resend found no way
                self._not_taken(batch, record, receipt)
        elif receipt != "confirmed":
            log.info("parcel.dropped", extra={"kind": parcel.kind, "receipt": receipt})

    def send_again(self, batch: Batch, request_id: UUID) -> None:
        """Publish a request once more, if it still waits for its host."""
        record = self._memory.flights.open.get(request_id)
        if record is not None:
            body = self._store.request_bodies([record.id])[record.id]
            batch.parcels.append((record.plan_id, self._writer.parcel(record, body)))

    def send_all_again(self, batch: Batch) -> None:
        """Publish again what hosts have not taken: the queues it was in are gone; they drop the doubles."""
        flights = self._memory.flights.open
        lost = [each.id for each in flights.values() if each.state is RequestState.OPEN and not each.cancel]
        bodies = self._store.request_bodies(lost)
        for request_id, body in bodies.items():
            record = flights[request_id]
            batch.parcels.append((record.plan_id, self._writer.parcel(record, body)))
        log.warning("request.all_resent", extra={"count": len(bodies)})

    def _not_taken(self, batch: Batch, record: RequestRecord, receipt: Receipt) -> None:
        """No queue, or a full one: declare and try once more if the host is ours, else the step ends."""
        if record.id not in self._redeclared and self._admissions.admitted(record.host):
            self._redeclared.add(record.id)
            request_id = record.id
            self._admissions.redeclare(record.host, lambda: self._on_declared(request_id))
            return
        self._redeclared.discard(record.id)
        where = {"plan": str(record.plan_id), "step": record.step_id, "request": str(record.id)}
        log.info("request.unroutable", extra={**where, "host": record.host, "receipt": receipt})
        flights = self._memory.flights
        ended = (
            flights.unroutable(record, batch.now, pending=self._admissions.pending(record.host))
            if receipt == "unroutable"
            else flights.refused(record, batch.now)
        )
        self._replies.follow(batch, record, ended)
