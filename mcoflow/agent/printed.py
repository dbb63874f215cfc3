"""What a worker prints, in files of bounded size that the daemon reads while they grow.

The worker writes and the daemon reads, so neither waits for the other, and what was printed while no daemon
ran is there for the next one. The head takes the first half of the cap as it comes. The last half is held by
the worker and saved each second and at the end: who is killed with KILL loses at most a second of that.
"""

import contextlib
import os
import struct
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from io import FileIO
from pathlib import Path
from typing import Final

from mcoflow.wire.kinds import Stream

_HEADER: Final = struct.Struct("<BQdI")
"""Number of the stream, offset in it, seconds since 1970, bytes that follow."""
_STREAMS: Final = (Stream.STDOUT, Stream.STDERR, Stream.LOG)
_WINDOW: Final = 128 * 1024
_JOINED: Final = 4 * 1024
"""Bytes of the tail that are joined to one piece, with the time of the first."""


@dataclass(frozen=True, slots=True)
class Print:
    """Bytes of one stream, in one piece. `at` is in seconds since 1970; without data it marks a place."""

    stream: Stream
    offset: int
    at: float
    data: bytes

    @property
    def end(self) -> int:
        """The offset after it."""
        return self.offset + len(self.data)


class Recorder:
    """Writes what is printed in one run of a job; used by one thread. A full disk only ends the recording."""

    def __init__(self, directory: Path, run: int, cap: int) -> None:
        head, self._tail = _paths(directory, run)
        self._tail.unlink(missing_ok=True)
        self._head: FileIO | None = head.open("wb", buffering=0)
        self._half = self._room = cap // 2
        self._ends = dict.fromkeys(_STREAMS, 0)
        self._ring = _Ring(self._half)
        self._unsaved = False

    @property
    def total(self) -> int:
        """How many bytes were printed."""
        return sum(self._ends.values())

    def write(self, stream: Stream, data: bytes, at: float) -> None:
        """Take the next bytes of a stream."""
        offset = self._ends[stream]
        self._ends[stream] += len(data)
        if self._room:
            head, data = data[: self._room], data[self._room :]
            self._room -= len(head)
            self._write_head(Print(stream, offset, at, head))
            offset += len(head)
        if data:
            self._ring.add(Print(stream, offset, at, data))
            self._unsaved = True

    def save(self) -> None:
        """Put the tail in its file, whole, in the place of the one before."""
        if not self._unsaved:
            return
        self._unsaved = False
        draft = self._tail.with_suffix(".draft")
        try:
            with draft.open("wb", buffering=0) as file:
                _append(file, *self._marked_tail())
            draft.rename(self._tail)
        except OSError:  # a full disk: the one before stays
            draft.unlink(missing_ok=True)

    def _write_head(self, print_: Print) -> None:
        if self._head is None:
            return
        try:
            _append(self._head, print_)
        except OSError:  # a full disk: what follows would come after a torn record
            self._head = None

    def _marked_tail(self) -> list[Print]:
        """Return the tail after marks that tell where each stream goes on, also those that print no more."""
        prints = self._ring.prints()
        first = {print_.stream: print_.offset for print_ in reversed(prints)}
        marks = [Print(stream, first.get(stream, end), 0.0, b"") for stream, end in self._ends.items()]
        return marks + prints


class _Ring:
    """The last bytes that were printed; what is printed in small pieces is joined."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: deque[tuple[Stream, int, float, bytearray]] = deque()
        self._bytes = 0

    def add(self, print_: Print) -> None:
        last = self._kept[-1] if self._kept else None
        if last is not None and last[0] is print_.stream and len(last[3]) < _JOINED:
            last[3].extend(print_.data)
        else:
            self._kept.append((print_.stream, print_.offset, print_.at, bytearray(print_.data)))
        self._bytes += len(print_.data)
        while self._kept and self._bytes - len(self._kept[0][3]) >= self._size:
            self._bytes -= len(self._kept.popleft()[3])

    def prints(self) -> list[Print]:
        """Return them, cut to the size of the ring."""
        found = [Print(stream, offset, at, bytes(data)) for stream, offset, at, data in self._kept]
        over = max(0, self._bytes - self._size)
        if found and over:
            found[0] = replace(found[0], offset=found[0].offset + over, data=found[0].data[over:])
        return [print_ for print_ in found if print_.data]


class Prints:
    """Reads what a run of a job printed: its head while it grows, the tail when nothing follows."""

    def __init__(self, directory: Path, run: int) -> None:
        self._paths = _paths(directory, run)
        self._position = 0
        self._ends = dict.fromkeys(_STREAMS, 0)

    def take(self, most: int, least: int) -> Sequence[Print]:
        """Return what follows in the head: about `most` bytes; nothing while it is less than `least`."""
        taken: list[Print] = []
        size = 0
        if _size(self._paths[0]) - self._position < least:
            return taken
        for print_, position in _read(self._paths[0], self._position):
            taken.append(print_)
            size += len(print_.data)
            self._position = position
            if size >= most:
                break
        self._note(taken)
        return taken

    def tail(self) -> Sequence[Print]:
        """Return the last bytes, at most half of the cap; before them, a mark where each stream goes on."""
        found = [print_ for print_, _ in _read(self._paths[1], 0)]
        self._note(found)
        return found

    @property
    def total(self) -> int:
        """How many bytes were printed, as far as it was read."""
        return sum(self._ends.values())

    def _note(self, prints: Iterable[Print]) -> None:
        for print_ in prints:
            self._ends[print_.stream] = max(self._ends[print_.stream], print_.end)


def _paths(directory: Path, run: int) -> tuple[Path, Path]:
    return directory / f"printed-{run}.head", directory / f"printed-{run}.tail"


def _append(file: FileIO, *prints: Print) -> None:
    data = b"".join(_packed(print_) for print_ in prints)
    if os.write(file.fileno(), data) < len(data):
        raise OSError("no space for all of it")


def _packed(print_: Print) -> bytes:
    number = _STREAMS.index(print_.stream)
    return _HEADER.pack(number, print_.offset, print_.at, len(print_.data)) + print_.data


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _read(path: Path, position: int) -> Iterator[tuple[Print, int]]:
    """Yield the prints from a position on, each with the position after it; stop before a torn one."""
    with contextlib.suppress(FileNotFoundError), path.open("rb", buffering=_WINDOW) as file:
        file.seek(position)
        while len(header := file.read(_HEADER.size)) == _HEADER.size:
            number, offset, at, size = _HEADER.unpack(header)
            if number >= len(_STREAMS) or len(data := file.read(size)) < size:
                return
            position += _HEADER.size + size
            yield Print(_STREAMS[number], offset, at, data), position
