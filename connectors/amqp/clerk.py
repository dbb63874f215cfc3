"""Asks the broker one thing after another: declare, bind, delete, count."""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TypeVar

from connectors.amqp.failures import Failure
from connectors.amqp.pika_wire import Channel, Wire

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Step:
    """One question. `what` names it for errors, its last word the object."""

    what: str
    ask: Callable[[Channel, Callable[[], None]], None]


@dataclass(slots=True)
class Job:
    """Steps that stop at the first refusal."""

    steps: Sequence[Step]
    done: Callable[[], None]
    failed: Callable[[Failure, str], None]
    at: int = field(default=0)

    @property
    def what(self) -> str:
        """Name the step under way, for errors."""
        return self.steps[min(self.at, len(self.steps) - 1)].what if self.steps else "nothing"

    @classmethod
    def of(cls, future: "Future[_T]", steps: Sequence[Step], result: Callable[[], _T]) -> "Job":
        """Make a job that resolves a future."""
        return cls(
            steps,
            done=lambda: future.set_result(result()),
            failed=lambda failure, what: future.set_exception(failure.error(what)),
        )


class Clerk:
    """Works off jobs on a channel of its own, which the broker closes at each refusal."""

    def __init__(self) -> None:
        self._jobs: deque[Job] = deque()
        self._wire: Wire | None = None
        self._channel: Channel | None = None
        self._opening = self._asking = False

    def link_up(self, wire: Wire) -> None:
        """Work on this connection."""
        self._wire, self._channel, self._opening, self._asking = wire, None, False, False
        self._go_on()

    def link_down(self, why: str) -> None:
        """Fail what waits."""
        self._wire = self._channel = None
        jobs, self._jobs = list(self._jobs), deque()
        for job in jobs:
            job.failed(Failure(0, why), job.what)

    def submit(self, job: Job) -> None:
        """Do it after what was submitted before; fails at once when the link is down."""
        if self._wire is None:
            job.failed(Failure(0, "the link to the broker is down"), job.what)
            return
        self._jobs.append(job)
        self._go_on()

    def _go_on(self) -> None:
        if self._asking or not self._jobs or self._wire is None or not self._wire.is_open:
            return
        if self._channel is None:
            if not self._opening:
                self._opening = True
                wire = self._wire
                wire.channel(self._opened, lambda failure: self._ended(wire, failure))
            return
        job = self._jobs[0]
        if job.at == len(job.steps):
            self._jobs.popleft()
            job.done()
            self._go_on()
            return
        self._asking = True
        job.steps[job.at].ask(self._channel, lambda: self._answered(job))

    def _opened(self, channel: Channel) -> None:
        self._channel, self._opening = channel, False
        self._go_on()

    def _answered(self, job: Job) -> None:
        self._asking = False
        job.at += 1
        self._go_on()

    def _ended(self, wire: Wire, failure: Failure) -> None:
        """The broker refused the step under way, or the connection is going."""
        if wire is not self._wire:
            return
        self._channel, self._opening, self._asking = None, False, False
        if self._jobs:
            job = self._jobs.popleft()
            job.failed(failure, job.what)
        self._go_on()
