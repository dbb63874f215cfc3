"""What executor and agent have in common on `memory://`: one thread that publishes, takes and settles."""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from connectors.kombu.kombu_wire import Taken, Wire
from connectors.kombu.urls import check_memory_url
from connectors.kombu.worker import Worker
from connectors.kombu.world import Tap, World
from connectors.limits import WINDOW, check_sizes
from connectors.reports import Reporter
from mcoflow.clock import Clock, SystemClock
from mcoflow.errors import BusUnavailableError
from mcoflow.ports.bus import (
    Capabilities,
    Delivery,
    Inlet,
    Link,
    OnReceipt,
    Parcel,
    Receipt,
    Source,
    Verdict,
    Watch,
)
from mcoflow.wire.topology import DEFAULT_PREFIX, Topology

log = logging.getLogger(__name__)
_BATCH: Final = 100
"""Deliveries of one queue before the others get their turn."""
_GOODBYE: Final = timedelta(seconds=2)


@dataclass(frozen=True, slots=True, eq=False)
class _Held:
    """An unsettled delivery."""

    tap: Tap
    taken: Taken


class KombuConnector:
    """kombu's in-memory transport, for one process. All connectors of one prefix share a world."""

    role = "client"

    def __init__(
        self,
        url: str = "memory://",
        *,
        prefix: str = DEFAULT_PREFIX,
        clock: Clock | None = None,
    ) -> None:
        """Check the settings; ConfigError for a URL other than memory://."""
        check_memory_url(url)
        self._clock = clock or SystemClock()
        self._topology = Topology(prefix)
        self._worker = Worker(f"mcoflow-memory-{self.role}")
        self._room, self._lock = WINDOW, threading.Lock()
        self._idle = threading.Event()
        self._closed = False
        self._world_joined: World | None = None
        self._reporter: Reporter | None = None
        self._wire: Wire | None = None
        self._taps: dict[str, Tap] = {}  # by queue
        self._held: set[_Held] = set()

    # -- the port ----------------------------------------------------------------------------------------

    @property
    def capabilities(self) -> Capabilities:
        """Only a register of queues: everything else ends with the process."""
        return Capabilities(
            confirm=False, mandatory=True, ttl=False, dead_letter=False, redelivery=False, multi_process=False
        )

    def open(self, watch: Watch) -> None:
        """Start the thread and return at once."""
        self._reporter = Reporter(watch, self._clock)
        self._world_joined = World.enter(self._topology.prefix)
        self._worker.post(self._start)
        self._worker.start()

    def publish(self, parcels: Sequence[Parcel], on_receipt: OnReceipt) -> int:
        """Take parcels in order while the window has room, return how many; never block."""
        check_sizes(parcels)
        with self._lock:
            count = 0 if self._closed else min(len(parcels), self._room)
            self._room -= count
        if count:
            self._worker.post(lambda: self._publish(parcels[:count], on_receipt))
        return count

    def settle(self, deliveries: Sequence[Delivery], verdict: Verdict) -> None:
        """Settle, from any thread."""
        self._worker.post(lambda: self._settle(deliveries, verdict))

    def close(self, *, wait: timedelta) -> None:
        """Consume no more, await receipts for at most `wait`; what is unsettled goes back."""
        if self._closed or self._reporter is None:
            return
        self._worker.post(self._stop_taking)
        with self._lock:
            self._closed = True
            self._note_idle()
        self._idle.wait(wait.total_seconds())
        self._worker.post(self._give_back)
        self._worker.stop(_GOODBYE)
        self._world.leave()

    # -- for the two roles -------------------------------------------------------------------------------

    @property
    def _world(self) -> World:
        if self._world_joined is None:
            raise BusUnavailableError("the connector is not open yet: call open() first")
        return self._world_joined

    def _trouble(self) -> str | None:
        """Say why this role cannot work, None when it can."""
        return None

    def _found(self, tap: Tap, exists: bool) -> None:
        """Note whether a queue that is taken from is declared."""

    def _add_tap(self, queue: str, source: Source, inlet: Inlet, prefetch: int) -> None:
        """Take from a queue from now on. On the thread."""
        self._remove_tap(queue)
        tap = self._taps[queue] = Tap(queue, source, inlet, prefetch, self._ring)
        self._world.add(tap)

    def _remove_tap(self, queue: str) -> None:
        """Take no more from a queue; what is unsettled goes back. On the thread."""
        tap = self._taps.pop(queue, None)
        if tap is not None:
            self._world.remove(tap)
            self._put_back([held for held in self._held if held.tap is tap])

    def _changed(self) -> None:
        """Report where things stand. On the thread."""
        if self._reporter is not None and not self._closed:
            trouble = self._trouble()
            self._reporter.say(Link.DOWN if trouble else Link.UP, trouble or "")

    # -- on the thread -----------------------------------------------------------------------------------

    def _start(self) -> None:
        self._wire = Wire()
        if self._reporter is not None:
            self._reporter.say(Link.CONNECTING)
        self._changed()

    def _publish(self, parcels: Sequence[Parcel], on_receipt: OnReceipt) -> None:
        assert self._wire is not None, "open() posts the start first"
        for parcel in parcels:
            receipt = self._world.publish(self._wire, self._topology.route(parcel.address), parcel)
            with self._lock:
                self._room += 1
            self._tell(parcel, receipt, on_receipt)
        with self._lock:
            self._note_idle()

    @staticmethod
    def _tell(parcel: Parcel, receipt: Receipt, on_receipt: OnReceipt) -> None:
        try:
            on_receipt(parcel, receipt)
        except Exception:
            log.exception("bus.receipt_failed")  # the other receipts must still be given

    def _note_idle(self) -> None:
        if self._closed and self._room == WINDOW:
            self._idle.set()

    def _ring(self, tap: Tap) -> None:
        """Look into the queue soon; from any thread, many rings make one look."""
        if not tap.rung:
            tap.rung = True
            self._worker.post(lambda: self._take(tap))

    def _take(self, tap: Tap) -> None:
        tap.rung = False  # first: what is put from now on rings again
        if self._wire is None or self._taps.get(tap.queue) is not tap:
            return
        exists = self._world.has(tap.queue)
        self._found(tap, exists)
        if exists:
            self._take_batch(self._wire, tap)

    def _take_batch(self, wire: Wire, tap: Tap) -> None:
        for _ in range(_BATCH):
            if tap.held >= tap.prefetch:
                return  # settling one rings
            taken = wire.take(tap.queue)
            if taken is None:
                return
            self._hand_over(tap, taken)
        self._ring(tap)

    def _hand_over(self, tap: Tap, taken: Taken) -> None:
        held = _Held(tap, taken)
        self._held.add(held)
        tap.held += 1
        delivery = Delivery(
            tap.source,
            taken.body,
            taken.property("message_id"),
            taken.headers,
            redelivered=bool(taken.property("redelivered")),
            died=taken.property("died"),
            tag=held,
        )
        try:
            tap.inlet(delivery)
        except Exception:
            log.exception("bus.inlet_failed")  # unsettled: it goes back when the connector closes

    def _settle(self, deliveries: Sequence[Delivery], verdict: Verdict) -> None:
        for delivery in deliveries:
            held = delivery.tag
            if not isinstance(held, _Held) or held not in self._held:
                continue  # settled before, or of a queue that is consumed no more
            if verdict is Verdict.RETURN:
                self._put_back([held])
                continue
            self._release(held)
            if verdict is Verdict.ACK:
                held.taken.ack()
            elif self._wire is not None:
                self._world.bury(self._wire, held.tap.queue, held.taken)

    def _release(self, held: _Held) -> None:
        self._held.discard(held)
        held.tap.held -= 1
        if held.tap.held == held.tap.prefetch - 1:
            self._ring(held.tap)

    def _put_back(self, many: Sequence[_Held]) -> None:
        for held in many:
            self._release(held)
            held.taken.put_back()
            self._world.ring(held.tap.queue)

    def _stop_taking(self) -> None:
        for tap in self._taps.values():
            self._world.remove(tap)
        self._taps.clear()

    def _give_back(self) -> None:
        self._put_back(list(self._held))
        if self._wire is not None:
            self._wire.close()
