"""Starts executors and agents as processes, kills them, starts them again, and has the checker judge."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from connectors.choose import executor_connector
from mcoflow.clock import SystemClock
from mcoflow.domain.records import PlanRecord
from mcoflow.domain.states import PlanState
from mcoflow.errors import BusUnavailableError
from mcoflow.ports.bus import HostRequests, Link, LinkReport, Replies, Shared
from mcoflow.ports.bus_settings import BusSettings
from mcoflow.storage.open import open_store
from tests.crash.field import ROOT, install_plugin, kill_marked
from tests.servers.rabbitmq import ended_with_us
from tests.waiting import until

WITHIN = 60.0  # under the 90 s after which a server asks for a reply that was lost
ACTIONS = ("crash.effect",)
IDEMPOTENT = ("again",)


class Server:
    """An executor's process. What is asked of it is None if it died before it answered."""

    def __init__(self, settings: Mapping[str, Any], environment: Mapping[str, str], errors: Path) -> None:
        argv = [sys.executable, "-m", "tests.crash.server_process", json.dumps(settings)]
        with errors.open("ab") as log:
            self._process = subprocess.Popen(
                ended_with_us(*argv),
                env=environment,
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def ready(self) -> bool:
        """Wait until it takes commands; False if it died before."""
        return self._answer() == "ready"

    def submit(self, action: str, *, plan_id: UUID | None = None, **fields: Any) -> UUID | None:
        """Plan an action and return the id of its plan."""
        answer = self._ask("submit", f"crash.{action}", fields, str(plan_id) if plan_id else None)
        return None if answer is None else UUID(answer)

    def plan_elsewhere(self, action: str, *, plan_id: UUID, **fields: Any) -> None:
        """Have an action planned by whichever executor is there; it may die before it answers."""
        self._ask("plan_elsewhere", f"crash.{action}", fields, str(plan_id))

    def cancel(self, plan_id: UUID) -> list[int] | None:
        """Cancel a plan and return the steps that were told."""
        return self._ask("cancel", str(plan_id))

    @property
    def pid(self) -> int:
        """Its process id, as in the row of its world."""
        return self._process.pid

    def await_death(self) -> int:
        """Wait until it has died; return how."""
        return self._process.wait(WITHIN)

    def kill(self) -> None:
        """Kill -9."""
        self._process.kill()
        self._process.wait(WITHIN)
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(BrokenPipeError):  # a command may be left in the buffer
                pipe.close()

    def end(self) -> None:
        """Let it end in good order."""
        self._process.stdin.close()
        assert self._process.wait(WITHIN) == 0
        self._process.stdout.close()

    def freeze(self) -> None:
        """Stop it where it is."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on as if nothing had been."""
        self._process.send_signal(signal.SIGCONT)

    def _ask(self, *words: Any) -> Any:
        method, *arguments = words
        try:
            self._process.stdin.write(json.dumps([method, arguments]) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return None
        return self._answer()

    def _answer(self) -> Any:
        answered, _, _ = select.select([self._process.stdout], [], [], WITHIN)
        assert answered, "the executor neither answers nor dies"
        line = self._process.stdout.readline()
        return json.loads(line) if line else None


class Supervisor:
    """One database, one prefix of names on a broker, agents, and executors one after another.

    `path` must be empty. `hosts` get their queues at once; with memory:// the agent of the first one lives
    in the executor's process.
    """

    def __init__(self, path: Path, url: str, prefix: str, database: str, hosts: Collection[str]) -> None:
        self.path, self.hosts, self._url, self._prefix = path, tuple(hosts), url, prefix
        self._database = database
        self._callers = path / "callers"
        self._callers.touch()
        self.effects = path / "effects"
        install_plugin(self.effects)
        self.store = open_store(database, SystemClock())
        self._servers: list[Server] = []
        self._agents: dict[str, subprocess.Popen[bytes]] = {}
        self._embedded = url.startswith("memory")
        self._links: list[Link] = []
        if not self._embedded:
            self._bus = executor_connector(BusSettings(url=url, prefix=prefix))
            self._bus.open(self._linked)
            until(lambda: Link.UP in self._links, "the link")
            self._bus.declare_shared()
            for host in self.hosts:
                self._bus.declare_host(host, {"main"})

    def _linked(self, report: LinkReport) -> None:
        self._links.append(report.link)

    # -- processes -------------------------------------------------------------------------------------------

    def start_server(
        self, faults: str = "", *, database: str = "", heartbeat: float = 10.0, lease: float = 3.0
    ) -> Server:
        """Start an executor, to be broken at a fault point if one is named; then it is ready, or died.

        `heartbeat` is that of its connection, `lease` how long it counts as alive unless it is proven dead.
        """
        agent = None
        if self._embedded:
            agent = {"identity": self.hosts[0], "state_dir": self._state(self.hosts[0])}
            agent["effects"] = str(self.effects)
        settings = {"url": self._url, "prefix": self._prefix, "agent": agent}
        settings |= {"database": database or self._database, "heartbeat": heartbeat, "lease": lease}
        server = Server(settings, self._environment(faults), self.path / "server.log")
        self._servers.append(server)
        alive = server.ready()
        assert alive or faults, (self.path / "server.log").read_text()[-4000:]
        if alive and self._embedded:
            until(self.store.hosts, "the first word of the agent")
        return server

    def start_agent(self, host: str, faults: str = "") -> subprocess.Popen[bytes]:
        """Start the agent of a host."""
        argv = [sys.executable, "-m", "tests.crash.agent_process", self._url, self._prefix]
        argv += [self._state(host), str(self.effects), host]
        agent = subprocess.Popen(ended_with_us(*argv), env=self._environment(faults), cwd=ROOT)
        self._agents[host] = agent
        return agent

    def kill_agent(self, host: str) -> None:
        """Kill -9; its workers live on."""
        self._agents[host].kill()
        self._agents[host].wait(WITHIN)

    def kill_servers(self) -> None:
        """Kill the executors that still live."""
        while self._servers:
            self._servers.pop().kill()

    def close(self) -> None:
        """Leave no process behind."""
        for agent in self._agents.values():
            agent.kill()
            agent.wait()
        self.kill_servers()
        for line in self.trace():
            if "request" in line:
                kill_marked(line["pid"], line["request"])
        self.store.close()
        if not self._embedded:
            for host in self.hosts:
                self._bus.remove_host(host)
            self._bus.close(wait=timedelta(seconds=1))

    # -- plans -----------------------------------------------------------------------------------------------

    def give(self, plan_id: UUID | None) -> None:
        """Note that a caller was given this id."""
        if plan_id is not None:
            with self._callers.open("a") as log:
                log.write(json.dumps({"plan": str(plan_id)}) + "\n")

    def await_rest(self, plan_id: UUID, within: float = WITHIN) -> PlanRecord:
        """Wait until a plan is stopped or paused, and return it."""

        def at_rest() -> PlanRecord | None:
            plan = self.store.plan(plan_id)
            return plan if plan.state in (PlanState.STOPPED, PlanState.PAUSED) else None

        try:
            return until(at_rest, f"the end of plan {plan_id}", within=within)
        except AssertionError as error:
            stands = [
                self.store.plan(plan_id),
                *self.store.steps(plan_id),
                *self.store.open_requests([plan_id]),
                *self.store.events([plan_id]),
                *self.store.timers([plan_id]),
                *self.store.worlds(),
            ]
            raise AssertionError("\n".join(map(repr, [error, *stands]))) from None

    def await_step(self, plan_id: UUID, state: str) -> None:
        """Wait until a step of the plan is in this state."""
        until(lambda: self.store.plan(plan_id).counts.get(state), f"a {state} step", within=WITHIN)

    # -- effects ---------------------------------------------------------------------------------------------

    def trace(self, plan_id: UUID | None = None) -> list[dict[str, Any]]:
        """Return what operations, and local steps, have left on disk; of one plan, if it is named."""
        log = self.effects / "log"
        lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return [line for line in lines if plan_id is None or line["key"].startswith(str(plan_id))]

    def events(self, plan_id: UUID) -> list[str]:
        """Return the begins and ends of the operations of a plan."""
        return [line["event"] for line in self.trace(plan_id)]

    def await_begin(self, plan_id: UUID, times: int = 1) -> None:
        """Wait until so many executions have begun for a plan."""
        until(lambda: self.events(plan_id).count("begin") >= times, "the begin of the work", within=WITHIN)

    def open_gate(self, name: str) -> None:
        """Let the executions that wait for this file go on."""
        (self.effects / name).touch()

    # -- the checker -----------------------------------------------------------------------------------------

    def check(self) -> str:
        """Wait until the queues are empty, and have the checker find nothing; return what it says."""
        if not self._embedded:
            until(self._drained, "empty queues", within=WITHIN)
        case = self.path / "case"
        case.write_text(json.dumps(self._case()))
        argv = [sys.executable, "-m", "tests.crash.checker", str(case)]
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=WITHIN)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _case(self) -> dict[str, Any]:
        journals = [Path(self._state(host), "journal.db") for host in self.hosts]
        return {
            "callers": str(self._callers),
            "database": self._database,
            "journals": [str(path) for path in journals if path.exists()],
            "effects": [str(self.effects / "log")],
            "actions": ACTIONS,
            "idempotent": IDEMPOTENT,
            "queues": {} if self._embedded else self._depths(),
        }

    def _depths(self) -> dict[str, int]:
        sources = [HostRequests(host) for host in self.hosts]
        sources += [Shared.PLANS, Shared.DEAD, Shared.STRAY]
        sources += [Replies(world.token) for world in self.store.worlds()]
        counts = {str(source): self._bus.census(source) for source in sources}
        return {name: count.messages for name, count in counts.items() if count is not None}

    def _drained(self) -> bool:
        try:
            return not any(self._depths().values())
        except BusUnavailableError:  # the broker was just started
            return False

    # -- inside ----------------------------------------------------------------------------------------------

    def _state(self, host: str) -> str:
        return str(self.path / f"state-{host}")

    def _environment(self, faults: str) -> dict[str, str]:
        path = f"{self.effects}{os.pathsep}{ROOT}"
        environment = {**os.environ, "PYTHONPATH": path, "EFFECTS_DIR": str(self.effects)}
        if faults:
            environment |= {"MCOFLOW_FAULTS": faults, "MCOFLOW_TESTING": "1"}
        return environment
