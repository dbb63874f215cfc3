"""A thread that looks into the database once a second, as long as somebody waits for something there."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from mcoflow.errors import StoreUnavailableError

log = logging.getLogger("mcoflow.futures")

POLL: Final = 1.0
"""Seconds between two looks into the database for what other executors may bring about."""


class Poller:
    """Starts its thread when it is woken, and ends it when nobody waits any more.

    `waits` tells whether somebody does; `look` may find the database away.
    """

    def __init__(self, name: str, *, waits: Callable[[], bool], look: Callable[[], None]) -> None:
        self._name = name
        self._waits = waits
        self._look = look
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Look from now on; called after somebody began to wait."""
        with self._lock:
            if self._thread is None and not self._ending.is_set():
                self._thread = threading.Thread(target=self._poll, name=self._name, daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._ending.set()

    def _poll(self) -> None:
        while not self._ending.wait(POLL):
            with self._lock:
                if not self._waits():
                    self._thread = None
                    return
            try:
                self._look()
            except StoreUnavailableError as error:
                log.info("futures.without_store", extra={"reason": str(error)})
