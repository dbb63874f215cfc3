"""A broker in memory, seen from the executors. Its habits are in the test's hands."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import timedelta
from typing import cast
from uuid import uuid4

from mcoflow.ports.bus import Bell as ToBell
from mcoflow.ports.bus import Bells as FromBell
from mcoflow.ports.bus import (
    Capabilities,
    Census,
    Delivery,
    Inlet,
    Link,
    LinkReport,
    OnReceipt,
    Parcel,
    Plans,
    Receipt,
    Replies,
    Shared,
    Source,
    ToExecutor,
    Verdict,
    Watch,
)


class MemoryBroker:
    """Keeps messages until an executor consumes their queue, and calls nobody by itself.

    Whoever owns it lets it `step`, or has a thread do that: `serve` … `close`. `receipt_for` may withhold a
    receipt by returning None. `unread` lets queues pretend to hold messages that nobody has read yet.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.published: list[Parcel] = []
        self.settled: list[tuple[Delivery, Verdict]] = []
        self.declared: list[str] = []
        self.retired: list[str] = []
        self.receipt_for: Callable[[Parcel], Receipt | None] = lambda _parcel: "confirmed"
        self.on_published: Callable[[Parcel], None] = lambda _parcel: None
        self.waiting: dict[Source, deque[Delivery]] = {}
        self.unread = False
        self._consumers: dict[Source, tuple[MemoryConnector, Inlet]] = {}
        self._unsettled: dict[int, tuple[MemoryConnector, Delivery]] = {}
        self._withheld: list[tuple[Parcel, OnReceipt]] = []
        self._calls: deque[Callable[[], None]] = deque()
        self._tags = itertools.count(1)
        self._wake = threading.Condition(self.lock)
        self._closed = False
        self._thread: threading.Thread | None = None

    def connector(self, *, confirm: bool = True) -> MemoryConnector:
        """Return a new connection of an executor."""
        return MemoryConnector(self, confirm=confirm)

    # -- who moves messages -------------------------------------------------------------------------------

    def step(self) -> bool:
        """Give one receipt or hand over one queue; False if there is nothing to do."""
        with self.lock:
            if not self._calls:
                return False
            call = self._calls.popleft()
        call()
        return True

    def serve(self) -> None:
        """Step on a thread of the broker's own until close()."""
        self._thread = threading.Thread(target=self._run, name="memory-broker", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread, once what was published is handed over."""
        with self.lock:
            self._closed = True
            self._wake.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self.lock:
                self._wake.wait_for(lambda: self._calls or self._closed)
                if not self._calls:
                    return
            self.step()

    # -- the test's hands ---------------------------------------------------------------------------------

    def deliver(
        self,
        source: Source,
        body: bytes,
        *,
        died: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> Delivery:
        """Put a message into a queue of executors; `died`: why it is a dead letter.

        What is for an executor whose queue is retired is stray.
        """
        if isinstance(source, Replies) and source.token in self.retired:
            source = Shared.STRAY
        delivery = Delivery(source, body, str(uuid4()), headers, died=died, tag=next(self._tags))
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
        """What was published of a kind: request, cancel, query …"""
        with self.lock:
            return [parcel for parcel in self.published if parcel.kind == kind]

    def verdicts(self, delivery: Delivery) -> list[Verdict]:
        """How a delivery was settled; none means not yet."""
        with self.lock:
            return [verdict for what, verdict in self.settled if what.tag == delivery.tag]

    def unsettled(self) -> list[Delivery]:
        """What was handed over and not settled."""
        with self.lock:
            return [delivery for _, delivery in self._unsettled.values()]

    def stranded(self) -> bool:
        """Whether replies wait in a queue that nobody consumes: that of a dead executor."""
        with self.lock:
            return any(
                waiting and isinstance(source, Replies) and source not in self._consumers
                for source, waiting in self.waiting.items()
            )

    # -- for the connectors -------------------------------------------------------------------------------

    def take(self, parcel: Parcel, on_receipt: OnReceipt) -> None:
        """Take a parcel, and give its receipt unless that is withheld."""
        receipt = self.receipt_for(parcel)
        if receipt is None:
            self._withheld.append((parcel, on_receipt))
            return
        self.call(lambda: on_receipt(parcel, receipt))
        if receipt != "confirmed":
            return
        match parcel.address:
            case ToExecutor(token=token):
                self.deliver(Replies(token), parcel.body, headers=parcel.headers)
            case ToBell(token=token):
                self.deliver(FromBell(token), parcel.body)
            case Plans():
                self.deliver(Shared.PLANS, parcel.body)
            case _:
                self.call(lambda: self.on_published(parcel))

    def consume(self, connector: MemoryConnector, source: Source, inlet: Inlet) -> None:
        """Hand a queue over to a connection."""
        with self.lock:
            self._consumers[source] = (connector, inlet)
        self.call(lambda: self._hand_over(source))

    def stop_consuming(self, connector: MemoryConnector, source: Source | None = None) -> None:
        """Take back a queue, or all queues of a connection; what it has not settled waits again."""
        with self.lock:
            for each, (owner, _) in list(self._consumers.items()):
                if owner is connector and source in (None, each):
                    del self._consumers[each]
            for owner, delivery in reversed(list(self._unsettled.values())):
                if owner is connector and source in (None, delivery.source):
                    self._put_back(delivery)

    def settle(self, deliveries: Sequence[Delivery], verdict: Verdict) -> None:
        """Settle what was handed over; a second time changes nothing."""
        with self.lock:
            self.settled += [(delivery, verdict) for delivery in deliveries]
            for delivery in reversed(deliveries):
                if cast("int", delivery.tag) not in self._unsettled:
                    continue
                if verdict is Verdict.RETURN:
                    self._put_back(delivery)
                else:
                    del self._unsettled[cast("int", delivery.tag)]

    def call(self, call: Callable[[], None]) -> None:
        """Have something called by whoever steps."""
        with self.lock:
            self._calls.append(call)
            self._wake.notify_all()

    def _put_back(self, delivery: Delivery) -> None:
        del self._unsettled[cast("int", delivery.tag)]
        source = delivery.source
        self.waiting.setdefault(source, deque()).appendleft(replace(delivery, redelivered=True))
        if source in self._consumers:
            self.call(lambda: self._hand_over(source))

    def _hand_over(self, source: Source) -> None:
        with self.lock:
            consumer = self._consumers.get(source)
            waiting = self.waiting.get(source, deque())
            deliveries = list(waiting) if consumer else []
            if consumer:
                waiting.clear()
                self._unsettled |= {cast("int", each.tag): (consumer[0], each) for each in deliveries}
        for delivery in deliveries:
            assert consumer is not None
            consumer[1](delivery)


class MemoryConnector:
    """An ExecutorConnector to a MemoryBroker."""

    def __init__(self, broker: MemoryBroker, *, confirm: bool) -> None:
        self._broker = broker
        self._watch: Watch = lambda _report: None
        self._severed = False
        self.capabilities = Capabilities(
            confirm=confirm, mandatory=True, ttl=True, dead_letter=True, redelivery=True, multi_process=True
        )

    def open(self, watch: Watch) -> None:
        """See Connector.open."""
        self._watch = watch
        self.report(Link.UP)

    def report(self, link: Link, why: str = "", *, anew: bool = False) -> None:
        """Tell the executor that the link changed."""
        self._broker.call(lambda: self._watch(LinkReport(link, why, anew=anew)))

    def sever(self) -> None:
        """Be cut off, as by the death of the process: what is unsettled goes back, receipts are lost."""
        self._severed = True
        self._broker.stop_consuming(self)

    def publish(self, parcels: Sequence[Parcel], on_receipt: OnReceipt) -> int:
        """See Connector.publish."""
        with self._broker.lock:
            for parcel in parcels:
                self._broker.published.append(parcel)
                self._broker.take(parcel, self._while_linked(on_receipt))
        return len(parcels)

    def settle(self, deliveries: Sequence[Delivery], verdict: Verdict) -> None:
        """See Connector.settle."""
        self._broker.settle(deliveries, verdict)

    def consume(self, source: Source, inlet: Inlet, *, prefetch: int) -> None:  # noqa: ARG002 - part of the port
        """See ExecutorConnector.consume."""
        self._broker.consume(self, source, inlet)

    def stop_consuming(self, source: Source) -> None:
        """See ExecutorConnector.stop_consuming."""
        self._broker.stop_consuming(self, source)

    def close(self, *, wait: timedelta) -> None:  # noqa: ARG002 - part of the port
        """See Connector.close."""
        self._broker.stop_consuming(self)

    def declare_shared(self) -> None:
        """See ExecutorConnector.declare_shared; every queue is there."""

    def declare_host(self, host: str, collectives: AbstractSet[str]) -> None:  # noqa: ARG002 - part of the port
        """See ExecutorConnector.declare_host."""
        self._broker.declared.append(host)

    def declare_hosts(self, hosts: Mapping[str, AbstractSet[str]]) -> None:
        """See ExecutorConnector.declare_hosts."""
        self._broker.declared += hosts

    def remove_host(self, host: str) -> None:
        """See ExecutorConnector.remove_host; no queue is ever deleted."""

    def declare_executor(self, token: str) -> None:
        """See ExecutorConnector.declare_executor; every queue is there."""

    def retire_executor(self, token: str) -> bool:
        """See ExecutorConnector.retire_executor."""
        with self._broker.lock:
            if self._broker.waiting.get(Replies(token)):
                return False
            self._broker.retired.append(token)
            return True

    def census(self, source: Source) -> Census | None:
        """See ExecutorConnector.census."""
        with self._broker.lock:
            waiting = len(self._broker.waiting.get(source, ()))
            return Census(waiting + self._broker.unread, 1)

    def _while_linked(self, on_receipt: OnReceipt) -> OnReceipt:
        def receive(parcel: Parcel, receipt: Receipt) -> None:
            if not self._severed:
                on_receipt(parcel, receipt)

        return receive
