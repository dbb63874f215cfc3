"""Sends what executions print, a little at a time, so that neither child, agent nor broker is overrun.

A chunk is kept before it is sent. Of a request a few are under way at a time, and so of a host; while no more
may be sent, none are cut, and what gathers in the worker's file makes larger ones. The result follows the
last chunk. Source: the project's bus specification, 5.6.
"""

import logging
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final
from uuid import UUID

from mcoflow.agent.chunks import LARGEST, USUAL, Chunk, Cutter
from mcoflow.agent.desk import Desk
from mcoflow.agent.entry import Entry
from mcoflow.agent.execution import Execution, Printed
from mcoflow.agent.reports import Asker, Reports, asker_of
from mcoflow.agent.spool import Numbered, Spool, Spools
from mcoflow.wire.replies import ResultBody

log = logging.getLogger(__name__)

UNCONFIRMED: Final = 4
UNCONFIRMED_OF_HOST: Final = 64
EVERY: Final = 1.0
"""Seconds between two chunks of a request that prints little."""
LOOK: Final = 0.25
"""Seconds between looks at what running executions printed."""
LOOK_AT_MANY: Final = 1.0
MANY: Final = 100

Send = Callable[[], None]


@dataclass(slots=True, eq=False)
class _Stream:
    """The chunks of one request. `entry` until it has ended, `asker` after it."""

    spool: Spool
    entry: Entry | None = None
    asker: Asker | None = None
    printed: Printed | None = None
    cutter: Cutter | None = None
    numbered: Numbered | None = None
    next: int = 0  #: to be sent
    under_way: dict[int, UUID] = field(default_factory=dict)
    cut_at: float = -math.inf  #: monotonic
    held_back: bool = False  #: something could not be sent since the last cut
    afterwards: Send | None = None

    @property
    def to(self) -> Asker:
        """Who wants to hear of it."""
        if self.entry is not None:
            return asker_of(self.entry)
        assert self.asker is not None
        return self.asker


