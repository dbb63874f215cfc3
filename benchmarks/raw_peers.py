"""The two processes of the raw measurements: who asks and who answers, with nothing but pika in between.

Run as `python -m benchmarks.raw_peers ask|answer URL PREFIX QUEUES [COMMANDS IN_FLIGHT ROUNDS]`. Both sides
use persistent messages, publisher confirms and manual acknowledgement, as mcoflow has to.
"""

import json
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any, Final

import pika
from pika.channel import Channel

PREFETCH: Final = 1000
BODY: Final = b"x" * 400  # about the size of an mcoflow request
PERSISTENT: Final = pika.DeliveryMode.Persistent.value


class Peer(ABC):
    """One connection with one channel: declares the queues, consumes some of them, then calls `begin`."""

    def __init__(self, url: str, prefix: str, queues: int) -> None:
        self.requests = [f"{prefix}.request.{number}" for number in range(queues)]
        self.replies = f"{prefix}.reply"
        self._connection = pika.SelectConnection(
            pika.URLParameters(url),
            on_open_callback=self._connected,
            on_open_error_callback=_failed,
        )
        self.loop = self._connection.ioloop
        self.channel: Channel

    def run(self) -> None:
        """Serve the connection until it is closed."""
        self.loop.start()

    def close(self) -> None:
        """Close the connection, which ends `run`."""
        self._connection.add_on_close_callback(lambda *_: self.loop.stop())
        self._connection.close()

    @abstractmethod
    def consumed(self) -> list[str]:
        """Return the queues to consume."""

    @abstractmethod
    def received(self, tag: int, correlation_id: str) -> None:
        """Take one message."""

    def begin(self) -> None:
        """Called once everything is declared and consumed."""
        return

    def confirmed(self, frame: Any) -> None:
        """Called with what the broker says of our messages."""
        if frame.method.NAME != "Basic.Ack":
            _failed(None, "the broker refused a message")

    def send(self, queue: str, correlation_id: str) -> None:
        """Publish one persistent, mandatory message."""
        properties = pika.BasicProperties(delivery_mode=PERSISTENT, correlation_id=correlation_id)
        self.channel.basic_publish("", queue, BODY, properties, mandatory=True)

    def _connected(self, connection: pika.SelectConnection) -> None:
        connection.channel(on_open_callback=self._opened)

    def _opened(self, channel: Channel) -> None:
        self.channel = channel
        channel.add_on_close_callback(
            lambda _, reason: _failed(None, reason) if _went_wrong(reason) else None
        )
        channel.add_on_return_callback(lambda *_: _failed(None, "a message came back as unroutable"))
        channel.confirm_delivery(self.confirmed)
        channel.basic_qos(prefetch_count=PREFETCH)
        every = [self.replies, *self.requests]
        declared = after(len(every), self._consume)
        for name in every:
            channel.queue_declare(name, durable=True, callback=declared)

    def _consume(self) -> None:
        queues = self.consumed()
        begun = after(len(queues), self.begin)
        for name in queues:
            self.channel.basic_consume(name, self._on_message, callback=begun)

    def _on_message(self, _channel: Channel, method: Any, properties: Any, _body: bytes) -> None:
        self.received(method.delivery_tag, properties.correlation_id)


class Answerer(Peer):
    """Answers every request, and acknowledges it once its answer is confirmed."""

    def consumed(self) -> list[str]:
        """Return all request queues."""
        return self.requests

    def received(self, tag: int, correlation_id: str) -> None:  # noqa: ARG002 - the confirm says it again
        """Answer at once."""
        self.send(self.replies, correlation_id)

    def confirmed(self, frame: Any) -> None:
        """Acknowledge the requests: the n-th answer belongs to the n-th delivery of this channel."""
        super().confirmed(frame)
        self.channel.basic_ack(frame.method.delivery_tag, frame.method.multiple)


class Asker(Peer):
    """Keeps `in_flight` requests under way until `commands` are answered; then again, `rounds` times.

    One more round goes before them and is not counted: it waits until the other side is there.
    """

    def __init__(
        self, url: str, prefix: str, queues: int, commands: int, in_flight: int, rounds: int
    ) -> None:
        super().__init__(url, prefix, queues)
        self._commands, self._in_flight, self._rounds = commands, in_flight, rounds
        self._sent = self._answered = self._round = 0
        self._started = 0.0
        self._sent_at: dict[str, float] = {}
        self._waits: list[float] = []
        self._last_tag: int | None = None
        self.seconds: list[float] = []

    def consumed(self) -> list[str]:
        """Return the reply queue."""
        return [self.replies]

    def begin(self) -> None:
        """Start a round."""
        self._sent = self._answered = 0
        self._waits.clear()
        self._started = perf_counter()
        for _ in range(min(self._in_flight, self._commands)):
            self._ask()

    def received(self, tag: int, correlation_id: str) -> None:
        """Take one answer; ask the next question, or end the round."""
        self._waits.append(perf_counter() - self._sent_at.pop(correlation_id))
        self._acknowledge(tag)
        self._answered += 1
        if self._answered == self._commands:
            self._end_round()
        elif self._sent < self._commands:
            self._ask()

    def result(self) -> dict[str, Any]:
        """Return the seconds of each round, and the median wait for an answer in the last."""
        return {"seconds": self.seconds, "median_wait": median(self._waits)}

    def _ask(self) -> None:
        key = f"{self._round}.{self._sent}"
        self._sent_at[key] = perf_counter()
        self.send(self.requests[self._sent % len(self.requests)], key)
        self._sent += 1

    def _acknowledge(self, tag: int) -> None:
        """Acknowledge all that one turn of the loop brings with one frame, as mcoflow does after a commit."""
        if self._last_tag is None:
            self.loop.call_later(0, self._send_acknowledgement)
        self._last_tag = tag

    def _send_acknowledgement(self) -> None:
        if self._last_tag is not None and self.channel.is_open:
            self.channel.basic_ack(self._last_tag, multiple=True)
        self._last_tag = None

    def _end_round(self) -> None:
        if self._round:
            self.seconds.append(perf_counter() - self._started)
        if self._round < self._rounds:
            self._round += 1
            self.loop.call_later(
                0.05, self.begin
            )  # the last confirms and acknowledgements belong to this round
            return
        self._send_acknowledgement()
        deleted = after(len(self.requests) + 1, self.close)
        for name in (self.replies, *self.requests):
            self.channel.queue_delete(name, callback=deleted)


def after(times: int, then: Callable[[], None]) -> Callable[[object], None]:
    """Return a callback whose `times`-th call calls `then`."""
    left = iter(range(times - 1, -1, -1))
    return lambda _: then() if next(left) == 0 else None


def _went_wrong(reason: Exception) -> bool:
    return not isinstance(
        reason, pika.exceptions.ConnectionClosedByClient | pika.exceptions.ChannelClosedByClient
    )


def _failed(_: object, reason: object) -> None:
    raise SystemExit(f"raw measurement failed: {reason!r}")


def main(role: str, url: str, prefix: str, *numbers: str) -> None:
    """Run one side; who asks prints its result as JSON."""
    if role == "answer":
        Answerer(url, prefix, int(numbers[0])).run()
        return
    queues, commands, in_flight, rounds = map(int, numbers)
    asker = Asker(url, prefix, queues, commands, in_flight, rounds)
    asker.run()
    print(json.dumps(asker.result()))


if __name__ == "__main__":
    main(*sys.argv[1:])
