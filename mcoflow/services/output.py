"""What steps and hosts print, read by cursor: the same while they run and afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from mcoflow.domain.output import OutputScope, OutputSizes, Piece
from mcoflow.errors import PlanNotFoundError, QueryInvalidError
from mcoflow.ports.store import Reader

PIECES: Final = 1000
"""Pieces of a page at the most."""
BYTES: Final = 1 << 20
"""Bytes of a page, unless its first piece alone has more."""
STREAMS: Final = ("stdout", "stderr", "log")
MAX_NUMBER: Final = 2**62
"""Above the number of any piece: read back from here are the newest."""
_STRIDE: Final = 100
_DIGITS: Final = 18


@dataclass(frozen=True, slots=True)
class OutputItem:
    """A piece of output. `seq` rises, in the order of reading; `at`: by the clock of the host.

    `lost` chunks before it never came. `left_out` bytes before it are missing, for that or because the host
    left them out. `simulated` is looked up by who tells it.
    """

    seq: int
    host: str | None
    step: int | None
    stream: str
    at: datetime
    text: str
    lost: int = 0
    left_out: int = 0
    simulated: bool = False

    @property
    def gap(self) -> str:
        """What is missing before it, in words; empty for nothing."""
        size = f"{size_words(self.left_out)} left out" if self.left_out else ""
        if not self.lost:
            return size
        chunks = f"{self.lost} chunk{'' if self.lost == 1 else 's'} did not arrive"
        return f"{chunks}, {size}" if size else chunks


@dataclass(frozen=True, slots=True)
class OutputPage:
    """Items in order. `next` is where to read on, `previous` where to read back from, "" at the beginning.

    `more`: there is more to read now. `complete`: all was read and nothing will follow.
    """

    items: Sequence[OutputItem]
    next: str
    previous: str
    more: bool
    complete: bool
    kept: int
    printed: int
    notes: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Bounds:
    """How much is read at the most: pieces, bytes, lines."""

    limit: int
    size: int
    lines: int | None = None


class Output:
    """The use cases of output."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def read(
        self,
        plan_id: UUID,
        *,
        host: str | None = None,
        step_id: int | None = None,
        after: str = "",
        before: str = "",
        streams: Sequence[str] = (),
        tail: int | None = None,
        limit: int = PIECES,
        size: int = BYTES,
    ) -> OutputPage:
        """Read output of a task, of one of its hosts or of one of its steps.

        Args:
            after: read on from this `next`; from the beginning without it.
            before: read back from this `previous`, the newest pieces before it.
            streams: only these; all without.
            tail: the newest pieces that have so many lines together.
            limit, size: pieces, and bytes, at the most.

        Raises:
            PlanNotFoundError: there is no such task, step or host in it.
            QueryInvalidError: no cursor of ours, no such stream.
        """
        scope = self._scope(plan_id, host, step_id)
        unknown = [stream for stream in streams if stream not in STREAMS]
        if unknown:
            raise QueryInvalidError(f"no stream {unknown[0][:80]!r}: there are {', '.join(STREAMS)}")
        still_open = self._reader.output_open(scope)  # before it is read: what comes in between is read
        limit = max(1, min(limit, PIECES))
        if before or tail is not None:
            bounds = _Bounds(limit, size, tail)
            found, more = self._back(scope, _number(before, MAX_NUMBER), streams, bounds), False
            first_asked = 0
        else:
            first_asked = _number(after, 0)
            found, more = self._on(scope, first_asked, streams, _Bounds(limit, size))
        sizes = self._reader.output_sizes(scope)
        self._check_known(scope, sizes, found)
        first = found[0].number if found else 0
        older = bool(first) and bool(self._reader.output(scope, before=first, streams=streams, limit=1))
        last = found[-1].number if found else first_asked
        return OutputPage(
            items=[_item(piece) for piece in found],
            next=str(last) if last else "",
            previous=str(first) if older else "",
            more=more,
            complete=not (more or still_open or before),
            kept=sizes.kept,
            printed=max(sizes.printed, sizes.kept),
            notes=notes_of(sizes),
        )

    def printed(self, plan_id: UUID) -> int:
        """How many bytes the hosts of a task printed, as far as they told; one look, nothing is read."""
        sizes = self._reader.output_sizes(OutputScope(plan_id))
        return max(sizes.printed, sizes.kept)

    def _scope(self, plan_id: UUID, host: str | None, step_id: int | None) -> OutputScope:
        if step_id is None:
            self._reader.plan(plan_id)
            return OutputScope(plan_id, host=host)
        return OutputScope(plan_id, host, self._reader.step(plan_id, step_id).step.action_id)

    def _check_known(self, scope: OutputScope, sizes: OutputSizes, found: Sequence[Piece]) -> None:
        """A name that was mistyped is not a host that says nothing."""
        if scope.host is None or found or sizes.printed:
            return
        if scope.host not in self._reader.verdicts(scope.plan_id):
            raise PlanNotFoundError(f"{scope.plan_id} with a step on {scope.host}")

    def _on(
        self, scope: OutputScope, after: int, streams: Sequence[str], bounds: _Bounds
    ) -> tuple[list[Piece], bool]:
        """Return pieces from a cursor on, and whether there are more."""
        found: list[Piece] = []
        size = bounds.size
        while True:
            more = self._reader.output(scope, after=after, streams=streams, limit=_STRIDE)
            for piece in more:
                size -= len(piece.text.encode())
                if found and (size < 0 or len(found) == bounds.limit):
                    return found, True
                found.append(piece)
            if len(more) < _STRIDE:
                return found, False
            after = more[-1].number

    def _back(self, scope: OutputScope, before: int, streams: Sequence[str], bounds: _Bounds) -> list[Piece]:
        """Return the newest pieces before a cursor, oldest first."""
        found: list[Piece] = []
        size, lines = bounds.size, bounds.lines
        while lines is None or lines > 0:
            more = self._reader.output(scope, before=before, streams=streams, limit=_STRIDE)
            for piece in reversed(more):
                size -= len(piece.text.encode())
                done = lines is not None and lines <= 0
                if found and (size < 0 or len(found) == bounds.limit or done):
                    return found[::-1]
                found.append(piece)
                lines = None if lines is None else lines - _lines(piece, last=len(found) == 1)
            if len(more) < _STRIDE:
                break
            before = more[0].number
        return found[::-1]


