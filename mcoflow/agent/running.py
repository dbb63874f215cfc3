"""One worker process as the agent sees it, from its start to the account of its end."""

import contextlib
import os
import select
import signal
import subprocess
import threading
from pathlib import Path
from typing import Final

from mcoflow.agent.execution import Done, Job, OnDone, WorkerIdentity
from mcoflow.agent.output import readable, tail_of
from mcoflow.agent.printed import Prints
from mcoflow.agent.processes import group_is_empty, identity_of
from mcoflow.agent.waiter import Waiter
from mcoflow.agent.worker_files import BEGUN, GO, STDERR, read_result
from mcoflow.clock import Clock
from mcoflow.wire.kinds import TAIL_LIMIT, Outcome

_PATIENCE: Final = 10.0
"""Seconds in which a worker that was left behind has begun or ended."""


class Worker:
    """A worker process. `process` is None if it is the child of an earlier agent process."""

    def __init__(
        self,
        job: Job,
        on_done: OnDone,
        *,
        identity: WorkerIdentity | None,
        process: subprocess.Popen[bytes] | None,
        waiter: Waiter,
        clock: Clock,
    ) -> None:
        self._job = job
        self._on_done: OnDone | None = on_done
        self._identity = identity
        self._process = process
        self._waiter = waiter
        self._clock = clock
        self._started_at, self._start = clock.now(), clock.monotonic()
        self._killer: signal.Signals | None = None
        self._reaping = threading.Lock()
        self._over = False

    @property
    def identity(self) -> WorkerIdentity | None:
        """The process, for the journal."""
        return self._identity

    def begin(self) -> None:
        """Let the prepared process perform the operation."""
        self._started_at, self._start = self._clock.now(), self._clock.monotonic()
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # it died already: the waiter will say so
                self._process.stdin.write(GO)
            self._process.stdin.close()
        self.watch()

    def abandon(self) -> None:
        """End a prepared process that shall not begin; `on_done` is not called."""
        self._on_done = None
        self.kill()
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        self.watch()

    def terminate(self) -> None:
        """Ask the whole process group to end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the whole process group; `on_done` follows when it is empty."""
        self._signal(signal.SIGKILL)

    def watch(self) -> None:
        """Have the end noticed."""
        if self._identity is None:  # so short a life that it was over before it could be looked at
            self._account()
            return
        try:
            self._waiter.watch(os.pidfd_open(self._identity.pid), self._ended)
        except ProcessLookupError:
            self._account()

    def _signal(self, number: signal.Signals) -> None:
        """Signal the group: its number is not used again while its leader is not reaped."""
        with self._reaping:
            if self._identity is None or self._over or self._killer is signal.SIGKILL:
                return
            self._killer = number
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._identity.pid, number)

    def _ended(self) -> bool:
        """Account for the end; after a signal not before the group is empty."""
        if self._killer and self._identity and not group_is_empty(self._identity.pid):
            return False
        self._account()
        return True

    def _account(self) -> None:
        with self._reaping:
            self._over = True
            code = self._process.wait() if self._process is not None else None
        on_done, self._on_done = self._on_done, None
        if on_done is not None:
            on_done(read_result(self._job.directory, self._job.run) or self._without_result(code))

    def _without_result(self, code: int | None) -> Done:
        killed = self._killer is not None
        tail, total = self._printed()
        return Done(
            outcome=Outcome.KILLED if killed else Outcome.FAILED,
            reason=None if killed else "worker_died",
            message="" if killed else self._how_it_died(code),
            started_at=self._started_at,
            finished_at=self._clock.now(),
            duration_ms=round((self._clock.monotonic() - self._start) * 1000),
            signal=-code if code is not None and code < 0 else None,
            tail=tail_of(readable(tail), TAIL_LIMIT),
            output_bytes=total,
        )

    def _printed(self) -> tuple[bytes, int]:
        """Return the last bytes it printed, and how many there were."""
        prints = Prints(self._job.directory, self._job.run)
        found = [*prints.take(self._job.output_cap, 1), *prints.tail()]
        return b"".join(each.data for each in found), prints.total

    def _how_it_died(self, code: int | None) -> str:
        said = tail_of(readable(_content(self._job.directory / STDERR)), 2_000).strip()
        how = "" if code is None else f" with signal {-code}" if code < 0 else f" with exit code {code}"
        return f"the worker process ended{how} and left no result" + (f": {said}" if said else "")


def wait_for_begin(worker: WorkerIdentity, directory: Path, clock: Clock) -> bool:
    """Whether a living worker was told to begin; one that was not sees its input closed, and ends."""
    try:
        pidfd = os.pidfd_open(worker.pid)
    except ProcessLookupError:
        return False
    try:
        deadline = clock.monotonic() + _PATIENCE
        while identity_of(worker.pid) == worker and clock.monotonic() < deadline:
            if (directory / BEGUN).exists():
                return True
            select.select([pidfd], [], [], 0.02)
        return False
    finally:
        os.close(pidfd)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(TAIL_LIMIT * 8)
    except OSError:
        return b""