class Streams:
    """The output of all requests; used on the loop's thread only."""

    def __init__(self, desk: Desk, reports: Reports, execution: Execution, spools: Spools) -> None:
        self._desk = desk
        self._reports = reports
        self._execution = execution
        self._spools = spools
        self._streams: dict[UUID, _Stream] = {}
        self._followed: dict[UUID, _Stream] = {}
        self._looking = False

    # -- while it runs ---------------------------------------------------------------------------------

    def follow(self, entry: Entry) -> None:
        """Send what the entry's present run prints from now on; first, what an earlier daemon kept of it."""
        if entry.job is None or (printed := self._execution.printed(entry.job)) is None:
            return
        stream = self._streams.get(entry.id)
        if stream is None:
            spool = self._spools.find(entry.id) or self._spools.make(entry.id)
            stream = self._streams[entry.id] = _Stream(spool, entry)
        stream.printed, stream.numbered = printed, Numbered(stream.spool, entry.job.run)
        stream.cutter = Cutter(stream.numbered.ends)
        self._followed[entry.id] = stream
        self._send(stream)
        if not self._looking:
            self._looking = True
            self._desk.loop.later(LOOK, self._look)

    def _look(self) -> None:
        self._looking = bool(self._followed)
        now = self._desk.clock.monotonic()
        for stream in list(self._followed.values()):
            self._take(stream, now)
        if self._looking:
            self._desk.loop.later(LOOK if len(self._followed) < MANY else LOOK_AT_MANY, self._look)

    def _take(self, stream: _Stream, now: float) -> None:
        """Cut what is due, as far as it may be sent."""
        room = 0 if stream.next < stream.spool.count else self._room(stream)
        if room == 0:
            stream.held_back = True
            return
        size = LARGEST if stream.held_back else USUAL
        least = 1 if now - stream.cut_at >= EVERY else USUAL
        assert stream.printed is not None
        assert stream.cutter is not None
        prints = stream.printed.take(room * size, least)
        if prints:
            stream.cut_at, stream.held_back = now, False
            self._keep(stream, stream.cutter.cut(prints, size))
            self._send(stream)

    def _keep(self, stream: _Stream, chunks: Iterable[Chunk]) -> None:
        assert stream.numbered is not None
        try:
            for chunk in chunks:
                stream.numbered.append(chunk)
        except OSError as error:  # what cannot be kept is not sent; the result tells how much there was
            log.warning("output.not_kept", extra={"request": str(stream.to.request_id), "why": str(error)})

    # -- when it has ended -----------------------------------------------------------------------------

    def finish(self, entry: Entry, body: ResultBody) -> ResultBody:
        """Cut what is left, and return the result with the number of chunks and the true count of bytes."""
        self.settle(entry)
        stream = self._streams.get(entry.id)
        if stream is None or stream.printed is None or stream.numbered is None:
            return body
        stream.asker, stream.entry = asker_of(entry), None
        total = max(stream.printed.total, body.output_bytes)
        return replace(
            body,
            chunks=stream.spool.count,
            output_bytes=total,
            truncated=stream.numbered.size < total,
        )

    def settle(self, entry: Entry) -> None:
        """Cut what is left of a run that is over."""
        stream = self._followed.pop(entry.id, None)
        if stream is None or stream.printed is None or stream.cutter is None:
            return
        size = LARGEST if stream.held_back or not self._room(stream) else USUAL
        while prints := stream.printed.take(LARGEST, 1):
            self._keep(stream, stream.cutter.cut(prints, size))
        self._keep(stream, stream.cutter.cut(stream.printed.tail(), LARGEST))
        self._keep(stream, stream.cutter.finish())

    def afterwards(self, request_id: UUID, send: Send) -> None:
        """Call `send` when all chunks of a request that has ended are on their way."""
        stream = self._streams.get(request_id)
        if stream is None:
            send()
        else:
            stream.afterwards = send
            self._send(stream)

    # -- again -----------------------------------------------------------------------------------------

    def rewind(self, entry: Entry, start: int) -> None:
        """Send the chunks of an entry in hand again, from number `start` on."""
        if (stream := self._streams.get(entry.id)) is not None:
            self._rewind(stream, start)
            self._send(stream)

    def again(self, asker: Asker, start: int, send: Send) -> None:
        """Send the kept chunks of a request that has ended from number `start` on, then call `send`."""
        stream = self._streams.get(asker.request_id)
        if stream is not None:
            self._rewind(stream, start)
            stream.asker = asker
        elif (spool := self._spools.find(asker.request_id)) is not None:
            stream = self._streams[asker.request_id] = _Stream(spool, asker=asker, next=start)
        self.afterwards(asker.request_id, send)

    def _rewind(self, stream: _Stream, start: int) -> None:
        """Begin anew; what is under way goes to an executor that may be gone, nobody waits for it."""
        for message_id in stream.under_way.values():
            self._desk.outgoing.forget(message_id)
        stream.to.host.unconfirmed -= len(stream.under_way)
        stream.under_way.clear()
        stream.next = start

    # -- sending ---------------------------------------------------------------------------------------

    def _room(self, stream: _Stream) -> int:
        return min(UNCONFIRMED - len(stream.under_way), UNCONFIRMED_OF_HOST - stream.to.host.unconfirmed)

    def _send(self, stream: _Stream) -> None:
        """Send as many as may be under way; what follows the last is sent after it."""
        while stream.next < stream.spool.count and self._room(stream) > 0:
            kept = stream.spool.read(stream.next)
            if kept is None:
                stream.next = stream.spool.count
                break
            parcel = self._reports.output(stream.to, kept.body)
            stream.under_way[stream.next] = parcel.message_id
            stream.to.host.unconfirmed += 1
            then = partial(self._confirmed, stream, stream.next, parcel.message_id)
            self._desk.outgoing.send(parcel, then)
            stream.next += 1
        if stream.next < stream.spool.count:
            stream.held_back = True
        elif stream.entry is None:
            self._end(stream)

    def _end(self, stream: _Stream) -> None:
        """Send what comes after the last chunk; when that is confirmed nothing is left to do."""
        send, stream.afterwards = stream.afterwards, None
        if send is not None:
            send()
        if not stream.under_way:
            self._streams.pop(stream.to.request_id, None)

    def _confirmed(self, stream: _Stream, seq: int, message_id: UUID) -> None:
        if stream.under_way.get(seq) != message_id:
            return
        del stream.under_way[seq]
        host = stream.to.host
        host.unconfirmed -= 1
        self._send(stream)
        if host.unconfirmed >= UNCONFIRMED_OF_HOST - UNCONFIRMED:
            for other in list(self._streams.values()):
                if other.to.host is host and other.next < other.spool.count:
                    self._send(other)
