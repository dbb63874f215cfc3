"""Hosts that are only played: many in one process, with the full protocol, and nothing is ever run.

Source: the project's bus specification, 5.10.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import Final
from uuid import UUID

from mcoflow.agent.catalogue import LoadedCatalogue
from mcoflow.agent.daemon import AgentDaemon
from mcoflow.agent.entry import Host
from mcoflow.agent.execution import Done, Job, OnDone, RefusedError, WorkerIdentity
from mcoflow.agent.printed import Print
from mcoflow.agent.providers.fake import fake_execute, fake_facts
from mcoflow.agent.settings import AgentSettings
from mcoflow.agent.spool import RecentSpools
from mcoflow.clock import Clock
from mcoflow.errors import ConfigError, OperationFailedError
from mcoflow.ports.bus import AgentConnector
from mcoflow.wire.codec import JsonObject
from mcoflow.wire.kinds import Outcome, Stream

MOST: Final = 20_000
OFFERED: Final = ("host", "package", "service")

Later = Callable[[float, Callable[[], None]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """How the hosts behave. Shares are from 0 to 1; equal seeds play alike.

    latency: mean duration of an execution. fail: share of executions that fail. silent: share of hosts
    that take requests and never say a word but presence. offline: share of hosts that are not there.
    """

    seed: int = 0
    latency: timedelta = timedelta(0)
    fail: float = 0.0
    silent: float = 0.0
    offline: float = 0.0


class SimulatedHosts:
    """The hosts sim-00001 and so on; started and stopped like an AgentDaemon, whose journal they share."""

    def __init__(
        self,
        count: int,
        settings: AgentSettings,
        connector: AgentConnector,
        simulation: Simulation,
        *,
        clock: Clock,
        chance: Random,
    ) -> None:
        """Play `count` hosts, 1 to 20,000; the identity of the settings is not used."""
        if not 1 <= count <= MOST:
            raise ConfigError(f"{count} hosts cannot be simulated: 1 to {MOST} in one process")
        hosts = cast(count, settings, simulation)
        self._daemon = AgentDaemon(
            settings,
            connector,
            LoadedCatalogue(OFFERED),
            PlayedExecution(simulation, self._later, clock),
            {host.identity: PlayedFacts(simulation.seed, host.identity) for host in hosts},
            clock=clock,
            chance=chance,
            hosts=hosts,
            spools=RecentSpools(),
        )

    def start(self) -> None:
        """See AgentDaemon.start."""
        self._daemon.start()

    def stop(self, drain: timedelta | None = None) -> None:
        """See AgentDaemon.stop."""
        self._daemon.stop(drain)

    def wait(self, wait: timedelta | None = None) -> bool:
        """See AgentDaemon.wait."""
        return self._daemon.wait(wait)

    def reload(self) -> None:
        """See AgentDaemon.reload."""
        self._daemon.reload()

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        self._daemon.later(seconds, call)


class PlayedFacts:
    """The facts of a host that does not exist; they never change."""

    def __init__(self, seed: int, identity: str) -> None:
        self._seed = f"{seed} {identity}"

    def read(self) -> JsonObject:
        """Draw them."""
        return fake_facts(Random(self._seed))  # noqa: S311 - play

    def changed(self) -> bool:
        """Tell that they are as before."""
        return False


class PlayedExecution:
    """Ends each job after a drawn time with drawn values; starts no process and keeps nothing."""

    def __init__(self, simulation: Simulation, later: Later, clock: Clock) -> None:
        self._simulation = simulation
        self._chance = Random(simulation.seed)  # noqa: S311 - play
        self._later = later
        self._clock = clock
        self._printed: dict[UUID, PlayedOutput] = {}

    def prepare(self, job: Job, on_done: OnDone) -> "PlayedRun":
        """Make an execution that ends when its time is over."""
        mean = self._simulation.latency.total_seconds()
        seconds = self._chance.uniform(0.5, 1.5) * mean if mean else 0.0
        lines: list[str] = []
        outcome = self._outcome(job, seconds, lines.append)
        if lines:
            self._printed[job.request_id] = PlayedOutput(lines, seconds, job.output_cap, self._clock)
        return PlayedRun(outcome, seconds, on_done, self._later)

    def adopt(self, worker: WorkerIdentity, job: Job, on_done: OnDone) -> None:
        """Find nothing: there never was a process."""

    def printed(self, job: Job) -> "PlayedOutput | None":
        """Play what was drawn with the outcome."""
        return self._printed.get(job.request_id)

    def read_result(self, job: Job) -> None:
        """Find nothing: there never was a file."""

    def discard(self, job: Job) -> None:
        """Forget what it printed."""
        self._printed.pop(job.request_id, None)

    def close(self) -> None:
        """Nothing is open."""

    def _outcome(self, job: Job, seconds: float, say: Callable[[str], None]) -> Done:
        started = self._clock.now()
        done = Done(
            outcome=Outcome.OK,
            started_at=started,
            finished_at=started + timedelta(seconds=seconds),
            duration_ms=round(seconds * 1000),
        )
        if self._chance.random() < self._simulation.fail:
            say(f"{job.operation}: a simulated failure")
            return replace(
                done, outcome=Outcome.FAILED, reason="exit", exit_code=1, message="a simulated failure"
            )
        try:
            values = fake_execute(job.operation, job.args, job.check, self._chance, say)
        except (OperationFailedError, RefusedError) as error:
            return replace(done, outcome=Outcome.FAILED, reason="refused", message=str(error))
        return replace(done, values=values, changed=values.get("changed"), exit_code=values.get("exit_code"))


class PlayedOutput:
    """Lines that come one after the other during an execution; the last when it has ended."""

    def __init__(self, lines: Sequence[str], seconds: float, cap: int, clock: Clock) -> None:
        text = b"".join(line.encode() + b"\n" for line in lines)
        self.total = len(text)
        self._text = text[: cap // 2]
        self._taken = 0
        self._clock = clock
        self._pace = len(self._text) / seconds if seconds else math.inf
        self._start = clock.monotonic()

    def take(self, most: int, least: int) -> Sequence[Print]:
        """Return whole lines whose time has come."""
        passed = (self._clock.monotonic() - self._start) * self._pace
        due = len(self._text) if passed >= len(self._text) else self._text.rfind(b"\n", 0, int(passed)) + 1
        return self._until(min(due, self._taken + most)) if due - self._taken >= least else ()

    def tail(self) -> Sequence[Print]:
        """Return the lines that it was too quick for."""
        return self._until(len(self._text))

    def _until(self, end: int) -> Sequence[Print]:
        start, self._taken = self._taken, max(end, self._taken)
        now = self._clock.now().timestamp()
        return (Print(Stream.STDOUT, start, now, self._text[start:end]),) if end > start else ()


class PlayedRun:
    """One execution that is only played."""

    identity = None

    def __init__(self, done: Done, seconds: float, on_done: OnDone, later: Later) -> None:
        self._done = done
        self._seconds = seconds
        self._on_done = on_done
        self._later = later
        self._over = False

    def begin(self) -> None:
        """Let the time run."""
        if self._seconds:
            self._later(self._seconds, self._end)
        else:
            self._end()

    def abandon(self) -> None:
        """Never end."""
        self._over = True

    def terminate(self) -> None:
        """End at once."""
        self.kill()

    def kill(self) -> None:
        """End at once."""
        self._done = replace(self._done, outcome=Outcome.KILLED, values={}, changed=None, exit_code=None)
        self._end()

    def _end(self) -> None:
        if not self._over:
            self._over = True
            self._on_done(self._done)


def cast(count: int, settings: AgentSettings, simulation: Simulation) -> list[Host]:
    """Return the hosts that play; those that are offline are left out."""
    chance = Random(simulation.seed)  # noqa: S311 - play
    numbers = range(1, count + 1)
    offline = set(chance.sample(numbers, round(count * simulation.offline)))
    here = [number for number in numbers if number not in offline]
    silent = set(chance.sample(here, round(len(here) * simulation.silent)))
    return [
        Host(
            identity=f"sim-{number:05}",
            collectives=settings.collectives,
            parallel=settings.parallel,
            max_waiting=settings.max_waiting,
            simulated=True,
            silent=number in silent,
        )
        for number in here
    ]
