"""Turns parcels into the frames that publish them."""

from collections.abc import Callable
from typing import Final

from connectors.amqp import frames
from mcoflow import __version__
from mcoflow.clock import Clock
from mcoflow.ports.bus import Address, Parcel
from mcoflow.wire.topology import Topology

_CONTENT_TYPE: Final = frames.short_string("application/vnd.mcoflow+json")
_APP_ID: Final = frames.short_string(f"mcoflow/{__version__}")
_ROUTES_KEPT: Final = 50_000
_ALWAYS: Final = (
    frames.CONTENT_TYPE
    | frames.DELIVERY_MODE
    | frames.MESSAGE_ID
    | frames.TIMESTAMP
    | frames.TYPE
    | frames.APP_ID
)
_TIMESTAMP: Final = 8


class Encoder:
    """Encodes for one connection: who publishes, under which names, with what frame size."""

    def __init__(self, topology: Topology, user: str | None, clock: Clock) -> None:
        self._topology, self._clock = topology, clock
        self._user = frames.short_string(user) if user else b""
        self._flags = _ALWAYS | (frames.USER_ID if user else 0)
        self._body_max = 4096
        self._channel = 0
        self._routes: dict[Address, bytes] = {}
        self._kinds: dict[str, bytes] = {}

    def set_body_max(self, body_max: int) -> None:
        """Take over the frame size that was agreed with the broker."""
        self._body_max = body_max

    def begin(self, channel: int) -> Callable[[Parcel], bytes]:
        """Return the function that encodes a batch published now on this channel."""
        if channel != self._channel or len(self._routes) > _ROUTES_KEPT:
            self._channel = channel
            self._routes.clear()
        now = int(self._clock.now().timestamp()).to_bytes(_TIMESTAMP, "big")
        return lambda parcel: self._encode(parcel, now)

    def _encode(self, parcel: Parcel, now: bytes) -> bytes:
        route = self._routes.get(parcel.address) or self._route(parcel.address)
        kind = self._kinds.get(parcel.kind) or self._kind(parcel.kind)
        flags = self._flags
        properties = [_CONTENT_TYPE]
        if parcel.headers:
            flags |= frames.HEADERS
            properties.append(frames.table(parcel.headers))
        properties.append(b"\2" if parcel.durable else b"\1")
        if parcel.request_id is not None:
            flags |= frames.CORRELATION_ID
            properties.append(b"\x24" + str(parcel.request_id).encode())
        if parcel.reply_to is not None:
            flags |= frames.REPLY_TO
            properties.append(frames.short_string(parcel.reply_to))
        if parcel.ttl is not None:
            flags |= frames.EXPIRATION
            properties.append(frames.short_string(str(max(0, int(parcel.ttl.total_seconds() * 1000)))))
        properties += (b"\x24", str(parcel.message_id).encode(), now, kind, self._user, _APP_ID)
        return route + frames.content(self._channel, flags, b"".join(properties), parcel.body, self._body_max)

    def _route(self, address: Address) -> bytes:
        route = self._topology.route(address)
        made = frames.publish(self._channel, route.exchange, route.key, mandatory=route.mandatory)
        self._routes[address] = made
        return made

    def _kind(self, kind: str) -> bytes:
        made = self._kinds[kind] = frames.short_string(kind)
        return made
