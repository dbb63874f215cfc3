"""What is done with each message that comes for a host: taken on, refused, answered again, obeyed.

Source: the project's bus specification, 3.5, 3.6 and 5.4.
"""

import hashlib
import json
import logging
import re
from collections.abc import Mapping
from functools import partial
from typing import Final, Protocol
from uuid import UUID

from mcoflow.agent import results
from mcoflow.agent.admission import admit
from mcoflow.agent.desk import Desk
from mcoflow.agent.entry import Entry, Headers, Host, Stop
from mcoflow.agent.execution import Catalogue, RefusedError
from mcoflow.agent.journal_rows import Row, State
from mcoflow.agent.life import Life
from mcoflow.agent.reports import Asker, Reports
from mcoflow.errors import MalformedMessageError, UnsupportedVersionError
from mcoflow.faults import faultpoint
from mcoflow.ports.bus import Delivery
from mcoflow.wire.envelope import Envelope, decode, peek
from mcoflow.wire.kinds import Kind, Outcome, Refusal
from mcoflow.wire.messages import CancelBody, DiscoverBody, QueryBody, RequestBody
from mcoflow.wire.replies import ResultBody

log = logging.getLogger(__name__)

_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_TRACESTATE: Final = re.compile(r"[\x20-\x7e]{1,512}")


class Discovery(Protocol):
    """Who answers the question who is there."""

    def discovered(self, host: Host, asked: DiscoverBody, question: UUID | None) -> None:
        """Answer for the host, if it is meant."""


