"""A broker in memory, seen from the executors; its habits are in the test's hands."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import timedelta
from uuid import uuid4

from mcoflow.ports.bus import (
    Capabilities,
    Census,
    Delivery,
    Inlet,
    Link,
    LinkReport,
    OnReceipt,
    Parcel,
    Receipt,
    Replies,
    Source,
    ToExecutor,
    Verdict,
    Watch,
)


class FakeBroker:
    """Keeps messages until an executor consumes their queue. `receipt_for` may withhold: None."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.published: list[Parcel] = []
        self.settled: list[tuple[Delivery, Verdict]] = []
        self.declared: list[str] = []
        self.retired: list[str] = []
        self.receipt_for: Callable[[Parcel], Receipt | None] = lambda _parcel: "confirmed"
        self.on_published: Callable[[Parcel], None] = lambda _parcel: None
        self.waiting: dict[Source, deque[Delivery]] = {}
        self.unread = False  #: whether queues pretend to hold messages that nobody has read yet
        self._consumers: dict[Source, tuple[FakeConnector, Inlet]] = {}
        self._withheld: list[tuple[Parcel, OnReceipt]] = []
        self._calls: deque[Callable[[], None]] = deque()
        self._wake = threading.Condition(self.lock)
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="fake-broker", daemon=True)
        self._thread.start()

    def connector(self, *, confirm: bool = True) -> FakeConnector:
        return FakeConnector(self, confirm=confirm)

    def close(self) -> None:
        with self.lock:
            self._closed = True
            self._wake.notify_all()
        self._thread.join()

    # -- the test's hands ----------------------------------------------------------------------------------

    def deliver(self, source: Source, body: bytes, *, died: str | None = None) -> Delivery:
        """Put a message into a queue of executors; `died`: why it is a dead letter."""
        delivery = Delivery(source, body, str(uuid4()), died=died)
        with self.lock:
            self.waiting.setdefault(source, deque()).append(delivery)
        self.call(lambda: self._hand_over(source))
        return delivery

    def release(self) -> None:
        """Give the receipts that were withheld."""
        with self.lock:
            withheld, self._withheld = self._withheld, []
        for parcel, on_receipt in withheld:
            self.take(parcel, on_receipt)

    def of_kind(self, kind: str) -> list[Parcel]:
        with self.lock:
            return [parcel for parcel in self.published if parcel.kind == kind]

    def verdicts(self, delivery: Delivery) -> list[Verdict]:
        with self.lock:
            return [verdict for what, verdict in self.settled if what is delivery]

    # -- for the connectors --------------------------------------------------------------------------------

    def take(self, parcel: Parcel, on_receipt: OnReceipt) -> None:
        receipt = self.receipt_for(parcel)
        if receipt is None:
            self._withheld.append((parcel, on_receipt))
            return
        self.call(lambda: on_receipt(parcel, receipt))
        if receipt != "confirmed":
            return
        if isinstance(parcel.address, ToExecutor):
            self.deliver(Replies(parcel.address.token), parcel.body)
        else:
            self.call(lambda: self.on_published(parcel))

    def consume(self, connector: FakeConnector, source: Source, inlet: Inlet) -> None:
        with self.lock:
            self._consumers[source] = (connector, inlet)
        self.call(lambda: self._hand_over(source))

    def stop_consuming(self, connector: FakeConnector, source: Source | None = None) -> None:
        with self.lock:
            mine = [each for each, (owner, _) in self._consumers.items() if owner is connector]
            for each in mine:
                if source in (None, each):
                    del self._consumers[each]

    def call(self, call: Callable[[], None]) -> None:
        with self.lock:
            self._calls.append(call)
            self._wake.notify_all()

    def _hand_over(self, source: Source) -> None:
        with self.lock:
            consumer = self._consumers.get(source)
            waiting = self.waiting.get(source, deque())
            deliveries = list(waiting) if consumer else []
            if consumer:
                waiting.clear()
        for delivery in deliveries:
            assert consumer is not None
            consumer[1](delivery)

    def _run(self) -> None:
        while True:
            with self.lock:
                self._wake.wait_for(lambda: self._calls or self._closed)
                if not self._calls:
                    return
                call = self._calls.popleft()
            call()


class FakeConnector:
    """An ExecutorConnector to the broker of the test."""

    def __init__(self, broker: FakeBroker, *, confirm: bool) -> None:
        self._broker = broker
        self._watch: Watch = lambda _report: None
        self.capabilities = Capabilities(
            confirm=confirm, mandatory=True, ttl=True, dead_letter=True, redelivery=True, multi_process=True
        )

    def open(self, watch: Watch) -> None:
        self._watch = watch
        self.report(Link.UP)

    def report(self, link: Link, why: str = "") -> None:
        self._broker.call(lambda: self._watch(LinkReport(link, why)))

    def publish(self, parcels: Sequence[Parcel], on_receipt: OnReceipt) -> int:
        with self._broker.lock:
            for parcel in parcels:
                self._broker.published.append(parcel)
                self._broker.take(parcel, on_receipt)
        return len(parcels)

    def settle(self, deliveries: Sequence[Delivery], verdict: Verdict) -> None:
        with self._broker.lock:
            self._broker.settled += [(delivery, verdict) for delivery in deliveries]

    def consume(self, source: Source, inlet: Inlet, *, prefetch: int) -> None:
        self._broker.consume(self, source, inlet)

    def stop_consuming(self, source: Source) -> None:
        self._broker.stop_consuming(self, source)

    def close(self, *, wait: timedelta) -> None:
        self._broker.stop_consuming(self)

    def declare_shared(self) -> None:
        pass

    def declare_host(self, host: str, collectives: AbstractSet[str]) -> None:
        self._broker.declared.append(host)

    def declare_hosts(self, hosts: Mapping[str, AbstractSet[str]]) -> None:
        self._broker.declared += hosts

    def remove_host(self, host: str) -> None:
        pass

    def declare_executor(self, token: str) -> None:
        pass

    def retire_executor(self, token: str) -> bool:
        with self._broker.lock:
            if self._broker.waiting.get(Replies(token)):
                return False
            self._broker.retired.append(token)
            return True

    def census(self, source: Source) -> Census | None:
        with self._broker.lock:
            waiting = len(self._broker.waiting.get(source, ()))
            return Census(waiting + self._broker.unread, 1)
