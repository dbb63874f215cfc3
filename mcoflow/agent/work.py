"""The execution side of the agent: each job in a fresh process of its own group, watched by one thread."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from mcoflow.agent.catalogue import LoadedCatalogue
from mcoflow.agent.execution import Done, Job, OnDone, Running, WorkerIdentity
from mcoflow.agent.facts import Facts
from mcoflow.agent.here import FailedStart, Own, RunHere
from mcoflow.agent.init_system import InitSystem
from mcoflow.agent.ledger import Ledger
from mcoflow.agent.own_processes import WORKER
from mcoflow.agent.printed import Prints
from mcoflow.agent.processes import identity_of
from mcoflow.agent.running import Worker, wait_for_begin
from mcoflow.agent.waiter import Waiter
from mcoflow.agent.worker_files import STDERR, Order, read_result, write_order
from mcoflow.clock import Clock

ENVIRONMENT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LC_ALL": "C.UTF-8",
        "HOME": "/",
        "TERM": "dumb",
        "DEBIAN_FRONTEND": "noninteractive",
        "APT_LISTCHANGES_FRONTEND": "none",
        "NEEDRESTART_MODE": "l",
        "UCF_FORCE_CONFFOLD": "1",
    }
)
"""All that a worker and its tools inherit; messages in English, for they are read by programs too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """How workers do their work. `lock_timeout`: seconds to wait for the package manager's lock."""

    provider: str
    init: InitSystem
    facts_dir: Path
    lock_timeout: float = 60.0
    environment: Mapping[str, str] = field(default_factory=lambda: ENVIRONMENT)


class SubprocessExecution:
    """Runs jobs in worker processes; operations that are declared `here`, and end at once, in this one."""

    def __init__(
        self,
        catalogue: LoadedCatalogue,
        settings: WorkerSettings,
        facts: Facts,
        clock: Clock,
        ledger: Ledger | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._settings = settings
        self._own = Own(catalogue, facts, ledger or Ledger())
        self._clock = clock
        self._waiter = Waiter()

    def prepare(self, job: Job, on_done: OnDone) -> Running:
        """Start a process that waits for `begin`; what goes wrong is said by `on_done` after `begin`."""
        agent, _, name = job.operation.partition(".")
        declared = self._catalogue.declared(agent, name)
        if declared.here:
            return RunHere(declared, job, on_done, self._own, self._clock)
        try:
            write_order(job.directory, self._order(job))
            process = self._spawn(job.directory)
        except OSError as error:
            return FailedStart(error, on_done, self._clock)
        identity = identity_of(process.pid)
        return Worker(
            job, on_done, identity=identity, process=process, waiter=self._waiter, clock=self._clock
        )

    def adopt(self, worker: WorkerIdentity, job: Job, on_done: OnDone) -> Running | None:
        """Take over a living worker of an earlier agent process; None if it is gone or another one.

        One that was not told to begin sees its input closed and ends; it is waited for, some seconds at most.
        """
        if identity_of(worker.pid) != worker or not wait_for_begin(worker, job.directory, self._clock):
            return None
        adopted = Worker(job, on_done, identity=worker, process=None, waiter=self._waiter, clock=self._clock)
        adopted.watch()
        return adopted

    def printed(self, job: Job) -> Prints | None:
        """Read the files that this run's worker writes; operations that run here have none."""
        agent, _, name = job.operation.partition(".")
        if self._catalogue.declared(agent, name).here:
            return None
        return Prints(job.directory, job.run)

    def read_result(self, job: Job) -> Done | None:
        """Return what the worker of this job's run left in its result file; None if there is none."""
        return read_result(job.directory, job.run)

    def discard(self, job: Job) -> None:
        """Remove the job's directory: its end is in the journal."""
        shutil.rmtree(job.directory, ignore_errors=True)

    def close(self) -> None:
        """End the watching thread; running jobs are left alone, to be adopted later."""
        self._waiter.close()

    def _order(self, job: Job) -> Order:
        return Order(
            operation=job.operation,
            args=job.args,
            check=job.check,
            host=job.host,
            run=job.run,
            output_cap=job.output_cap,
            provider=self._settings.provider,
            init=self._settings.init,
            facts_dir=self._settings.facts_dir,
            lock_timeout=self._settings.lock_timeout,
            policy=self._catalogue.policy,
        )

    def _spawn(self, directory: Path) -> subprocess.Popen[bytes]:
        with (directory / STDERR).open("wb") as errors:
            return subprocess.Popen(  # noqa: S603  our own module, by an argv list
                [sys.executable, "-P", "-u", "-m", WORKER, str(directory)],
                stdin=subprocess.PIPE,
                stdout=errors,
                stderr=errors,
                cwd="/",
                umask=0o077,
                env=dict(self._settings.environment),
                start_new_session=True,
                close_fds=True,
                bufsize=0,
            )