def size_words(number: int) -> str:
    """Return `512 B`, `256 KiB`, `1.0 GiB`."""
    shown = float(number)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if shown < 1024 or unit == "GiB":
            break
        shown /= 1024
    return f"{number} B" if unit == "B" else f"{shown:.{1 if shown < 100 else 0}f} {unit}"


def notes_of(sizes: OutputSizes) -> list[str]:
    """Return what a reader has to know of what is not there."""
    missing = sizes.printed - sizes.kept
    of_all = f"{size_words(sizes.kept)} of {size_words(sizes.printed)} are kept"
    chunks = f"{sizes.lost} chunk{'' if sizes.lost == 1 else 's'} did not arrive"
    told = (
        (sizes.truncated and missing > 0, f"cut: {of_all}, its beginning and its end"),
        (sizes.cut, f"cut: {of_all}, the server takes no more of a step"),
        (sizes.lost, chunks),
        (sizes.waited_for, "some of it is missing and was asked for again"),
    )
    return [note for holds, note in told if holds]


def _lines(piece: Piece, *, last: bool) -> int:
    """Count the lines that a piece begins; the last may end without a newline."""
    return piece.text.count("\n") + (last and not piece.text.endswith("\n"))


def _item(piece: Piece) -> OutputItem:
    return OutputItem(
        seq=piece.number,
        host=piece.host,
        step=piece.step_id,
        stream=piece.stream,
        at=piece.at,
        text=piece.text,
        lost=piece.lost,
        left_out=piece.left_out,
    )


def _number(cursor: str, otherwise: int) -> int:
    if not cursor:
        return otherwise
    if not cursor.isascii() or not cursor.isdecimal() or len(cursor) > _DIGITS:
        raise QueryInvalidError(f"{cursor[:80]!r} is no cursor: take `next` or `previous` of a page")
    return int(cursor)
