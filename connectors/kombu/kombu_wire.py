"""The only file that knows kombu: named queues on its in-memory transport, with types.

kombu polls its queues one after the other, up to a second apart; with the queues of a thousand hosts that is
slow or costly. So nothing polls here: who puts a message rings those who take from that queue (see world.py).
Routing is done by our own register, which `mandatory` needs anyway; kombu gets the name of the queue.
"""

from dataclasses import dataclass
from queue import Empty
from typing import Any, Final

import kombu

from mcoflow.ports.bus import Parcel

_kombu: Final[Any] = kombu  # it has no types: those of this file are all there are
_CONTENT_TYPE: Final = "application/vnd.mcoflow+json"


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """A message taken from a queue and not settled yet."""

    message: Any

    @property
    def body(self) -> bytes:
        """The bytes that were put."""
        return bytes(self.message.body)

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The headers of the parcel."""
        return tuple(self.message.headers.items())

    def property(self, name: str) -> Any:
        """A property that was put with it, or None."""
        return self.message.properties.get(name)

    def ack(self) -> None:
        """Forget it."""
        self.message.ack()

    def put_back(self) -> None:
        """Put it at the end of its queue, marked as redelivered."""
        self.message.properties["redelivered"] = True
        self.message.requeue()


class Wire:
    """A kombu connection with one channel. Used by one thread at a time."""

    def __init__(self) -> None:
        # bytes stay bytes: the default would encode every body as base64
        self._connection: Any = _kombu.Connection("memory://", transport_options={"body_encoding": None})
        self._channel: Any = self._connection.channel()
        self._producer: Any = _kombu.Producer(self._channel, auto_declare=False)

    def make(self, queue: str) -> None:
        """Make a queue.

        kombu would do so at its first use: of two threads that use it first, each may make one of its own,
        and what the one puts the other never finds.
        """
        self.count(queue)

    def put(self, queue: str, parcel: Parcel) -> None:
        """Put a parcel into a queue."""
        self._publish(
            queue, parcel.body, dict(parcel.headers), message_id=str(parcel.message_id), type=parcel.kind
        )

    def put_dead(self, queue: str, taken: Taken, reason: str) -> None:
        """Put a copy of a taken message into the queue of dead letters."""
        message_id, kind = taken.property("message_id"), taken.property("type")
        self._publish(queue, taken.body, dict(taken.headers), message_id=message_id, type=kind, died=reason)

    def take(self, queue: str) -> Taken | None:
        """Take the oldest message, or None."""
        try:
            message = self._channel.basic_get(queue)
        except Empty:
            return None
        return Taken(message) if message is not None else None

    def count(self, queue: str) -> int:
        """Count the messages that wait in a queue."""
        return int(self._channel.queue_declare(queue=queue).message_count)

    def delete(self, queue: str) -> None:
        """Delete a queue and what is in it."""
        self._channel._delete(queue)  # queue_delete only finds queues that have bindings in kombu

    def close(self) -> None:
        """Release the connection; the queues stay."""
        self._connection.release()

    def _publish(self, queue: str, body: bytes, headers: dict[str, str], **properties: Any) -> None:
        self._producer.publish(
            body,
            routing_key=queue,
            headers=headers,
            content_type=_CONTENT_TYPE,
            content_encoding="binary",
            **properties,
        )
