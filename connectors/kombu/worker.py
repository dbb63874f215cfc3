"""A connector's own thread: closures in, in order; asleep while there are none."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from datetime import timedelta

log = logging.getLogger(__name__)


class Worker:
    """Runs what is posted until it is stopped."""

    def __init__(self, name: str) -> None:
        self._inbox: deque[Callable[[], None]] = deque()
        self._bell = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin, with what was posted before."""
        self._thread.start()

    def post(self, call: Callable[[], None]) -> None:
        """Run `call` on the thread, in order; from any thread."""
        self._inbox.append(call)
        if not self._bell.is_set():
            self._bell.set()

    def stop(self, wait: timedelta) -> None:
        """Run what was posted so far, then end; waits for the thread unless called on it."""
        self.post(self._end)
        if threading.current_thread() is not self._thread:
            self._thread.join(wait.total_seconds())

    def _end(self) -> None:
        self._stopping = True

    def _run(self) -> None:
        inbox = self._inbox
        while not self._stopping:
            self._bell.wait()
            self._bell.clear()  # first: what is posted from now on rings again
            while inbox and not self._stopping:
                self._guarded(inbox.popleft())

    @staticmethod
    def _guarded(call: Callable[[], None]) -> None:
        try:
            call()
        except Exception:
            log.exception("bus.callback_failed")  # one bad callback must not end the thread of all
