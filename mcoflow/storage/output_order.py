"""Brings the chunks of one request into the order in which the host printed them, each once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from uuid import UUID

from mcoflow.domain.output import HostChunk, OutputEnd

OVERHEAD: Final = 64
"""Bytes that a chunk counts for beside its text, so that empty ones cannot fill the disk either."""
ASKED_AT_MOST: Final = 5
FIRST_ASK: Final = 2.0
"""Seconds that missing chunks have to come by themselves; each further wait is twice as long."""


class Ordered(NamedTuple):
    """A chunk in its place: what of it can be read, and what is missing before it."""

    chunk: HostChunk
    lost: int
    left_out: int


@dataclass(slots=True)
class Tray:
    """What is known of the output of a request, and what came of it now.

    `room` are the bytes that the step may still have. `waiting` are the numbers of the parked chunks. After
    `take` come `ordered` into the chunks, `park` and `unpark` say what changes among the parked ones, and
    `missing_at_end` how many chunks are given up behind which none came.
    """

    request_id: UUID
    plan_id: UUID
    action_id: int
    next_seq: int = 0
    pieces: int = 0
    kept: int = 0
    ends: dict[str, int] = field(default_factory=dict)
    lost: int = 0
    cut: bool = False
    chunks: int | None = None
    printed: int | None = None
    truncated: bool = False
    asked: int = 0
    ask_at: float | None = None
    room: int = 0
    waiting: set[int] = field(default_factory=set)
    ordered: list[Ordered] = field(default_factory=list)
    park: list[HostChunk] = field(default_factory=list)
    unpark: list[int] = field(default_factory=list)
    missing_at_end: int = 0

    def tell_end(self, end: OutputEnd) -> None:
        """The host has told how much there is."""
        self.chunks, self.printed, self.truncated = end.chunks, end.size, end.truncated

    def admit(self, chunks: Iterable[HostChunk], late: Collection[int]) -> list[HostChunk]:
        """Return those that are new, in order, as far as there is room.

        `late` are the numbers of old chunks that are stored: others of that age fill what was given up.
        """
        new: dict[int, HostChunk] = {}
        for chunk in chunks:
            known = chunk.seq in late if chunk.seq < self.next_seq else chunk.seq in self.waiting
            if not known and (self.lost or chunk.seq >= self.next_seq):
                new.setdefault(chunk.seq, chunk)
        return [new[seq] for seq in sorted(new) if self._fits(new[seq])]

    def runs_to(self, admitted: Iterable[HostChunk]) -> int:
        """Return the number of the first chunk that is still missing."""
        here, seq = self.waiting | {chunk.seq for chunk in admitted}, self.next_seq
        if self.cut:  # nothing more will be stored: what is here is all
            return max([seq, *(each + 1 for each in here)])
        while seq in here:
            seq += 1
        return seq

    def take(self, admitted: Iterable[HostChunk], until: int, parked: Mapping[int, HostChunk]) -> None:
        """Put in order what comes before `until`, and park the rest; `parked` has the chunks from there."""
        mine = {chunk.seq: chunk for chunk in admitted}
        self.park = [chunk for chunk in mine.values() if chunk.seq >= until]
        readable = {**parked, **{seq: each for seq, each in mine.items() if seq < until}}
        self.unpark = sorted(parked)
        for seq in sorted(readable):
            self._put(readable[seq])
        self.waiting = (self.waiting | {chunk.seq for chunk in self.park}) - set(parked)
        self.missing_at_end = self._count_lost(until - self.next_seq)
        if until > self.next_seq or self.ordered:
            self.next_seq, self.asked, self.ask_at = until, 0, None

    def schedule(self, now: float) -> None:
        """Note when the host is to be asked for what is missing."""
        if self.cut or self.next_seq >= max(self.chunks or 0, *self.waiting, 0):
            self.ask_at = None
        elif self.ask_at is None:
            self.ask_at = now + FIRST_ASK

    def give_up(self) -> int:
        """Return up to where all can be read now, as if nothing was missing: it will not come."""
        return max([self.next_seq, self.chunks or 0, *(seq + 1 for seq in self.waiting)])

    def _fits(self, chunk: HostChunk) -> bool:
        size = len(chunk.text.encode()) + OVERHEAD
        if self.cut or size > self.room:
            self.cut = True
            return False
        self.room -= size
        self.pieces += 1
        self.kept += size - OVERHEAD
        return True

    def _put(self, chunk: HostChunk) -> None:
        so_far = self.ends.get(chunk.stream, 0)
        lost, late = 0, chunk.seq < self.next_seq
        if late:
            self.lost -= 1
        else:
            lost = self._count_lost(chunk.seq - self.next_seq)
            self.next_seq = chunk.seq + 1
        left_out = 0 if late else max(0, chunk.offset - so_far)
        self.ends[chunk.stream] = max(so_far, chunk.offset + len(chunk.text.encode()))
        self.ordered.append(Ordered(chunk, lost, left_out))

    def _count_lost(self, number: int) -> int:
        lost = 0 if self.cut else number
        self.lost += lost
        return lost
