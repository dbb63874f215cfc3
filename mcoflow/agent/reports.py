"""The messages an agent sends, as parcels."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from mcoflow.agent.entry import Entry, Headers, Host
from mcoflow.agent.results import clip
from mcoflow.clock import Clock
from mcoflow.errors import MalformedMessageError, MessageTooLargeError
from mcoflow.ports.bus import Parcel, Presence, ToExecutor
from mcoflow.wire import codec
from mcoflow.wire.envelope import Envelope, decode, encode, peek
from mcoflow.wire.kinds import REASON_LIMIT, VALUES_LIMIT, Kind, Work
from mcoflow.wire.messages import Body
from mcoflow.wire.replies import AcceptedBody, OutputBody, PresenceBody, ProgressBody, ResultBody

_DURABLE: Final = frozenset((Kind.RESULT,))


@dataclass(frozen=True, slots=True)
class Asker:
    """Whom a message about a request goes to: the host that speaks, the request, the executor."""

    host: Host
    request_id: UUID
    reply_to: str
    headers: Headers = ()


def asker_of(entry: Entry) -> Asker:
    """Name who wants to hear of an entry."""
    return Asker(entry.host, entry.id, entry.reply_to, entry.headers)


@dataclass(frozen=True, slots=True)
class Reports:
    """Makes messages. `generation` is that of the journal."""

    clock: Clock
    new_id: Callable[[], UUID]
    generation: UUID

    def accepted(self, entry: Entry, *, repeat: bool = False) -> Parcel:
        """Say that the request is in the journal."""
        ahead = max(0, entry.host.received - 1)
        return self._about(
            asker_of(entry), AcceptedBody(journal=self.generation, position=ahead, repeat=repeat)
        )

    def progress(self, entry: Entry, work: Work, reason: str | None = None) -> Parcel:
        """Say how an unended request stands."""
        entry.seq += 1
        body = ProgressBody(seq=entry.seq, state=work, reason=clip(reason, REASON_LIMIT) if reason else None)
        return self._about(asker_of(entry), body)

    def output(self, asker: Asker, body: OutputBody) -> Parcel:
        """Say what was printed."""
        return self._about(asker, body)

    def unknown(self, asker: Asker) -> Parcel:
        """Say that the request was never seen here."""
        return self._about(asker, ProgressBody(seq=0, state=Work.UNKNOWN))

    def result(self, asker: Asker, body: ResultBody) -> Parcel:
        """Say how the request ended; values that cannot be sent are left out, and the message says so."""
        try:
            parcel = self._about(asker, body)
            if len(parcel.body) <= VALUES_LIMIT or len(codec.dumps(body.values)) <= VALUES_LIMIT:
                return parcel
            why = f"they are over {VALUES_LIMIT // 1024} KiB"
        except (MalformedMessageError, MessageTooLargeError) as error:
            why = str(error)
        note = clip(f"its values were left out: {why}; {body.message}", 1024)
        return self._about(asker, replace(body, values={}, truncated=True, message=note))

    def repeated(self, asker: Asker, stored: bytes) -> Parcel:
        """Say again how the request ended, as the journal has it."""
        body = decode(stored).body
        assert isinstance(body, ResultBody)
        return self._about(asker, replace(body, repeat=True, agent_time=self.clock.now()))

    def stored(self, asker: Asker, result: bytes) -> Parcel:
        """Send the very bytes of the journal: they may not have arrived."""
        header = peek(result)
        return Parcel(
            address=ToExecutor(asker.reply_to, asker.host.identity),
            kind=Kind.RESULT.value,
            message_id=header.id if header else self.new_id(),
            body=result,
            request_id=asker.request_id,
            headers=asker.headers,
        )

    def presence(
        self, host: Host, body: PresenceBody, reply_to: str | None = None, question: UUID | None = None
    ) -> Parcel:
        """Say that the host is there: to one executor who asked, naming its question, or to all."""
        envelope = self._envelope(host, question, body)
        address = ToExecutor(reply_to, host.identity) if reply_to else Presence(host.identity)
        return Parcel(address, Kind.PRESENCE.value, envelope.id, encode(envelope), durable=False)

    def _about(self, asker: Asker, body: Body) -> Parcel:
        envelope = self._envelope(asker.host, asker.request_id, body)
        return Parcel(
            address=ToExecutor(asker.reply_to, asker.host.identity),
            kind=body.KIND.value,
            message_id=envelope.id,
            body=encode(envelope),
            request_id=asker.request_id,
            headers=asker.headers,
            durable=body.KIND in _DURABLE,
        )

    def _envelope(self, host: Host, request_id: UUID | None, body: Body) -> Envelope:
        return Envelope(
            id=self.new_id(),
            request=request_id,
            host=host.identity,
            sent_at=self.clock.now(),
            body=body,
            collective=host.collectives[0],
            simulated=host.simulated,
        )
