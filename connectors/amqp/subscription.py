"""Consuming one source: a channel of its own, opened again until it is wanted no more."""

from collections.abc import Callable

from connectors.amqp.failures import Failure
from connectors.amqp.intake import Consumer, Intake
from connectors.amqp.pika_wire import Channel, Wire


class Subscription:
    """One queue, one channel. `on_end(self, failure)` when the broker has ended it. For the thread only."""

    def __init__(
        self, queue: str, consumer: Consumer, prefetch: int, on_end: Callable[["Subscription", Failure], None]
    ) -> None:
        self.queue, self.consumer, self.prefetch = queue, consumer, prefetch
        self._on_end = on_end
        self._intake: Intake | None = None
        self._wire: Wire | None = None
        self._wanted = True

    def start(self, wire: Wire) -> None:
        """Consume on this connection, whose queues are declared."""
        if self._wanted and wire is not self._wire and wire.is_open:
            self._wire = wire
            wire.channel(self._opened, lambda failure: self._ended(wire, failure))

    def pause(self) -> None:
        """Hand over nothing more."""
        self._wanted = False
        if self._intake is not None:
            self._intake.pause()

    def stop(self) -> None:
        """End it: what is unsettled goes back."""
        self._wanted = False
        if self._intake is not None:
            self._intake.close()

    def link_down(self) -> None:
        """Forget the connection that was lost."""
        self._wire = self._intake = None

    def _opened(self, channel: Channel) -> None:
        if not self._wanted:
            channel.close()
            return
        self._intake = Intake(channel)
        channel.on_cancel(lambda _: channel.close())  # the queue was deleted: begin anew, with declaring it
        self._intake.consume(self.queue, "c", self.consumer, self.prefetch)

    def _ended(self, wire: Wire, failure: Failure) -> None:
        if self._intake is not None:
            self._intake.end()
        if wire is self._wire:
            self.link_down()
            if self._wanted and wire.is_open:
                self._on_end(self, failure)
