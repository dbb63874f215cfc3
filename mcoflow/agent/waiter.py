"""One thread that waits for all workers: it sleeps until the kernel says that one of them ended."""

import logging
import os
import selectors
import threading
from collections.abc import Callable
from typing import Final

log = logging.getLogger(__name__)

_AGAIN: Final = 0.05
"""Seconds between looks at a process group that is being emptied."""

Ended = Callable[[], bool]
"""Called on the waiter's thread when the process has ended; again and again until it returns true."""


class Waiter:
    """Watches processes by pidfd, so those of an earlier agent too, which are no children of this one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._arriving: list[tuple[int, Ended]] = []
        self._bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._thread: threading.Thread | None = None
        self._closing = False

    def watch(self, pidfd: int, ended: Ended) -> None:
        """Call `ended` when the process of this descriptor, which is taken over, has ended."""
        with self._lock:
            if self._closing:
                os.close(pidfd)
                return
            self._arriving.append((pidfd, ended))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="workers", daemon=True)
                self._thread.start()
        os.eventfd_write(self._bell, 1)

    def close(self) -> None:
        """Watch no more; the processes are left alone."""
        with self._lock:
            if self._closing:
                return
            self._closing = True
            thread = self._thread
            os.eventfd_write(self._bell, 1)
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        os.close(self._bell)

    def _run(self) -> None:
        unfinished: list[Ended] = []
        with selectors.DefaultSelector() as selector:
            selector.register(self._bell, selectors.EVENT_READ)
            while not self._closing:
                unfinished += self._sleep(selector, _AGAIN if unfinished else None)
                unfinished = [ended for ended in unfinished if not _call(ended)]
            for descriptor in list(selector.get_map()):
                if isinstance(descriptor, int) and descriptor != self._bell:
                    os.close(descriptor)

    def _sleep(self, selector: selectors.BaseSelector, timeout: float | None) -> list[Ended]:
        """Wait for the next event and return whose process ended."""
        over = []
        for key, _ in selector.select(timeout):
            if key.fd == self._bell:
                os.eventfd_read(self._bell)
                self._take_in(selector)
            else:
                selector.unregister(key.fd)
                os.close(key.fd)
                over.append(key.data)
        return over

    def _take_in(self, selector: selectors.BaseSelector) -> None:
        with self._lock:
            arrived, self._arriving = self._arriving, []
        for pidfd, ended in arrived:
            selector.register(pidfd, selectors.EVENT_READ, ended)


def _call(ended: Ended) -> bool:
    try:
        return ended()
    except Exception:
        log.exception("worker.end_failed")
        return True
