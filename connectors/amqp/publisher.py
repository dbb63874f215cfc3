"""Publishes with confirms: a window of parcels, each of which gets exactly one receipt."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from connectors.amqp import frames
from connectors.amqp.encoding import Encoder
from connectors.amqp.failures import Failure
from connectors.amqp.io_thread import IoThread
from connectors.amqp.link import Backoff
from connectors.amqp.pika_wire import Channel, Wire
from connectors.limits import CONFIRM_TIMEOUT, WINDOW, check_sizes
from mcoflow.clock import Clock
from mcoflow.ports.bus import OnReceipt, Parcel, Receipt

log = logging.getLogger(__name__)
_SWEEP: Final = 1.0
_BLOB: Final = 64 * 1024
"""Bytes handed to the socket at once: larger pieces would be copied again after each partial send."""


class _Sent:
    """A parcel on its way. `on_receipt` is None once its receipt was given: the confirm may still come."""

    __slots__ = ("deadline", "on_receipt", "parcel")

    def __init__(self, parcel: Parcel, on_receipt: OnReceipt | None, deadline: float) -> None:
        self.parcel, self.on_receipt, self.deadline = parcel, on_receipt, deadline


class Publisher:
    """The publishing half of a connector. Only `publish` may be called from other threads.

    While the channel is away or blocked, parcels wait here, up to the window; a parcel without a receipt
    after CONFIRM_TIMEOUT gets `unknown`, as does all that was sent when the channel ends.
    """

    def __init__(
        self, io: IoThread, encoder: Encoder, clock: Clock, chance: Random, on_change: Callable[[], None]
    ) -> None:
        self._io, self._encoder, self._clock, self._on_change = io, encoder, clock, on_change
        self._room, self._lock = WINDOW, threading.Lock()
        self._waiting: deque[_Sent] = deque()
        self._open: dict[int, _Sent] = {}  # by delivery tag, ascending
        self._lowest = self._next = 1
        self._returned: set[str] = set()
        self._wire: Wire | None = None
        self._channel: Channel | None = None
        self._blocked = False
        self._backoff = Backoff(chance)
        self._closed = False
        self.idle = threading.Event()  #: set when it is closed and every parcel has its receipt
        self.failure: Failure | None = None  #: why the channel is away, while the connection is there

    # -- from any thread ---------------------------------------------------------------------------------

    def publish(self, parcels: Sequence[Parcel], on_receipt: OnReceipt) -> int:
        """Take as many as the window has room for; MessageTooLargeError before any is taken."""
        check_sizes(parcels)
        with self._lock:
            count = 0 if self._closed else min(len(parcels), self._room)
            self._room -= count
        if count:
            deadline = self._clock.monotonic() + CONFIRM_TIMEOUT.total_seconds()
            taken = [_Sent(parcel, on_receipt, deadline) for parcel in parcels[:count]]
            self._io.post(lambda: self._waiting.extend(taken))
        return count

    # -- the link ----------------------------------------------------------------------------------------

    def link_up(self, wire: Wire) -> None:
        """Begin to publish on a new connection."""
        self._wire, self._blocked = wire, False
        self._encoder.set_body_max(wire.body_max)
        self._open_channel(wire)

    def link_down(self) -> None:
        """Give up what was sent on a lost connection."""
        self._wire = None
        self._channel_lost()

    def block(self, blocked: bool) -> None:
        """Stop sending, or go on, as the broker says."""
        self._blocked = blocked
        if not blocked:
            self.flush()

    @property
    def is_ready(self) -> bool:
        """Whether parcels can be sent."""
        return self._channel is not None

    # -- sending -----------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Send what waits."""
        channel, waiting = self._channel, self._waiting
        if not waiting or channel is None or self._blocked:
            return
        encode = self._encoder.begin(channel.number)
        pieces: list[bytes] = []
        size, tag, sent = 0, self._next, self._open
        while waiting:
            item = waiting.popleft()
            try:
                piece = encode(item.parcel)
            except ValueError:  # a text over 255 bytes: the parcels beside it must go on their way
                log.exception("bus.parcel_unsendable", extra={"message_id": str(item.parcel.message_id)})
                self._give([item], "refused")
                continue
            pieces.append(piece)
            sent[tag] = item
            tag += 1
            size += len(piece)
            if size > _BLOB:
                channel.emit(b"".join(pieces))
                pieces, size = [], 0
        self._next = tag
        if pieces:
            channel.emit(b"".join(pieces))

    # -- receipts ----------------------------------------------------------------------------------------

    def on_frame(self, kind: int, data: bytes, at: int, end: int) -> bool:  # noqa: ARG002 - the sink's shape
        """Use a confirm; leave other frames to pika."""
        if kind != frames.METHOD:
            return False
        (method,) = frames.METHOD_ID.unpack_from(data, at)
        if method not in (frames.ACK, frames.NACK):
            return False
        tag, bits = frames.TAG_AND_BITS.unpack_from(data, at + 4)
        self._confirmed(
            tag, multiple=bool(bits & 1), receipt="confirmed" if method == frames.ACK else "refused"
        )
        return True

    def _confirmed(self, tag: int, *, multiple: bool, receipt: Receipt) -> None:
        """Give the receipts that a confirm covers: one tag, or all open ones up to it."""
        sent = self._open
        if multiple:
            settled = [sent.pop(one) for one in range(self._lowest, tag + 1) if one in sent]
            self._lowest = max(self._lowest, tag + 1)
        else:
            settled = [sent.pop(tag)] if tag in sent else []
            if tag == self._lowest:
                self._lowest += 1
        self._backoff.reset()
        self._give(settled, receipt)

    def _returned_by_broker(self, message_id: str | None) -> None:
        if message_id is not None:
            self._returned.add(message_id)

    def _give(self, settled: Sequence[_Sent], receipt: Receipt) -> None:
        """Free the window first, so that a receipt may publish the next parcel."""
        with self._lock:
            self._room += sum(item.on_receipt is not None for item in settled)
            if self._closed and self._room == WINDOW:
                self.idle.set()
        for item in settled:
            given: Receipt = receipt
            if self._returned and (message_id := str(item.parcel.message_id)) in self._returned:
                self._returned.discard(message_id)
                given = "unroutable"
            self._tell(item, given)

    @staticmethod
    def _tell(item: _Sent, receipt: Receipt) -> None:
        if item.on_receipt is None:
            return  # it had `unknown` after the time-out: one receipt is all it gets
        try:
            item.on_receipt(item.parcel, receipt)
        except Exception:
            log.exception("bus.receipt_failed")  # the other receipts of this confirm must still be given

    def sweep(self) -> None:
        """Give `unknown` to what waited too long; runs each second."""
        if self.idle.is_set():
            return
        now = self._clock.monotonic()
        late: list[_Sent] = []
        while self._waiting and self._waiting[0].deadline <= now:
            late.append(self._waiting.popleft())
        for tag, item in list(self._open.items()):
            if item.deadline > now:
                break
            if item.on_receipt is not None:
                late.append(item)
                self._open[tag] = _Sent(item.parcel, None, item.deadline)
        self._give(late, "unknown")
        self._io.later(_SWEEP, self.sweep)

    def close(self) -> None:
        """Take no more."""
        with self._lock:
            self._closed = True
            if self._room == WINDOW:
                self.idle.set()

    def abandon(self) -> None:
        """Give `unknown` to everything left."""
        left = [*self._open.values(), *self._waiting]
        self._open.clear()
        self._waiting.clear()
        self._give(left, "unknown")

    # -- the channel -------------------------------------------------------------------------------------

    def _open_channel(self, wire: Wire) -> None:
        if wire is self._wire and wire.is_open:  # else it was lost meanwhile, and the next opens its own
            wire.channel(self._opened, self._ended)

    def _opened(self, channel: Channel) -> None:
        channel.route(self)
        channel.on_return(self._returned_by_broker)
        channel.confirm(lambda: self._confirming(channel))

    def _confirming(self, channel: Channel) -> None:
        self._channel, self.failure = channel, None
        self._lowest = self._next = 1
        self._on_change()
        self.flush()

    def _ended(self, failure: Failure) -> None:
        """Open it again, unless the connection has gone with it."""
        self._channel_lost()
        wire = self._wire
        if wire is not None and wire.is_open:
            self.failure = failure
            self._io.later(self._backoff.next(), lambda: self._open_channel(wire))
            self._on_change()

    def _channel_lost(self) -> None:
        self._channel = None
        left = list(self._open.values())
        self._open.clear()
        self._returned.clear()
        self._give(left, "unknown")
