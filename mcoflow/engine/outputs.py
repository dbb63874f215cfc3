"""What hosts print: handed to the database chunk by chunk, and asked for again where some is missing."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final
from uuid import UUID

from mcoflow.clock import Clock
from mcoflow.domain.output import HostChunk, OutputEnd
from mcoflow.domain.requests import RequestRecord
from mcoflow.engine.batch import Batch
from mcoflow.engine.memory import Memory
from mcoflow.engine.patient import PatientStore
from mcoflow.engine.writer import Writer
from mcoflow.wire.kinds import CHUNKS_LIMIT
from mcoflow.wire.messages import OutputBody, ResultBody

SOON: Final = 2.5
"""Seconds after news of output until it is looked whether some is missing."""
SELDOM: Final = 60.0
"""Seconds between two looks when there is no news: for what an executor left that is no more."""
_REMEMBERED: Final = 1000


class Outputs:
    """Keeps no text, and asks nothing of the database as long as no host prints; in the director's thread."""

    def __init__(self, memory: Memory, writer: Writer, store: PatientStore, clock: Clock) -> None:
        self._memory, self._writer, self._store, self._clock = memory, writer, store, clock
        self._next_look = 0.0
        self._asked: OrderedDict[UUID, None] = OrderedDict()

    def take(self, batch: Batch, record: RequestRecord, body: OutputBody) -> None:
        """A chunk has come; its request may have ended."""
        at = body.at.timestamp()
        stream = body.stream.value
        batch.host_chunks.append(
            HostChunk(record.plan_id, record.id, body.seq, stream, body.offset, body.text, at)
        )
        self._moved(batch, record)

    def end(self, batch: Batch, record: RequestRecord, body: ResultBody) -> None:
        """A host has told how much there is; nothing is done if there is none."""
        if not body.chunks:
            return
        chunks = min(body.chunks, CHUNKS_LIMIT)
        batch.output_ends.append(
            OutputEnd(record.plan_id, record.id, chunks, body.output_bytes, body.truncated)
        )
        self._moved(batch, record)

    def was_asked(self, request_id: UUID) -> bool:
        """Whether a host was asked for output again: then it tells its result again, too."""
        return request_id in self._asked

    def look(self, batch: Batch) -> None:
        """Ask for what is missing, if it is time to."""
        if self._clock.monotonic() < self._next_look:
            return
        found = self._store.claim_gaps(batch.now)
        for gap in found.asked:
            parcel = self._writer.output_query(gap.request_id, gap.host, gap.seq, batch.now)
            batch.parcels.append((gap.plan_id, parcel))
            self._remember(gap.request_id)
        for plan_id in found.given_up:
            if (run := self._memory.runs.get(plan_id)) is not None:
                batch.touch(run)  # whoever watches it finds more to read
        wait = SELDOM if found.next_at is None else max(SOON, found.next_at - batch.now)
        self._next_look = self._clock.monotonic() + min(SELDOM, wait)

    def _moved(self, batch: Batch, record: RequestRecord) -> None:
        run = self._memory.runs.get(record.plan_id)
        if run is not None:
            batch.touch(run)
        self._next_look = min(self._next_look, self._clock.monotonic() + SOON)

    def _remember(self, request_id: UUID) -> None:
        self._asked[request_id] = None
        if len(self._asked) > _REMEMBERED:
            self._asked.popitem(last=False)
