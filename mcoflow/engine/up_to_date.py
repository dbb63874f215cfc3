"""How far what hosts say has been read: nobody is given up whose word waits in a queue."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Final

from mcoflow.clock import Clock
from mcoflow.errors import BusError, StoreError
from mcoflow.ports.bus import Source

log = logging.getLogger("mcoflow.replies")

BETWEEN_LOOKS: Final = 0.2
"""Seconds between two looks at the queues, while something waits for what they hold."""
Waiting = Mapping[Source, int]
"""How many messages wait in each queue that is read here."""


class UpToDate:
    """Tells up to when everything was handed over that hosts had said.

    `want` asks for it; then `on_read` is called with a time, after all that was in the queues at that time.
    Each was found empty since then, or as many messages have come from it as were counted and may have been
    under way: a broker counts only what it has not sent, `prefetch` others at the most are sent and not here.
    Nothing is counted unless it is wanted and a queue was found not to be empty.
    """

    def __init__(
        self, count: Callable[[], Waiting], clock: Clock, on_read: Callable[[float], None], *, prefetch: int
    ) -> None:
        self._prefetch = prefetch
        self._count = count
        self._clock = clock
        self._on_read = on_read
        self._wanted = threading.Event()
        self._lock = threading.Lock()
        self._left: dict[Source, int] = {}
        self._counted_at = 0.0

    def want(self) -> None:
        """Have it told, for now or a later moment; from any thread, never blocks."""
        self._wanted.set()

    def serve(self, stopping: threading.Event) -> None:
        """Look whenever that is wanted; for a thread of its own. To end it: set `stopping`, then `want`."""
        while not stopping.is_set():
            self._wanted.wait()
            if not stopping.is_set():
                self.look()
                stopping.wait(BETWEEN_LOOKS)

    def look(self) -> bool:
        """Count what waits, if that is wanted; return whether nothing does, which is told."""
        if not self._wanted.is_set():
            return False
        self._wanted.clear()
        at = self._clock.now().timestamp()
        try:
            waiting = {source: count for source, count in self._count().items() if count}
        except (BusError, StoreError) as error:
            log.info("replies.not_counted", extra={"reason": str(error)})
            self._wanted.set()
            return False
        if waiting:
            self._await(waiting, at)
            return False
        self.forget()
        self._on_read(at)
        return True

    def _await(self, waiting: Mapping[Source, int], at: float) -> None:
        with self._lock:
            if self._left:
                for source in self._left.keys() - waiting.keys():
                    del self._left[source]
            else:
                self._left = {source: count + self._prefetch for source, count in waiting.items()}
                self._counted_at = at
            done = not self._left
        self._wanted.set()  # what was counted may also have gone another way
        if done:
            self._on_read(self._counted_at)

    def heard(self, source: Source) -> None:
        """Note that a message of this queue was handed over."""
        if self._left:
            self._heard(source)

    def _heard(self, source: Source) -> None:
        with self._lock:
            if source not in self._left:
                return
            self._left[source] -= 1
            if self._left[source]:
                return
            del self._left[source]
            done = not self._left
        if done:
            self._on_read(self._counted_at)

    def forget(self) -> None:
        """Count no more: the link was lost, and what was handed over may come once more."""
        with self._lock:
            self._left.clear()
