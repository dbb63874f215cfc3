"""Cuts what was printed into the texts of output messages."""

import codecs
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from mcoflow.agent.output import readable, without_controls
from mcoflow.agent.printed import Print
from mcoflow.wire import codec
from mcoflow.wire.kinds import KIB, Stream

USUAL: Final = 16 * KIB
"""Bytes of a chunk while it is sent as it comes."""
LARGEST: Final = 32 * KIB
"""Bytes of a chunk that others were merged with; its text must not be longer either."""
_ENCODED: Final = 56 * KIB
"""Bytes of a text in JSON, where an escape character takes six; the message's other fields need the rest."""
_TURNS: Final = 16
"""Changes of stream within one cut that are kept apart; a program that changes more often is sorted."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of one stream as text. `offset` and `size` count bytes of the stream."""

    stream: Stream
    offset: int
    size: int
    at: float
    text: str


class Cutter:
    """Makes chunks of prints, in order. `ends`: how far each stream was cut before; that is skipped.

    What is left out between head and tail shows in the offsets.
    """

    def __init__(self, ends: Mapping[Stream, int]) -> None:
        self._ends = dict.fromkeys(Stream, 0) | dict(ends)
        self._rests: dict[Stream, Print] = {}

    def cut(self, prints: Iterable[Print], most: int) -> Iterator[Chunk]:
        """Yield chunks of at most `most` bytes; an unfinished character at the end of a stream waits."""
        for run in _runs(self._unseen(print_) for print_ in prints):
            yield from self._cut_run(run, most)

    def finish(self) -> Iterator[Chunk]:
        """Yield what waits for the end of a character that does not come."""
        for rest in self._rests.values():
            yield self._cut_off(_chunk(rest))
        self._rests.clear()

    def _unseen(self, print_: Print) -> Print:
        """Leave out what was cut before, or waits already."""
        rest = self._rests.get(print_.stream)
        seen = self._ends[print_.stream] if rest is None else rest.end
        over = max(0, seen - print_.offset)
        return replace(print_, offset=print_.offset + over, data=print_.data[over:])

    def _cut_run(self, run: Print, most: int) -> Iterator[Chunk]:
        rest = self._rests.pop(run.stream, None)
        if rest is not None and rest.end == run.offset:
            run = Print(run.stream, rest.offset, run.at, rest.data + run.data)
        elif rest is not None:
            yield self._cut_off(_chunk(rest))
        while run.data:
            chunk = _first(run, most)
            if chunk is None:
                self._rests[run.stream] = run
                return
            yield self._cut_off(chunk)
            run = replace(run, offset=run.offset + chunk.size, data=run.data[chunk.size :])

    def _cut_off(self, chunk: Chunk) -> Chunk:
        self._ends[chunk.stream] = chunk.offset + chunk.size
        return chunk


def _runs(prints: Iterable[Print]) -> Iterator[Print]:
    """Join what follows on in one stream; sort by stream what changes between them all the time."""
    runs: list[list[Print]] = []
    for print_ in prints:
        if runs and runs[-1][-1].stream is print_.stream and runs[-1][-1].end == print_.offset:
            runs[-1].append(print_)
        else:
            runs.append([print_])
    if len(runs) > _TURNS:
        flat = [print_ for run in runs for print_ in run]
        runs = [run for stream in Stream if (run := [each for each in flat if each.stream is stream])]
    for run in runs:
        yield replace(run[0], data=b"".join(print_.data for print_ in run))


def _first(run: Print, most: int) -> Chunk | None:
    """Make the longest chunk from the start of a run; None if not even one character is whole."""
    while True:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        data = run.data[:most]
        text = without_controls(decoder.decode(data))
        size = len(data) - len(decoder.getstate()[0])
        if len(text) * 6 <= LARGEST or _fits(text):
            return Chunk(run.stream, run.offset, size, run.at, text) if size else None
        most = len(data) // 2


def _fits(text: str) -> bool:
    return len(text.encode()) <= LARGEST and len(codec.dumps({"text": text})) <= _ENCODED


def _chunk(rest: Print) -> Chunk:
    return Chunk(rest.stream, rest.offset, len(rest.data), rest.at, readable(rest.data))
