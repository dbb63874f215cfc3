"""One thread watches the tasks that anybody looks at, and rings at the streams of those that moved."""

import logging
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

from mcoflow.domain.states import PlanState
from mcoflow.errors import McoflowError
from mcoflow.services import Plans

log = logging.getLogger(__name__)

GLANCE: Final = timedelta(milliseconds=500)
"""How long the watcher looks before it takes notice of new streams."""
PAUSE: Final = 1.0
"""Seconds after a failed look, and after being told that nobody is there."""


@dataclass(frozen=True, slots=True)
class Ring:
    """A task has another version. `over` says that nothing will follow."""

    version: int
    state: str
    result: str
    over: bool


@dataclass(eq=False)
class Stream:
    """One reader of one task, and the last ring it has not heard yet."""

    plan_id: UUID
    seen: int
    _bell: threading.Condition = field(default_factory=threading.Condition)
    _ring: Ring | None = None
    _closed: bool = False

    def wait(self, seconds: float) -> Ring | None:
        """Return the newest ring, at once if it was missed; None after `seconds` of silence."""
        with self._bell:
            self._bell.wait_for(lambda: self._ring is not None or self._closed, seconds)
            ring, self._ring = self._ring, None
            return ring

    @property
    def closed(self) -> bool:
        """Whether the process goes down."""
        return self._closed

    def ring(self, ring: Ring) -> None:
        """Tell the reader; rings it has not heard are merged into the newest."""
        with self._bell:
            if ring.version > self.seen:
                self.seen, self._ring = ring.version, ring
                self._bell.notify()

    def close(self) -> None:
        """Wake the reader for the last time."""
        with self._bell:
            self._closed = True
            self._bell.notify()


class Doorbell:
    """The watcher and its streams. Thread-safe."""

    def __init__(self, plans: Plans, max_streams: int) -> None:
        self._plans, self._max = plans, max_streams
        self._streams: set[Stream] = set()
        self._changed = threading.Condition()
        self._closed = threading.Event()
        self._watcher: threading.Thread | None = None

    def open(self, plan_id: UUID, after: int) -> Stream | None:
        """Return a stream that rings for versions above `after`; None if there are too many already."""
        with self._changed:
            if self._closed.is_set() or len(self._streams) >= self._max:
                return None
            stream = Stream(plan_id, after)
            self._streams.add(stream)
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._watch, name="doorbell", daemon=True)
                self._watcher.start()
            self._changed.notify()
            return stream

    @property
    def closed(self) -> bool:
        """Whether the process goes down."""
        return self._closed.is_set()

    def leave(self, stream: Stream) -> None:
        """Forget a stream whose reader has gone."""
        with self._changed:
            self._streams.discard(stream)

    def close(self) -> None:
        """End all streams and the watcher; no stream is opened afterwards."""
        self._closed.set()
        with self._changed:
            streams, self._streams = list(self._streams), set()
            self._changed.notify()
        for stream in streams:
            stream.close()
        if self._watcher is not None:
            self._watcher.join(timeout=5)

    def _watch(self) -> None:
        while not self._closed.is_set():
            seen = self._await_readers()
            try:
                for plan_id in self._plans.wait_for_change(seen, wait=GLANCE) if seen else ():
                    self._ring(plan_id)
            except McoflowError as error:
                log.warning("doorbell.look_failed", extra={"why": str(error)})
                self._closed.wait(PAUSE)

    def _await_readers(self) -> dict[UUID, int]:
        """Return what the streams have seen, the least of each task; wait while there are none."""
        with self._changed:
            self._changed.wait_for(lambda: self._streams or self._closed.is_set(), PAUSE)
            seen: dict[UUID, int] = {}
            for stream in self._streams:
                seen[stream.plan_id] = min(stream.seen, seen.get(stream.plan_id, stream.seen))
            return seen

    def _ring(self, plan_id: UUID) -> None:
        plan = self._plans.show(plan_id)
        ring = Ring(plan.version, plan.state, plan.result, plan.state is PlanState.STOPPED)
        with self._changed:
            streams = [stream for stream in self._streams if stream.plan_id == plan_id]
        for stream in streams:
            stream.ring(ring)
