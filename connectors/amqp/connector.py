"""What executor and agent have in common: one thread, two connections, publishing and settling."""

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from random import Random, SystemRandom
from typing import Final

from connectors.amqp.address import broker_address
from connectors.amqp.encoding import Encoder
from connectors.amqp.intake import Intake
from connectors.amqp.io_thread import IoThread
from connectors.amqp.link import ReconnectingLink
from connectors.amqp.pika_wire import Wire
from connectors.amqp.publisher import Publisher
from connectors.reports import Reporter
from mcoflow.clock import Clock, SystemClock
from mcoflow.ports.bus import (
    Capabilities,
    Delivery,
    Link,
    OnReceipt,
    Parcel,
    Verdict,
    Watch,
)
from mcoflow.wire.topology import DEFAULT_PREFIX, Topology

log = logging.getLogger(__name__)
_GOODBYE: Final = timedelta(seconds=2)
_HEARTBEAT: Final = timedelta(seconds=10)


class AmqpConnector:
    """RabbitMQ through pika. One connection publishes, the other consumes and declares.

    The two are apart because an alarm of the broker makes it read no more from a connection that publishes:
    acknowledgements on it would not arrive either.
    """

    role = "client"

    def __init__(
        self,
        url: str,
        *,
        prefix: str = DEFAULT_PREFIX,
        replicated: bool = False,
        heartbeat: timedelta = _HEARTBEAT,
        ca: Path | None = None,
        cert: Path | None = None,
        key: Path | None = None,
        clock: Clock | None = None,
        chance: Random | None = None,
    ) -> None:
        """Check the settings; connects to nothing yet. ConfigError for a wrong URL or an unusable file."""
        self._clock = clock or SystemClock()
        self._chance = chance or SystemRandom()
        self._topology = Topology(prefix, replicated)
        self._address = broker_address(url, heartbeat=heartbeat, ca=ca, cert=cert, key=key)
        self._io = IoThread(f"mcoflow-amqp-{self.role}")
        encoder = Encoder(self._topology, self._address.user, self._clock)
        self._publisher = Publisher(self._io, encoder, self._clock, self._chance, self._changed)
        self._publishing = self._link("publish", self._publisher.link_up, self._publisher.link_down)
        self._consuming = self._link("consume", self._consuming_up, self._consuming_down)
        self._reporter: Reporter | None = None
        self._dirty: set[Intake] = set()
        self._is_closed = False
        self._gone = threading.Event()

    def _link(self, purpose: str, up: Callable[[Wire], None], down: Callable[[], None]) -> ReconnectingLink:
        name = f"mcoflow {self.role} {purpose}"
        return ReconnectingLink(
            self._io,
            self._address,
            name,
            self._clock,
            self._chance,
            on_up=up,
            on_down=down,
            on_change=self._changed,
        )

    # -- the port ----------------------------------------------------------------------------------------

    @property
    def capabilities(self) -> Capabilities:
        """RabbitMQ promises all of them."""
        return Capabilities(
            confirm=True, mandatory=True, ttl=True, dead_letter=True, redelivery=True, multi_process=True
        )

    def open(self, watch: Watch) -> None:
        """Start the thread and return at once; the links come up when the broker does."""
        self._reporter = Reporter(watch, self._clock)
        self._io.post(self._start)
        self._io.start([self._publisher.flush, self._flush_settled])

    def publish(self, parcels: Sequence[Parcel], on_receipt: OnReceipt) -> int:
        """Take parcels in order while the window has room, return how many; never block."""
        return self._publisher.publish(parcels, on_receipt)

    def settle(self, deliveries: Sequence[Delivery], verdict: Verdict) -> None:
        """Settle, from any thread. Skip deliveries of an older link: they come again."""
        self._io.post(lambda: self._settle(deliveries, verdict))

    def close(self, *, wait: timedelta) -> None:
        """Consume no more, await receipts for at most `wait`; what is unsettled goes back."""
        if self._is_closed or self._reporter is None:
            return
        self._is_closed = True
        self._io.post(self._pause)
        self._publisher.close()
        self._publisher.idle.wait(wait.total_seconds())
        self._io.post(self._say_goodbye)
        if not self._gone.wait(_GOODBYE.total_seconds()):
            self._io.post(self._drop)
            self._gone.wait(_GOODBYE.total_seconds())
        self._io.post(self._publisher.abandon)
        self._io.stop(_GOODBYE)

    # -- for the two roles -------------------------------------------------------------------------------

    def _consuming_up(self, wire: Wire) -> None:
        """Begin to consume on a new connection."""

    def _consuming_down(self) -> None:
        """Forget the connection that was lost."""

    def _pause(self) -> None:
        """Hand over no more deliveries."""

    def _trouble(self) -> str | None:
        """Say why this role cannot work although the links are up; "" while it gets ready, else None."""
        return None

    def _was_made_anew(self) -> bool:
        """Tell once whether queues that this role had declared were gone."""
        return False

    def _changed(self) -> None:
        """Report where things stand, as far as the watch has not heard it yet."""
        if self._reporter is None or self._is_closed:
            return
        for link in (self._consuming, self._publishing):
            if link.state is Link.DOWN:
                self._reporter.say(Link.DOWN, link.why)
                return
        if self._publisher.failure is not None:
            self._reporter.say(Link.DOWN, str(self._publisher.failure.error("publishing channel")))
            return
        trouble = self._trouble()
        if trouble:
            self._reporter.say(Link.DOWN, trouble)
        elif self._publishing.state is Link.BLOCKED:
            self._reporter.say(Link.BLOCKED, self._publishing.why)
        elif trouble is None and self._publisher.is_ready and self._consuming.state is Link.UP:
            self._reporter.say(Link.UP, anew=self._was_made_anew())

    # -- on the thread -----------------------------------------------------------------------------------

    def _start(self) -> None:
        if self._reporter is not None:
            self._reporter.say(Link.CONNECTING)
        self._consuming.connect()
        self._publishing.connect()
        self._publisher.sweep()

    def _settle(self, deliveries: Sequence[Delivery], verdict: Verdict) -> None:
        for delivery in deliveries:
            match delivery.tag:
                case (Intake() as intake, int(tag)):
                    intake.settle(tag, verdict)
                    self._dirty.add(intake)

    def _flush_settled(self) -> None:
        while self._dirty:
            self._dirty.pop().flush()

    def _say_goodbye(self) -> None:
        self._flush_settled()
        self._consuming.close()
        self._publishing.close()
        self._await_goodbye()

    def _await_goodbye(self) -> None:
        if self._consuming.is_gone and self._publishing.is_gone:
            self._gone.set()
        else:
            self._io.later(0.005, self._await_goodbye)

    def _drop(self) -> None:
        self._consuming.drop()
        self._publishing.drop()
