"""One host with its agent as a process, and the executor's side of the bus in the test's hands."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

from connectors.amqp import AmqpExecutorConnector
from mcoflow.ports.bus import Delivery, Link, LinkReport, Parcel, Replies, Request, Verdict
from mcoflow.wire.envelope import Envelope, decode, encode
from mcoflow.wire.messages import CancelBody, RequestBody, ResultBody
from tests.servers.rabbitmq import RabbitMQ, ended_with_us

T = TypeVar("T")
TOKEN = "x-crashtests01"
WITHIN = 30.0
ROOT = Path(__file__).parents[2]


class Field:
    """What a crash test needs; `close` leaves no process behind."""

    def __init__(self, server: RabbitMQ, path: Path) -> None:
        self._server, self._path = server, path
        self._prefix = server.new_prefix()
        self._changed = threading.Condition()
        self._replies: list[Envelope] = []
        self._links: list[Link] = []
        self._agent: subprocess.Popen[bytes] | None = None
        self.effects = path / "effects"
        install_plugin(self.effects)
        self._bus = AmqpExecutorConnector(server.url, prefix=self._prefix)
        self._bus.open(self._linked)
        self.wait_for(lambda: Link.UP in self._links)
        self._bus.declare_shared()
        self._bus.declare_host("web1", {"main"})
        self._bus.declare_executor(TOKEN)
        self._bus.consume(Replies(TOKEN), self._replied, prefetch=50)

    # -- the agent -------------------------------------------------------------------------------------

    def start_agent(self, faults: str = "", under: Sequence[str] = ()) -> None:
        """Start the agent's process, to be broken at a fault point if one is named; `under` a tracer."""
        environment = {**os.environ, "PYTHONPATH": f"{self.effects}{os.pathsep}{ROOT}"}
        if faults:
            environment |= {"MCOFLOW_FAULTS": faults, "MCOFLOW_TESTING": "1"}
        argv = [sys.executable, "-m", "tests.crash.agent_process", self._server.url, self._prefix]
        self._agent = subprocess.Popen(
            ended_with_us(*under, *argv, str(self._path / "state"), str(self.effects)),
            env=environment,
            cwd="/",
        )

    def await_death(self) -> int:
        """Wait until the agent's process has died; return how."""
        assert self._agent is not None
        return self._agent.wait(WITHIN)

    def kill_agent(self) -> None:
        """Kill -9."""
        assert self._agent is not None
        self._agent.kill()
        self._agent.wait(WITHIN)

    def end_agent(self) -> int:
        """End it as systemd does."""
        assert self._agent is not None
        os.kill(self._agent_pid(), signal.SIGTERM)
        return self._agent.wait(WITHIN)

    def _agent_pid(self) -> int:
        """Return the agent's own pid: its process may be the child of a tracer."""
        return int((self._path / "state" / "lock").read_text())

    # -- messages --------------------------------------------------------------------------------------

    def send(self, operation: str, times: int = 1, **args: Any) -> UUID:
        """Ask for an operation of the test plug-in; its key is the request's id."""
        now, request_id = datetime.now(UTC), uuid4()
        body = RequestBody(
            reply_to=TOKEN,
            agent="effects",
            operation=operation,
            args={"key": str(request_id), **args},
            check=False,
            expires_at=now + timedelta(minutes=5),
            timeout_ms=60_000,
            grace_ms=200,
            caller="tester",
            plan=uuid4(),
            step=1,
            attempt=1,
            journal=None,
            output_cap=1_000,
        )
        envelope = Envelope(id=request_id, request=request_id, host="web1", sent_at=now, body=body)
        for _ in range(times):
            self._publish(envelope)
        return request_id

    def cancel(self, request_id: UUID) -> None:
        """Ask to stop it."""
        body = CancelBody(reply_to=TOKEN, reason="test", force=False)
        now = datetime.now(UTC)
        self._publish(Envelope(id=uuid4(), request=request_id, host="web1", sent_at=now, body=body))

    def results(self, request_id: UUID) -> list[ResultBody]:
        """Return the results so far."""
        bodies = [reply.body for reply in self._replies if reply.request == request_id]
        return [body for body in bodies if isinstance(body, ResultBody)]

    def result(self, request_id: UUID) -> ResultBody:
        """Wait for a result; all further ones must say the same."""
        self.wait_for(lambda: self.results(request_id))
        first, *others = (
            replace(body, repeat=False, agent_time=body.finished_at) for body in self.results(request_id)
        )
        assert all(other == first for other in others)
        return first

    # -- effects ---------------------------------------------------------------------------------------

    def trace(self, request_id: UUID) -> list[str]:
        """Return the events that an operation's executions left on disk."""
        log = self.effects / "log"
        lines = log.read_text().splitlines() if log.exists() else []
        return [line["event"] for line in map(json.loads, lines) if line["key"] == str(request_id)]

    def worker_of(self, request_id: UUID) -> int:
        """Return the pid of the latest execution."""
        lines = map(json.loads, (self.effects / "log").read_text().splitlines())
        return [line["pid"] for line in lines if line["key"] == str(request_id)][-1]

    def await_begin(self, request_id: UUID, times: int = 1) -> None:
        """Wait until so many executions have begun."""
        self.wait_for(lambda: self.trace(request_id).count("begin") >= times)

    def open_gate(self, name: str) -> None:
        """Let the executions that wait for this file go on."""
        (self.effects / name).touch()

    def wait_for(self, look: Callable[[], T]) -> T:
        """Wait until `look` finds something; files are looked at each 20 ms."""
        deadline = datetime.now(UTC) + timedelta(seconds=WITHIN)
        with self._changed:
            while not (found := look()):
                assert datetime.now(UTC) < deadline, "nothing came in time"
                self._changed.wait(0.02)
            return found

    def close(self) -> None:
        """End the agent, and workers that were left behind."""
        if self._agent is not None and self._agent.poll() is None:
            if (self._path / "state" / "lock").exists():
                kill_marked(self._agent_pid(), self._prefix)
            self.kill_agent()
        log = self.effects / "log"
        for line in log.read_text().splitlines() if log.exists() else []:
            kill_marked(json.loads(line)["pid"], str(self._path))
        self._bus.remove_host("web1")
        self._bus.close(wait=timedelta(seconds=1))

    # -- inside ----------------------------------------------------------------------------------------

    def _publish(self, envelope: Envelope) -> None:
        parcel = Parcel(Request("web1"), envelope.kind.value, envelope.id, encode(envelope))
        self._bus.publish([parcel], lambda _parcel, _receipt: None)

    def _linked(self, report: LinkReport) -> None:
        with self._changed:
            self._links.append(report.link)
            self._changed.notify_all()

    def _replied(self, delivery: Delivery) -> None:
        with self._changed:
            self._replies.append(decode(delivery.body))
            self._changed.notify_all()
        self._bus.settle([delivery], Verdict.ACK)


def install_plugin(directory: Path) -> None:
    """Lay out an installed package that offers the agent `effects`."""
    about = directory / "effects_agent-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: effects-agent\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[mcoflow.agents]\neffects = effects_agent:agent\n")
    shutil.copy(Path(__file__).with_name("effects_agent.py"), directory)


def kill_marked(pid: int, mark: str) -> None:
    """Kill a process of this test, if the pid is still one: its command line has the mark."""
    try:
        if mark in Path(f"/proc/{pid}/cmdline").read_text():
            os.kill(pid, signal.SIGKILL)
    except (FileNotFoundError, ProcessLookupError):
        return
