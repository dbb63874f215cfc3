"""The daemon's one thread: calls from elsewhere, calls due at a time, and a turn after each bunch of them."""

import heapq
import itertools
import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from mcoflow.clock import Clock

log = logging.getLogger(__name__)

Call = Callable[..., None]


class Loop:
    """Runs calls on one thread. While a turn commits, the next calls gather: busier is cheaper.

    An exception nobody expected ends the thread and is kept in `error`: the journal knows how to go on
    from any instant, a half-done turn does not.
    """

    def __init__(self, clock: Clock, turn: Callable[[], None], close: Callable[[], None]) -> None:
        """Take what ends each bunch of calls, and what is done last of all, also after an error."""
        self._clock = clock
        self._turn = turn
        self._close = close
        self._inbox: deque[tuple[Call, tuple[Any, ...]]] = deque()
        self._timers: list[tuple[float, int, Call, tuple[Any, ...]]] = []
        self._order = itertools.count()
        self._awake = threading.Event()
        self._ending = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mcoflow-agent", daemon=True)
        self.error: BaseException | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def post(self, call: Call, *args: Any) -> None:
        """Have it called soon on the loop's thread; from any thread, in order."""
        self._inbox.append((call, args))
        if not self._awake.is_set():
            self._awake.set()

    def later(self, seconds: float, call: Call, *args: Any) -> None:
        """Have it called after `seconds`; only from the loop's thread, or before it starts."""
        heapq.heappush(self._timers, (self._clock.monotonic() + seconds, next(self._order), call, args))

    def end(self) -> None:
        """Take one last turn, then let the thread end; from any thread."""
        self.post(self._mark_ending)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the thread has ended; True if it has."""
        return self._ended.wait(seconds)

    def _mark_ending(self) -> None:
        self._ending = True

    def _run(self) -> None:
        try:
            while not self._ending:
                self._awake.wait(self._pause())
                self._awake.clear()
                self._run_due()
                for _ in range(len(self._inbox)):
                    call, args = self._inbox.popleft()
                    call(*args)
                self._turn()
        except BaseException as error:  # the outer edge: `wait` of the daemon raises it
            log.critical("agent.broken", exc_info=error)
            self.error = error
        finally:
            try:
                self._close()
            finally:
                self._ended.set()

    def _pause(self) -> float | None:
        if self._inbox:
            return 0
        return max(0.0, self._timers[0][0] - self._clock.monotonic()) if self._timers else None

    def _run_due(self) -> None:
        now = self._clock.monotonic()
        while self._timers and self._timers[0][0] <= now:
            _, _, call, args = heapq.heappop(self._timers)
            call(*args)