class Reception:
    """Reads the messages of a turn in order; used on the loop's thread only."""

    def __init__(
        self,
        desk: Desk,
        life: Life,
        reports: Reports,
        catalogue: Catalogue,
        discovery: Discovery,
    ) -> None:
        self._desk = desk
        self._life = life
        self._reports = reports
        self._catalogue = catalogue
        self._discovery = discovery
        self._arrived: list[tuple[Host, Delivery, Envelope]] = []
        self.last_arrival = 0.0
        self.closed = False

    def arrive(self, host: Host, delivery: Delivery) -> None:
        """Take a delivery in; it is dealt with at the end of the turn, with the others.

        When closed it is left alone, unsettled: the broker gets it back with the link's end.
        """
        faultpoint("agent.delivered")
        if self.closed:
            return
        self.last_arrival = self._desk.clock.monotonic()
        try:
            envelope = decode(delivery.body)
            if delivery.message_id is not None and delivery.message_id != str(envelope.id):
                raise MalformedMessageError(f"message_id {delivery.message_id!r} is not its id {envelope.id}")
        except MalformedMessageError as error:
            log.warning("message.malformed", extra={"host": host.identity, "why": str(error)})
            self._desk.reject(delivery)
        except UnsupportedVersionError as error:
            self._refuse_version(host, delivery, str(error))
        else:
            self._arrived.append((host, delivery, envelope))

    def deal_with_arrivals(self) -> None:
        """Decide about all that arrived in this turn; one look into the journal serves them all."""
        if not self._arrived:
            return
        arrived, self._arrived = self._arrived, []
        entries, fresh = self._desk.entries, self._desk.fresh
        asked = [
            envelope.request
            for _, _, envelope in arrived
            if envelope.request is not None and not isinstance(envelope.body, DiscoverBody)
        ]
        unseen = [request_id for request_id in asked if request_id not in entries and request_id not in fresh]
        known = self._desk.journal.find(unseen) if unseen else {}
        for host, delivery, envelope in arrived:
            self._deal_with(host, delivery, envelope, known)

    def _deal_with(
        self, host: Host, delivery: Delivery, envelope: Envelope, known: Mapping[UUID, Row]
    ) -> None:
        if host.silent:
            self._desk.ack(delivery)
            return
        request_id = envelope.request or envelope.id
        entry = self._desk.entries.get(request_id)
        row = self._desk.fresh.get(request_id) or known.get(request_id)
        match envelope.body:
            case RequestBody() as body if entry is None and (row is None or row.state is State.TOMBSTONE):
                self._take(host, delivery, envelope, body, row)
            case RequestBody() as body:
                asker = Asker(host, request_id, body.reply_to, traces(delivery))
                self._repeat(asker, delivery, entry, row)
            case CancelBody() as body if envelope.request is not None:
                self._cancel(host, body, entry, row, request_id)
                self._desk.ack(delivery)
            case QueryBody() as body if envelope.request is not None:
                self._query(Asker(host, request_id, body.reply_to, traces(delivery)), body, entry, row)
                self._desk.ack(delivery)
            case DiscoverBody() as body:
                self._discovery.discovered(host, body, envelope.request)
                self._desk.ack(delivery)
            case _:
                log.warning("message.misdirected", extra={"host": host.identity, "kind": envelope.kind})
                self._desk.reject(delivery)

    # -- requests --------------------------------------------------------------------------------------

    def _take(
        self, host: Host, delivery: Delivery, envelope: Envelope, body: RequestBody, tombstone: Row | None
    ) -> None:
        """Take a new request on, or refuse it; the journal has it before it is acknowledged."""
        now = self._desk.clock.now()
        if tombstone is not None:
            end = results.without_run(Outcome.CANCELLED, "cancelled before it arrived", now)
        elif envelope.host == host.identity and body.journal not in (None, self._reports.generation):
            message = (
                f"journal {body.journal} of {host.identity} is lost, this may have been executed under it"
            )
            end = results.without_run(Outcome.JOURNAL_LOST, message, now)
        else:
            try:
                operation = admit(envelope, body, host, self._catalogue, now)
                self._check_space()
            except RefusedError as error:
                end = results.refused(error, now)
            else:
                entry = Entry(
                    id=envelope.id,
                    host=host,
                    body=body,
                    operation=operation,
                    reply_to=body.reply_to,
                    headers=traces(delivery),
                    digest=digest(delivery.body),
                    lock=None if body.check else operation.lock(body.args),
                )
                self._life.enter(entry)
                self._desk.insert(self._row(entry.id, host, delivery, body, State.RECEIVED))
                self._desk.ack(delivery)
                self._life.announce(entry)
                return
        self._turn_down(host, delivery, body, envelope.id, end)

    def _check_space(self) -> None:
        if self._desk.no_space:
            raise RefusedError(Refusal.NO_SPACE, "the disk of the agent's state directory is full")

    def _turn_down(
        self, host: Host, delivery: Delivery, body: RequestBody, request_id: UUID, end: ResultBody
    ) -> None:
        """Note a request together with its end, then say so."""
        parcel = self._reports.result(Asker(host, request_id, body.reply_to, traces(delivery)), end)
        row = self._row(request_id, host, delivery, body, State.DONE)
        row.result = parcel.body
        self._desk.insert(row)
        self._desk.ack(delivery)
        self._desk.send(parcel, partial(self._desk.replied, request_id))

    def _repeat(self, asker: Asker, delivery: Delivery, entry: Entry | None, row: Row | None) -> None:
        """Answer a request that is known: equal bytes from the journal, others not at all."""
        seen = entry.digest if entry is not None else row.digest if row is not None else None
        if seen != digest(delivery.body):
            error = RefusedError(Refusal.ID_REUSED, "another request with this id was here before")
            end = results.refused(error, self._desk.clock.now())
            self._desk.send(self._reports.result(asker, end), partial(self._desk.ack, delivery))
            return
        self._desk.ack(delivery)
        if entry is not None:
            self._life.say_again(entry)
        elif row is not None and row.result is not None:
            self._answer(asker, row.result)

    def _answer(self, asker: Asker, stored: bytes) -> None:
        again = self._reports.repeated(asker, stored)
        self._desk.send(again, partial(self._desk.replied, asker.request_id))

    # -- cancel and query ------------------------------------------------------------------------------

    def _cancel(
        self, host: Host, body: CancelBody, entry: Entry | None, row: Row | None, request_id: UUID
    ) -> None:
        if entry is not None:
            entry.reply_to = body.reply_to
            if entry.state is State.RECEIVED:
                self._life.cancel(entry, body.reason)
            else:
                self._life.stop(entry, Stop.CANCEL, force=body.force)
        elif row is None:
            self._desk.insert(Row(id=request_id, host=host.identity, state=State.TOMBSTONE))
        elif row.result is not None:
            self._answer(Asker(host, request_id, body.reply_to), row.result)

    def _query(self, asker: Asker, body: QueryBody, entry: Entry | None, row: Row | None) -> None:
        if entry is not None:
            entry.reply_to = asker.reply_to
            self._life.report(entry)
            if body.output_from is not None:
                self._life.streams.rewind(entry, body.output_from)
        elif row is not None and row.result is not None and body.output_from is not None:
            parcel = self._reports.repeated(asker, row.result)
            send = partial(self._desk.outgoing.send, parcel, partial(self._desk.replied, row.id))
            self._desk.after(self._life.streams.again, asker, body.output_from, send)
        elif row is not None and row.result is not None:
            self._answer(asker, row.result)
        else:
            self._desk.send(self._reports.unknown(asker))

    # -- what cannot be read ---------------------------------------------------------------------------

    def _refuse_version(self, host: Host, delivery: Delivery, why: str) -> None:
        """Refuse in words when it is a request that says whom to tell; nothing was run, nothing is noted."""
        header = peek(delivery.body)
        log.warning("message.unsupported", extra={"host": host.identity, "why": why})
        if header is None or header.kind != Kind.REQUEST or header.reply_to is None:
            self._desk.reject(delivery)
            return
        end = results.refused(RefusedError(Refusal.UNSUPPORTED_VERSION, why), self._desk.clock.now())
        asker = Asker(host, header.id, header.reply_to, traces(delivery))
        self._desk.send(self._reports.result(asker, end), partial(self._desk.ack, delivery))

    def _row(self, request_id: UUID, host: Host, delivery: Delivery, body: RequestBody, state: State) -> Row:
        headers = traces(delivery)
        return Row(
            id=request_id,
            host=host.identity,
            state=state,
            digest=digest(delivery.body),
            request=delivery.body,
            headers=json.dumps(headers) if headers else "",
            reply_to=body.reply_to,
        )


def digest(data: bytes) -> bytes:
    """Return what tells two requests of one id apart."""
    return hashlib.sha256(data).digest()


def traces(delivery: Delivery) -> Headers:
    """Return the trace headers, which go into every reply; malformed ones are dropped."""
    if not delivery.headers:
        return ()
    found = dict(delivery.headers)
    if not _TRACEPARENT.fullmatch(found.get("traceparent", "")):
        return ()
    wanted = [("traceparent", found["traceparent"])]
    if _TRACESTATE.fullmatch(found.get("tracestate", "")):
        wanted.append(("tracestate", found["tracestate"]))
    return tuple(wanted)
