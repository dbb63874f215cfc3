"""An agent daemon with a bus, a clock and executions in the test's hands."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict

from mcoflow.agent.daemon import AgentDaemon
from mcoflow.agent.execution import Done, Job, OnDone, Operation, Printed, RefusedError, WorkerIdentity
from mcoflow.agent.policy import Policy
from mcoflow.agent.settings import AgentSettings
from mcoflow.clock import SystemClock
from mcoflow.wire.codec import JsonObject
from mcoflow.wire.envelope import Envelope
from mcoflow.wire.kinds import Outcome, Refusal
from mcoflow.wire.messages import Body, RequestBody
from tests.unit.agent.fake_bus import WITHIN, FakeBus

TOKEN = "x-executor0001"
OTHER_TOKEN = "x-executor0002"


class Text(BaseModel):
    """What the test operations take."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: str = ""


def operation(name: str, **changes: Any) -> Operation:
    """Declare a test operation; `slow` and `once` differ in idempotence only."""
    usual = Operation(
        agent="try",
        name=name,
        summary="a test",
        input_model=Text,
        output_model=Text,
        timeout=timedelta(minutes=1),
        max_timeout=timedelta(hours=1),
        idempotent=True,
        changes=True,
        check=False,
        interruptible=True,
    )
    return replace(usual, **changes)


OPERATIONS = (
    operation("free"),
    operation("once", idempotent=False),
    operation("locked", lock=lambda _args: "package"),
    operation("stubborn", interruptible=False),
)


class TestCatalogue:
    """Offers the agent `try`."""

    def find(self, agent: str, name: str) -> Operation:
        if agent != "try":
            raise RefusedError(Refusal.UNKNOWN_AGENT, f"no agent {agent}")
        for found in OPERATIONS:
            if found.name == name:
                return found
        raise RefusedError(Refusal.UNKNOWN_OPERATION, f"no operation {name}")

    def operations(self) -> Sequence[Operation]:
        return OPERATIONS

    def broken(self) -> Sequence[str]:
        return ()

    def permit(self, operation: Operation, args: JsonObject) -> None:
        operation.permit(args, Policy())

    def reload(self) -> None:
        """Has no policy."""


@dataclass(eq=False)
class FakeRun:
    """One execution, which ends when the test says so."""

    bus: FakeBus
    job: Job
    on_done: OnDone
    identity: WorkerIdentity | None = field(default_factory=lambda: WorkerIdentity(4711, 99, "boot"))
    begun: bool = False
    terminated: bool = False
    killed: bool = False
    heeds_term: bool = True

    def begin(self) -> None:
        with self.bus.changed:
            self.begun = True
            self.bus.changed.notify_all()

    def abandon(self) -> None:
        self.killed = True

    def terminate(self) -> None:
        self.terminated = True
        if self.heeds_term:
            self.end(Outcome.KILLED)

    def kill(self) -> None:
        self.killed = True
        self.end(Outcome.KILLED)

    def end(self, outcome: Outcome = Outcome.OK, **values: Any) -> None:
        self.on_done(done(outcome, **values))


def done(outcome: Outcome = Outcome.OK, **values: Any) -> Done:
    now = datetime.now(UTC)
    return Done(outcome=outcome, started_at=now, finished_at=now, duration_ms=1, values=values)


class FakeExecution:
    """Keeps the executions for the test; `alive` and `left` are what an earlier agent left behind."""

    def __init__(self, bus: FakeBus) -> None:
        self._bus = bus
        self.runs: list[FakeRun] = []
        self.alive: set[WorkerIdentity] = set()
        self.left: dict[UUID, Done] = {}
        self.discarded: list[Job] = []
        self.prints: dict[UUID, Printed] = {}

    def prepare(self, job: Job, on_done: OnDone) -> FakeRun:
        return self._keep(FakeRun(self._bus, job, on_done))

    def adopt(self, worker: WorkerIdentity, job: Job, on_done: OnDone) -> FakeRun | None:
        return self._keep(FakeRun(self._bus, job, on_done, worker)) if worker in self.alive else None

    def printed(self, job: Job) -> Printed | None:
        return self.prints.get(job.request_id)

    def read_result(self, job: Job) -> Done | None:
        return self.left.get(job.request_id)

    def discard(self, job: Job) -> None:
        self.discarded.append(job)

    def close(self) -> None:
        with self._bus.changed:
            self._bus.changed.notify_all()

    def of(self, request: UUID) -> list[FakeRun]:
        return [run for run in self.runs if run.job.request_id == request]

    def _keep(self, run: FakeRun) -> FakeRun:
        with self._bus.changed:
            self.runs.append(run)
            self._bus.changed.notify_all()
        return run


