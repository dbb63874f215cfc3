"""Worker pools: threads that run user code, one pool a queue."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Protocol
from uuid import UUID

from mcoflow.clock import Clock

log = logging.getLogger("mcoflow.workers")
Job = Callable[[], None]


class Turns:
    """Jobs that wait: in order within a plan, the plans in turn, so that none waits for all of another."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._jobs: dict[UUID, deque[Job]] = {}  # in the order in which the plans have their turn
        self._closed = False

    def put(self, plan_id: UUID, job: Job) -> None:
        """Add a job."""
        with self._changed:
            self._jobs.setdefault(plan_id, deque()).append(job)
            self._changed.notify()

    def get(self) -> Job | None:
        """Wait for a job and take it out; None when there is none left and no more are waited for."""
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or self._closed)
            if not self._jobs:
                return None
            plan_id = next(iter(self._jobs))
            jobs = self._jobs.pop(plan_id)
            job = jobs.popleft()
            if jobs:
                self._jobs[plan_id] = jobs  # behind all others
            return job

    def close(self) -> None:
        """Wait for no more jobs."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class Pool(Protocol):
    """Where jobs are done. A job must not raise: it carries its own error boundary."""

    def submit(self, queue_name: str, plan_id: UUID, job: Job) -> None:
        """Take a job of a plan; return at once."""

    def stop(self, *, wait: float, clock: Clock) -> bool:
        """Let what was taken end, for at most `wait` seconds; return whether all did."""


class Workers:
    """Pools of threads by queue name; a job for an unknown queue goes to `default`, with one warning."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self._queues = {name: Turns() for name in sizes}
        self._warned: set[str] = set()
        self._threads = [
            threading.Thread(target=_work, args=(self._queues[name],), name=f"worker-{name}-{n}", daemon=True)
            for name, size in sizes.items()
            for n in range(size)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, queue_name: str, plan_id: UUID, job: Job) -> None:
        """Hand a job of a plan to the pool of a queue."""
        jobs = self._queues.get(queue_name)
        if jobs is None:
            if queue_name not in self._warned:
                self._warned.add(queue_name)
                log.warning("queue.unknown", extra={"queue": queue_name})
            jobs = self._queues["default"]
        jobs.put(plan_id, job)

    def stop(self, *, wait: float, clock: Clock) -> bool:
        """Let running jobs end, for at most `wait` seconds; return whether all did."""
        for jobs in self._queues.values():
            jobs.close()
        until = clock.monotonic() + wait
        for thread in self._threads:
            thread.join(max(0.0, until - clock.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)


def _work(jobs: Turns) -> None:
    while (job := jobs.get()) is not None:
        job()
