"""A channel that consumes: frames in, deliveries out, and acknowledgements gathered into few frames."""

import logging
from dataclasses import dataclass
from typing import Final

from connectors.amqp import frames
from connectors.amqp.pika_wire import Channel, headers_of
from connectors.amqp.settling import AckBook
from mcoflow.ports.bus import Delivery, Inlet, Source, Verdict

log = logging.getLogger(__name__)
_METHOD_DELIVER: Final = frames.METHOD_ID.pack(frames.DELIVER)


@dataclass(frozen=True, slots=True)
class Consumer:
    """Where the deliveries of one queue go."""

    source: Source
    inlet: Inlet


class Intake:
    """One consuming channel, until it ends. Deliveries carry it in their tag: an ended one is known by it."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._consumers: dict[bytes, Consumer] = {}
        self._book = AckBook()
        self._acks: list[int] = []
        self._rejects: list[tuple[int, bool]] = []
        self._pausing = self._ended = False
        # the delivery that is being received
        self._consumer: Consumer | None = None
        self._receiving = False
        self._tag, self._redelivered, self._size = 0, False, 0
        self._properties: tuple[str | None, bytes | None, str | None] = (None, None, None)
        self._pieces: list[bytes] = []
        channel.route(self)

    # -- consuming ---------------------------------------------------------------------------------------

    def consume(self, queue: str, tag: str, consumer: Consumer, prefetch: int) -> None:
        """Add a consumer."""
        self._consumers[tag.encode()] = consumer
        self._channel.consume(queue, tag, prefetch)

    def cancel(self, tag: str) -> None:
        """Drop a consumer, also one that the broker has cancelled itself."""
        if self._consumers.pop(tag.encode(), None) is not None:
            self._channel.cancel(tag)

    def pause(self) -> None:
        """Hand over nothing more; what comes is left unsettled and goes back when the channel closes."""
        self._pausing = True
        if not self._channel.is_open:
            return
        for tag in self._consumers:
            self._channel.cancel(tag.decode())

    def close(self) -> None:
        """Send what is gathered, then close: what is unsettled goes back."""
        self.flush()
        self._ended = True
        self._channel.close()

    def end(self) -> None:
        """Note that the channel is gone."""
        self._ended = True

    # -- settling ----------------------------------------------------------------------------------------

    def settle(self, tag: int, verdict: Verdict) -> None:
        """Gather; flush sends."""
        if verdict is Verdict.ACK:
            self._acks.append(tag)
        else:
            self._rejects.append((tag, verdict is Verdict.RETURN))

    def flush(self) -> None:
        """Send the gathered acknowledgements, in as few frames as possible."""
        if self._ended or not self._channel.is_open:
            self._acks, self._rejects = [], []
            return
        number, pieces = self._channel.number, []
        if self._rejects:
            wanted = dict(self._rejects)
            fresh = self._book.reject(wanted)
            pieces += [frames.reject(number, tag, requeue=wanted[tag]) for tag in fresh]
            self._rejects = []
        if self._acks:
            up_to, singles = self._book.ack(self._acks)
            if up_to is not None:
                pieces.append(frames.ack(number, up_to, multiple=True))
            pieces += [frames.ack(number, tag, multiple=False) for tag in singles]
            self._acks = []
        if pieces:
            self._channel.emit(b"".join(pieces))

    # -- receiving ---------------------------------------------------------------------------------------

    def on_frame(self, kind: int, data: bytes, at: int, end: int) -> bool:
        """Use the three frames of a delivery; leave others to pika."""
        if kind == frames.METHOD:
            return self._begin(data, at)
        if not self._receiving:
            return False
        if kind == frames.BODY:
            piece = data[at:end]
            if len(piece) == self._size and not self._pieces:
                self._finish(piece)
            else:
                self._add(piece)
        else:
            (self._size,) = frames.BODY_SIZE.unpack_from(data, at + 4)
            self._properties = frames.read_properties(data, at + 12)
            if not self._size:
                self._finish(b"")
        return True

    def _begin(self, data: bytes, at: int) -> bool:
        if data[at : at + 4] != _METHOD_DELIVER:
            return False
        end = at + 5 + data[at + 4]
        self._consumer = self._consumers.get(data[at + 5 : end])
        self._tag, bits = frames.TAG_AND_BITS.unpack_from(data, end)
        self._redelivered = bool(bits & 1)
        self._receiving = True
        return True

    def _add(self, piece: bytes) -> None:
        self._pieces.append(piece)
        if sum(map(len, self._pieces)) >= self._size:
            pieces, self._pieces = self._pieces, []
            self._finish(b"".join(pieces))

    def _finish(self, body: bytes) -> None:
        self._receiving = False
        consumer = self._consumer
        if consumer is None or self._pausing or self._ended:
            return
        message_id, table, sender = self._properties
        headers, died = _headers(table) if table else ((), None)
        delivery = Delivery(
            consumer.source,
            body,
            message_id,
            headers,
            sender,
            self._redelivered,
            died,
            (self, self._tag),
        )
        try:
            consumer.inlet(delivery)
        except Exception:
            log.exception("bus.inlet_failed")  # unsettled: it comes again on the next link


def _headers(table: bytes) -> tuple[tuple[tuple[str, str], ...], str | None]:
    """Return the headers that are texts, and why the message is a dead letter, if it is one."""
    decoded = headers_of(table)
    died: str | None = None
    match decoded.get("x-death"):
        case [{"reason": str(reason)}, *_]:
            died = reason
    texts = tuple((name, value) for name, value in decoded.items() if isinstance(value, str))
    return texts, died
