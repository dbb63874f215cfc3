"""The connector's own thread: closures in by a deque with one wake-up for many, everything else inside."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from typing import Final, TypeVar

from connectors.amqp.pika_wire import Loop
from mcoflow.errors import BusUnavailableError, ConfigurationError

log = logging.getLogger(__name__)
_T = TypeVar("_T")


class IoThread:
    """Runs the loop of all connections of one connector."""

    def __init__(self, name: str) -> None:
        self.loop: Final = Loop()
        self._inbox: deque[Callable[[], None]] = deque()
        self._after: list[Callable[[], None]] = []
        self._woken = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self, after_each_batch: list[Callable[[], None]]) -> None:
        """Start; the calls given run after each batch of closures, to send what those gathered."""
        self._after = after_each_batch
        self._thread.start()

    @property
    def is_current(self) -> bool:
        """Whether the caller runs on this thread."""
        return threading.current_thread() is self._thread

    def post(self, call: Callable[[], None]) -> None:
        """Run `call` on the thread, in order, as soon as possible; from any thread."""
        self._inbox.append(call)
        if not self._woken:
            self._woken = True
            self.loop.call_soon_threadsafe(self._drain)

    def call(self, start: Callable[["Future[_T]"], None], what: str, *, timeout: timedelta) -> _T:
        """Run `start` on the thread and wait until it has resolved the future it is given.

        Raises what the future raises; BusUnavailableError after `timeout`.
        """
        if self.is_current:
            raise ConfigurationError(
                f"{what} waits for the broker: never call it from a connector's callback"
            )
        if not self._thread.is_alive():
            raise BusUnavailableError(
                f"{what}: the connector is not open; call open() first, and not after close()"
            )
        future: Future[_T] = Future()
        self.post(lambda: start(future))
        try:
            return future.result(timeout.total_seconds())
        except TimeoutError:
            raise BusUnavailableError(
                f"{what}: no answer in {timeout.total_seconds():g} s; it may be done all the same, try again"
            ) from None

    def later(self, seconds: float, call: Callable[[], None]) -> object:
        """Run `call` on the thread after a while. Only for the thread itself."""
        return self.loop.call_later(seconds, lambda: self._guarded(call))

    def stop(self, wait: timedelta) -> None:
        """End the loop and wait for the thread."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(wait.total_seconds())

    def _run(self) -> None:
        try:
            self.loop.run()
        except Exception:
            log.exception("bus.thread_died")
            raise

    def _drain(self) -> None:
        self._woken = False  # first: what is posted from now on wakes again
        inbox = self._inbox
        for _ in range(len(inbox)):
            self._guarded(inbox.popleft())
        for call in self._after:
            self._guarded(call)
        if inbox and not self._woken:
            self._woken = True
            self.loop.call_soon_threadsafe(self._drain)

    def _guarded(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception:
            log.exception("bus.callback_failed")  # one bad callback must not end the thread of all
