"""Time in the hands of a test."""

import threading
from datetime import UTC, datetime, timedelta

from mcoflow.clock import SystemClock


class ManagedClock(SystemClock):
    """Wall time stands still until it is advanced; durations run, so that threads can wait for each other."""

    def __init__(self) -> None:
        self._now = datetime(2026, 11, 21, 5, 0, tzinfo=UTC)
        self._lock = threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            return self._now

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._now += timedelta(seconds=seconds)
