"""Runs single jobs on the real execution side, and plug-ins made for a test."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from mcoflow.agent.catalogue import LoadedCatalogue
from mcoflow.agent.execution import Done, Job, Running
from mcoflow.agent.facts import Facts
from mcoflow.agent.init_system import find_init
from mcoflow.agent.policy_file import PolicyFile
from mcoflow.agent.work import ENVIRONMENT, SubprocessExecution, WorkerSettings
from mcoflow.clock import SystemClock

PATIENCE = 120.0


def install_plugin(site: Path, name: str, source: str) -> None:
    """Put a module and its entry point where an installed package would put them."""
    site.mkdir(exist_ok=True)
    (site / f"{name}_plugin.py").write_text(source)
    described = site / f"{name}_plugin-1.dist-info"
    described.mkdir()
    (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-plugin\nVersion: 1\n")
    (described / "entry_points.txt").write_text(f"[mcoflow.agents]\n{name} = {name}_plugin:agent\n")


@dataclass
class Started:
    """A job that was begun."""

    job: Job
    running: Running = field(init=False)
    ends: list[Done] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def done(self, end: Done) -> None:
        self.ends.append(end)
        self.ended.set()

    def wait(self) -> Done:
        """Wait for the end, which comes exactly once."""
        assert self.ended.wait(PATIENCE), "the job did not end"
        assert len(self.ends) == 1
        return self.ends[0]


class Bench:
    """An execution side with its jobs in `folder`."""

    def __init__(
        self,
        folder: Path,
        agents: Sequence[str],
        *,
        site: Path | None = None,
        environment: dict[str, str] | None = None,
        provider: str = "pyinfra",
        lock_timeout: float = 60.0,
        policy: str = "",
    ) -> None:
        extra = {"PYTHONPATH": str(site)} if site else {}
        settings = WorkerSettings(
            provider=provider,
            init=find_init(),
            facts_dir=folder / "facts.d",
            lock_timeout=lock_timeout,
            environment={**ENVIRONMENT, **extra, **(environment or {})},
        )
        facts = Facts(folder / "facts.d", {})
        self.folder = folder
        self.catalogue = LoadedCatalogue(agents, PolicyFile(_policy(folder, policy)))
        self.execution = SubprocessExecution(self.catalogue, settings, facts, SystemClock())

    def job(self, operation: str, *, check: bool = False, **args: Any) -> Job:
        identity = uuid4()
        return Job(
            request_id=identity,
            host="web1",
            operation=operation,
            args=args,
            check=check,
            timeout=timedelta(minutes=5),
            directory=self.folder / "jobs" / str(identity),
        )

    def prepare(self, operation: str, *, check: bool = False, **args: Any) -> Started:
        job = self.job(operation, check=check, **args)
        started = Started(job)
        started.running = self.execution.prepare(job, started.done)
        return started

    def start(self, operation: str, *, check: bool = False, **args: Any) -> Started:
        started = self.prepare(operation, check=check, **args)
        started.running.begin()
        return started

    def run(self, operation: str, *, check: bool = False, **args: Any) -> Done:
        started = self.start(operation, check=check, **args)
        end = started.wait()
        self.execution.discard(started.job)
        assert not started.job.directory.exists()
        return end


def _policy(folder: Path, text: str) -> Path:
    path = folder / "policy.toml"
    path.write_text(text)
    path.chmod(0o600)
    return path


@contextmanager
def bench(folder: Path, agents: Sequence[str], **options: Any) -> Iterator[Bench]:
    """Make a bench and close it."""
    made = Bench(folder, agents, **options)
    try:
        yield made
    finally:
        made.execution.close()
