"""What tools print, kept within bounds: the head, the tail, and how much there really was."""

import re
from collections import deque
from typing import Final

_UNWANTED: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]")
"""Control characters but tab, newline, return and escape."""
_SYMBOLS: Final = {**{code: chr(0x2400 + code) for code in range(0x20)}, 0x7F: "\u2421"}
"""Unicode's pictures of control characters; it has none of those from 0x80 on."""


class HeadTail:
    """Keeps the first and the last bytes of a stream, half of `cap` each, and counts all of them."""

    def __init__(self, cap: int) -> None:
        self._half = cap // 2
        self._head = bytearray()
        self._ring: deque[bytes] = deque()
        self._ring_bytes = 0
        self.total = 0

    def write(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        self.total += len(data)
        room = self._half - len(self._head)
        self._head += data[:room]
        if data[room:]:
            self._ring.append(data[room:])
            self._ring_bytes += len(data) - room
        while self._ring and self._ring_bytes - len(self._ring[0]) >= self._half:
            self._ring_bytes -= len(self._ring.popleft())

    @property
    def truncated(self) -> bool:
        """Whether something between head and tail was dropped."""
        return self.total > 2 * self._half

    def kept(self) -> bytes:
        """Return head and tail, with a line between them that counts what is missing."""
        tail = b"".join(self._ring)
        if not self.truncated:
            return bytes(self._head) + tail
        missing = self.total - 2 * self._half
        return bytes(self._head) + b"\n[... %d bytes left out ...]\n" % missing + tail[-self._half :]


def readable(data: bytes) -> str:
    """Return the bytes as valid text: undecodable ones and unwanted control characters are replaced."""
    return without_controls(data.decode("utf-8", "replace"))


def without_controls(text: str) -> str:
    """Put symbols in the place of control characters but tab, newline, return and escape."""
    return _UNWANTED.sub(lambda found: _SYMBOLS.get(ord(found[0]), "\ufffd"), text)


def tail_of(text: str, limit: int) -> str:
    """Return the end of a text in at most `limit` bytes of UTF-8."""
    return text.encode()[-limit:].decode("utf-8", "ignore")
