"""Cleaning old plans away now and then, on a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Final

log = logging.getLogger("mcoflow.sweeper")
STOP_WITHIN: Final = 5.0
"""Seconds that the end of a world waits for a batch under way; what it saved and did not remove is there."""


class Sweeper:
    """Calls `sweep` every so often until `ending` is set; what goes wrong is tried again the next time."""

    def __init__(self, sweep: Callable[[], object], *, every: timedelta, ending: threading.Event) -> None:
        self._sweep = sweep
        self._every = every.total_seconds()
        self._ending = ending
        self._thread = threading.Thread(target=self._loop, name="sweeper", daemon=True)

    def start(self) -> None:
        """Begin; the first sweep comes after the first pause."""
        self._thread.start()

    def stop(self) -> None:
        """Wait for the end, which was announced."""
        if self._thread.is_alive():
            self._thread.join(STOP_WITHIN)

    def _loop(self) -> None:
        while not self._ending.wait(self._every):
            try:
                self._sweep()
            except Exception:  # the database may be away, or the disk full: the next time it is not
                log.exception("sweep.failed")