class FewFacts:
    """Tells one fact."""

    def __init__(self) -> None:
        self.facts: dict[str, Any] = {"os": {"name": "test"}}
        self.error: Exception | None = None

    def read(self) -> dict[str, Any]:
        if self.error is not None:
            raise self.error
        return self.facts

    def changed(self) -> bool:
        return False


class ShiftedClock(SystemClock):
    """The machine's clock, put forward by the test."""

    shift = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.shift


class AgentWorld:
    """The daemon of host web1, and what the test does to it."""

    def __init__(self, path: Path, **settings: Any) -> None:
        self.settings = AgentSettings(identity="web1", state_dir=path / "state", **settings)
        self.bus = FakeBus()
        self.clock = ShiftedClock()
        self.facts = FewFacts()
        self.execution = FakeExecution(self.bus)
        self.daemon = self._new_daemon()

    def start(self) -> "AgentWorld":
        self.daemon.start()
        self.bus.wait_for(self.presences)
        return self

    def end(self) -> None:
        """End the daemon as TERM with no patience does."""
        self.daemon.stop(timedelta(0))
        assert self.daemon.wait(timedelta(seconds=WITHIN))

    def crash(self, path: Path) -> "AgentWorld":
        """Return an agent that finds the files as they are now: those of one killed at this instant."""
        shutil.copytree(self.settings.state_dir, path / "state")
        heir = AgentWorld(path)
        self.bus.release()
        self.end()
        return heir

    def presences(self) -> list[Any]:
        return [e.body for e in self.bus.replies(None, "presence")]

    def request(self, name: str = "free", *, deliver: bool = True, **changes: Any) -> Envelope:
        """Send a request, and return it."""
        envelope = request(name, **changes)
        if deliver:
            self.bus.deliver(envelope)
        return envelope

    def say(self, about: UUID | None, body: Body) -> None:
        """Send another message."""
        self.bus.deliver(message(about, body))

    def begun(self, request: Envelope, nth: int = 1) -> FakeRun:
        """Wait until the n-th execution of a request has begun."""
        return self.bus.wait_for(
            lambda: [run for run in self.execution.of(request.id)[nth - 1 :] if run.begun]
        )[0]

    def result(self, request: Envelope, nth: int = 1) -> Any:
        """Wait for the n-th result."""
        return self.bus.reply(request.id, "result", nth)

    def _new_daemon(self) -> AgentDaemon:
        return AgentDaemon(
            self.settings,
            self.bus,
            TestCatalogue(),
            self.execution,
            {"web1": self.facts},
            clock=self.clock,
            chance=Random(),
        )


def request(name: str = "free", **changes: Any) -> Envelope:
    now = datetime.now(UTC).replace(microsecond=0)
    request_id = changes.pop("id", None) or uuid4()
    outer = {key: changes.pop(key) for key in ("host", "collective", "must") if key in changes}
    body = RequestBody(
        reply_to=TOKEN,
        agent="try",
        operation=name,
        args={},
        check=False,
        expires_at=now + timedelta(minutes=10),
        timeout_ms=60_000,
        grace_ms=1_000,
        caller="tester",
        plan=uuid4(),
        step=1,
        attempt=1,
        journal=None,
        output_cap=1_000,
    )
    envelope = Envelope(
        id=request_id, request=request_id, host="web1", sent_at=now, body=replace(body, **changes)
    )
    return replace(envelope, **outer)


def message(about: UUID | None, body: Body) -> Envelope:
    now = datetime.now(UTC).replace(microsecond=0)
    return Envelope(id=uuid4(), request=about, host="web1", sent_at=now, body=body)
