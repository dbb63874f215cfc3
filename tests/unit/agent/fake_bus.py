"""A bus in memory, seen from the agent, with the broker's habits in the test's hands."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from mcoflow.ports.bus import (
    AgentQueue,
    Capabilities,
    Delivery,
    Inlet,
    Link,
    LinkReport,
    OnReceipt,
    Parcel,
    Receipt,
    Verdict,
    Watch,
)
from mcoflow.wire.envelope import Envelope, decode, encode

T = TypeVar("T")
WITHIN = 10.0


class FakeBus:
    """An AgentConnector. Calls its agent back on a thread of its own, as a connector does."""

    capabilities = Capabilities(
        confirm=True, mandatory=True, ttl=True, dead_letter=True, redelivery=True, multi_process=False
    )

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.published: list[Parcel] = []
        self.settled: list[tuple[Delivery, Verdict]] = []
        self.receipt_for: Callable[[Parcel], Receipt | None] = lambda _parcel: "confirmed"
        self.closed = False
        self.opens_with = (Link.UP, "")
        self._held: list[tuple[Parcel, OnReceipt]] = []
        self._inlets: dict[str, Inlet] = {}
        self._calls: deque[Callable[[], None]] = deque()
        self._thread = threading.Thread(target=self._run, daemon=True)

    # -- the connector ---------------------------------------------------------------------------------

    def open(self, watch: Watch) -> None:
        self._watch = watch
        self._thread.start()
        self.report(*self.opens_with)

    def attend(self, host: str, inlet: Inlet, *, prefetch: int = 50) -> None:
        with self.changed:
            self._inlets[host] = inlet
            self.changed.notify_all()

    def publish(self, parcels: Sequence[Parcel], on_receipt: OnReceipt) -> int:
        with self.changed:
            for parcel in parcels:
                self.published.append(parcel)
                self._receipt(parcel, on_receipt)
            self.changed.notify_all()
        return len(parcels)

    def settle(self, deliveries: Sequence[Delivery], verdict: Verdict) -> None:
        with self.changed:
            self.settled += [(delivery, verdict) for delivery in deliveries]
            self.changed.notify_all()

    def close(self, *, wait: timedelta) -> None:
        with self.changed:
            self.closed = True
            self.changed.notify_all()

    # -- the test's hands ------------------------------------------------------------------------------

    def report(self, link: Link, why: str = "") -> None:
        self._call(lambda: self._watch(LinkReport(link, why)))

    def deliver(
        self, envelope: Envelope | bytes, *, host: str = "web1", headers: tuple[tuple[str, str], ...] = ()
    ) -> Delivery:
        body = envelope if isinstance(envelope, bytes) else encode(envelope)
        delivery = Delivery(AgentQueue.REQUESTS, body, None, headers)
        self._call(lambda: self._inlets[host](delivery))
        return delivery

    def flush(self) -> None:
        """Wait until all that was reported and delivered was handed over."""
        through = threading.Event()
        self._call(through.set)
        assert through.wait(WITHIN)

    def attended(self) -> set[str]:
        with self.changed:
            return set(self._inlets)

    def release(self) -> None:
        """Give the receipts that were withheld."""
        with self.changed:
            held, self._held = self._held, []
            for parcel, on_receipt in held:
                self._receipt(parcel, on_receipt)

    def replies(self, request: UUID | None, kind: str | None = None) -> list[Envelope]:
        with self.changed:
            envelopes = [decode(parcel.body) for parcel in self.published]
        return [e for e in envelopes if e.request == request and kind in (None, e.kind)]

    def wait_for(self, look: Callable[[], T]) -> T:
        """Wait until `look` finds something, and return it."""
        with self.changed:
            found = self.changed.wait_for(look, WITHIN)
            assert found, "nothing came in time"
            return found

    def reply(self, request: UUID | None, kind: str, nth: int = 1) -> Any:
        """Wait for the n-th reply of a kind to a request; return its body."""
        return self.wait_for(lambda: self.replies(request, kind)[nth - 1 :])[0].body

    def verdict(self, delivery: Delivery) -> Verdict:
        """Wait until a delivery was settled."""
        return self.wait_for(lambda: [how for what, how in self.settled if what is delivery])[0]

    def _receipt(self, parcel: Parcel, on_receipt: OnReceipt) -> None:
        receipt = self.receipt_for(parcel)
        if receipt is None:
            self._held.append((parcel, on_receipt))
        else:
            self._call(lambda: on_receipt(parcel, receipt))

    def _call(self, call: Callable[[], None]) -> None:
        with self.changed:
            self._calls.append(call)
            self.changed.notify_all()

    def _run(self) -> None:
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self._calls or self.closed)
                if not self._calls:
                    return
                call = self._calls.popleft()
            call()
