"""Worker pools: threads that run user code, one pool a queue."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Mapping
from typing import Final

from mcoflow.clock import Clock

log = logging.getLogger("mcoflow.workers")
Job = Callable[[], None]
_STOP: Final = None


class Workers:
    """Pools of threads by queue name; a job for an unknown queue goes to `default`, with one warning.

    A job must not raise: it carries its own error boundary.
    """

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self._queues: dict[str, queue.SimpleQueue[Job | None]] = {name: queue.SimpleQueue() for name in sizes}
        self._warned: set[str] = set()
        self._threads = [
            threading.Thread(target=_work, args=(self._queues[name],), name=f"worker-{name}-{n}", daemon=True)
            for name, size in sizes.items()
            for n in range(size)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, queue_name: str, job: Job) -> None:
        """Hand a job to the pool of a queue."""
        jobs = self._queues.get(queue_name)
        if jobs is None:
            if queue_name not in self._warned:
                self._warned.add(queue_name)
                log.warning("queue.unknown", extra={"queue": queue_name})
            jobs = self._queues["default"]
        jobs.put(job)

    def stop(self, *, wait: float, clock: Clock) -> bool:
        """Let running jobs end, for at most `wait` seconds; return whether all did."""
        for jobs in self._queues.values():
            for _ in self._threads:
                jobs.put(_STOP)
        until = clock.monotonic() + wait
        for thread in self._threads:
            thread.join(max(0.0, until - clock.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)


def _work(jobs: queue.SimpleQueue[Job | None]) -> None:
    while (job := jobs.get()) is not _STOP:
        job()
