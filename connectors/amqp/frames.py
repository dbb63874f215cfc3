"""The frames of the hot path as bytes: publish, settle, and the properties of a delivery.

pika makes several objects and one system call for each frame; at thousands of messages a second that is
most of the cost. So these few frames are built and read here, and pika keeps everything else: connecting,
login, heartbeats, channels, declarations.

Source: AMQP 0-9-1 specification, 2.3.5 (frames) and 4.2.6 (content).
"""

import struct
from collections.abc import Iterable
from typing import Final

METHOD: Final = 1
HEADER: Final = 2
BODY: Final = 3
DELIVER: Final = 0x003C003C
ACK: Final = 0x003C0050
NACK: Final = 0x003C0078
END: Final = 0xCE

FRAME: Final = struct.Struct(">BHI")
"""Type, channel, size of the payload; the payload and END follow."""
OVERHEAD: Final = FRAME.size + 1
METHOD_ID: Final = struct.Struct(">I")
TAG_AND_BITS: Final = struct.Struct(">QB")
BODY_SIZE: Final = struct.Struct(">Q")
_SHORT: Final = struct.Struct(">H")
_LONG: Final = struct.Struct(">I")
_HEAD: Final = struct.Struct(">BHIHHQH")  # a header frame up to the flags of its properties
_ACK: Final = struct.Struct(">BHIIQBB")
_CLASS_BASIC: Final = 60
_END: Final = b"\xce"

CONTENT_TYPE, CONTENT_ENCODING, HEADERS, DELIVERY_MODE = 1 << 15, 1 << 14, 1 << 13, 1 << 12
PRIORITY, CORRELATION_ID, REPLY_TO, EXPIRATION = 1 << 11, 1 << 10, 1 << 9, 1 << 8
MESSAGE_ID, TIMESTAMP, TYPE, USER_ID, APP_ID = 1 << 7, 1 << 6, 1 << 5, 1 << 4, 1 << 3


def short_string(text: str) -> bytes:
    """Encode up to 255 bytes; ValueError beyond."""
    data = text.encode()
    return bytes((len(data),)) + data


def table(pairs: Iterable[tuple[str, str]]) -> bytes:
    """Encode headers whose values are texts."""
    entries = b"".join(
        short_string(name) + b"S" + _LONG.pack(len(value := text.encode())) + value for name, text in pairs
    )
    return _LONG.pack(len(entries)) + entries


def publish(channel: int, exchange: str, key: str, *, mandatory: bool) -> bytes:
    """Encode Basic.Publish; the content follows it."""
    arguments = short_string(exchange) + short_string(key) + (b"\1" if mandatory else b"\0")
    payload = b"\x00\x3c\x00\x28\x00\x00" + arguments
    return FRAME.pack(METHOD, channel, len(payload)) + payload + _END


def content(channel: int, flags: int, properties: bytes, body: bytes, body_max: int) -> bytes:
    """Encode header and body frames; `properties` are the values for `flags`, in the order of the flags."""
    size = len(body)
    head = _HEAD.pack(HEADER, channel, 14 + len(properties), _CLASS_BASIC, 0, size, flags)
    if size <= body_max:
        if not size:
            return head + properties + _END
        return b"".join((head, properties, _END, FRAME.pack(BODY, channel, size), body, _END))
    pieces = [head, properties, _END]
    for start in range(0, size, body_max):
        piece = body[start : start + body_max]
        pieces += (FRAME.pack(BODY, channel, len(piece)), piece, _END)
    return b"".join(pieces)


def ack(channel: int, tag: int, *, multiple: bool) -> bytes:
    """Encode Basic.Ack, of one tag or of all up to it."""
    return _ACK.pack(METHOD, channel, 13, ACK, tag, multiple, END)


def reject(channel: int, tag: int, *, requeue: bool) -> bytes:
    """Encode Basic.Reject: back to the queue, or to the dead letters."""
    return _ACK.pack(METHOD, channel, 13, 0x003C005A, tag, requeue, END)


def read_properties(data: bytes, at: int) -> tuple[str | None, bytes | None, str | None]:
    """Return message id, headers (a table, still encoded) and user id of the properties at `at`."""
    (flags,) = _SHORT.unpack_from(data, at)
    at += 2
    message_id = headers = user_id = None
    if flags & CONTENT_TYPE:
        at += 1 + data[at]
    if flags & CONTENT_ENCODING:
        at += 1 + data[at]
    if flags & HEADERS:
        end = at + 4 + int.from_bytes(data[at : at + 4], "big")
        headers, at = data[at:end], end
    at += bool(flags & DELIVERY_MODE) + bool(flags & PRIORITY)
    for flag in _SHORT_STRINGS:
        if flags & flag:
            at += 1 + data[at]
    if flags & MESSAGE_ID:
        end = at + 1 + data[at]
        message_id, at = data[at + 1 : end].decode("utf-8", "replace"), end
    if flags & USER_ID:
        at += 8 if flags & TIMESTAMP else 0
        at += 1 + data[at] if flags & TYPE else 0
        user_id = data[at + 1 : at + 1 + data[at]].decode("utf-8", "replace")
    return message_id, headers, user_id


_SHORT_STRINGS: Final = (CORRELATION_ID, REPLY_TO, EXPIRATION)
