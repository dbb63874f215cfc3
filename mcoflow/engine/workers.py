"""Worker pools: threads that run user code, one pool a queue."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol
from uuid import UUID

from mcoflow.clock import Clock
from mcoflow.ports.measures import QUEUE_JOBS, WORKERS, WORKERS_BUSY, Key

log = logging.getLogger("mcoflow.workers")
Job = Callable[[], None]


class Turns:
    """Jobs that wait: in order within a plan, the plans in turn, so that none waits for all of another.

    `waiting` counts the jobs, `idle` the threads that wait for one.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._jobs: dict[UUID, deque[Job]] = {}  # in the order in which the plans have their turn
        self._closed = False
        self.waiting = self.idle = 0

    def put(self, plan_id: UUID, job: Job) -> None:
        """Add a job."""
        with self._changed:
            self._jobs.setdefault(plan_id, deque()).append(job)
            self.waiting += 1
            self._changed.notify()

    def get(self, served: UUID | None = None) -> tuple[UUID, Job] | None:
        """Wait for a job and take it out; None when there is none left and no more are waited for.

        `served`: the plan whose job has just ended. Its turn is over only now, so that a plan that came
        meanwhile has waited for one job and waits for no second one.
        """
        with self._changed:
            if served in self._jobs:
                self._jobs[served] = self._jobs.pop(served)
            self.idle += 1
            self._changed.wait_for(lambda: self._jobs or self._closed)
            self.idle -= 1
            if not self._jobs:
                return None
            plan_id = next(iter(self._jobs))
            jobs = self._jobs.pop(plan_id)
            job = jobs.popleft()
            self.waiting -= 1
            if jobs:
                self._jobs[plan_id] = jobs  # behind all others
            return plan_id, job

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

    def waits(self) -> Iterable[tuple[str, float]]:
        """The queue and the seconds that each job begun since the last call had waited, if they are kept."""

    def gauges(self) -> list[tuple[Key, float]]:
        """How many threads there are, are busy, and how many jobs wait, by queue."""


class Workers:
    """Pools of threads by queue name; a job for an unknown queue goes to `default`, with one warning.

    With a clock it is kept how long jobs wait, until waits() takes it.
    """

    def __init__(self, sizes: Mapping[str, int], clock: Clock | None = None) -> None:
        self._sizes = dict(sizes)
        self._clock = clock
        self._waits: deque[tuple[str, float]] = deque()
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
            queue_name, jobs = "default", self._queues["default"]
        jobs.put(plan_id, job if self._clock is None else self._timed(queue_name, job, self._clock))

    def waits(self) -> Iterable[tuple[str, float]]:
        """See Pool.waits."""
        return [self._waits.popleft() for _ in range(len(self._waits))]

    def gauges(self) -> list[tuple[Key, float]]:
        """See Pool.gauges."""
        found: list[tuple[Key, float]] = []
        for name, size in self._sizes.items():
            jobs = self._queues[name]
            found += [((WORKERS, name), size), ((WORKERS_BUSY, name), size - jobs.idle)]
            found.append(((QUEUE_JOBS, name), jobs.waiting))
        return found

    def stop(self, *, wait: float, clock: Clock) -> bool:
        """Let running jobs end, for at most `wait` seconds; return whether all did."""
        for jobs in self._queues.values():
            jobs.close()
        until = clock.monotonic() + wait
        for thread in self._threads:
            thread.join(max(0.0, until - clock.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _timed(self, queue_name: str, job: Job, clock: Clock) -> Job:
        submitted = clock.monotonic()

        def timed() -> None:
            self._waits.append((queue_name, clock.monotonic() - submitted))
            job()

        return timed


def _work(jobs: Turns) -> None:
    served: UUID | None = None
    while (found := jobs.get(served)) is not None:
        served, job = found
        job()
