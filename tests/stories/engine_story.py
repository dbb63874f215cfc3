"""The engine on a real bus with simulated hosts: one story, told for each bus. Nothing is ever run."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from uuid import UUID, uuid4

from connectors.choose import agent_connector, executor_connector
from mcoflow.action import Action, Deadlines, HostAction, HostRequest
from mcoflow.actions import Install, InstallAndRestart, Ping, Restart
from mcoflow.agent.settings import AgentSettings
from mcoflow.agent.simulate import SimulatedHosts, Simulation
from mcoflow.clock import SystemClock
from mcoflow.domain.outcome import Outcome
from mcoflow.domain.records import PlanRecord, StepRecord
from mcoflow.domain.requests import CommandKind
from mcoflow.domain.states import Phase, PlanResult, PlanState
from mcoflow.engine.settings import WorldSettings
from mcoflow.engine.world import World
from mcoflow.ports.bus import Link
from mcoflow.ports.bus_settings import BusSettings
from mcoflow.storage.open import open_store
from mcoflow.storage.store import SqlStore
from tests.waiting import quickest, until

CLOCK = SystemClock()


class Impatient(HostAction):
    """Restart a service of a host that has to take the request within a second."""

    name = "story.impatient"

    def request_for_host(self) -> HostRequest:
        deadlines = Deadlines(pickup=timedelta(seconds=1), grace=timedelta(seconds=2))
        return self.request("service", "restart", {"service": "web"}, deadlines=deadlines)


@dataclass
class Scene:
    """A store, a bus, and whoever is on it."""

    directory: Path
    settings: BusSettings
    store: SqlStore
    world: World | None = None
    hosts: list[SimulatedHosts] = field(default_factory=list)

    def start(self) -> World:
        self.world = World(
            self.store,
            executor_connector(self.settings, clock=CLOCK, chance=Random()),
            clock=CLOCK,
            chance=Random(),
            settings=WorldSettings(admit_simulated=True),
        ).start()
        return self.world

    def play_hosts(self, count: int, simulation: Simulation | None = None) -> SimulatedHosts:
        directory = self.directory / "agent"
        directory.mkdir(mode=0o700, exist_ok=True)
        hosts = SimulatedHosts(
            count,
            AgentSettings(identity="sim", state_dir=directory),
            agent_connector(self.settings, clock=CLOCK, chance=Random()),
            simulation or Simulation(),
            clock=CLOCK,
            chance=Random(),
        )
        hosts.start()
        self.hosts.append(hosts)
        return hosts

    def up(self, count: int) -> list[str]:
        """Wait until so many hosts were admitted; return their names."""
        until(lambda: len(self.store.hosts()) >= count, f"{count} hosts", within=30)
        return [host.identity for host in self.store.hosts()]

    def trigger(self, action: type[Action], **fields: object) -> UUID:
        assert self.world is not None
        return self.world.submit(action.name, fields, user="ann").plan_id

    def rest(self, plan_id: UUID) -> PlanRecord:
        def look() -> PlanRecord | None:
            plan = self.store.plan(plan_id)
            return plan if plan.state in (PlanState.PAUSED, PlanState.STOPPED) else None

        plan = until(look, f"plan {plan_id} rests", within=60)
        assert plan is not None
        return plan

    def run_steps(self, plan_id: UUID) -> list[StepRecord]:
        rows = self.store.steps(plan_id, limit=1000)
        return [row.step for row in rows if row.step.phase is Phase.RUN]


@contextmanager
def scene(directory: Path, url: str, prefix: str) -> Iterator[Scene]:
    """Everything is ended at the end."""
    store = open_store(f"sqlite:///{directory}/engine.db", CLOCK)
    played = Scene(directory, BusSettings(url=url, prefix=prefix), store)
    try:
        yield played
    finally:
        for hosts in played.hosts:
            hosts.stop(timedelta(0))
        if played.world is not None:
            played.world.terminate(timeout=timedelta(seconds=10))
        store.close()


class EngineStory:
    """Subclass it and give it a `stage` fixture."""

    def test_fifty_hosts_are_installed_and_restarted(self, stage: Scene) -> None:
        """E-005, E-007, on a real bus: all succeed, each request is executed once."""
        stage.start()
        stage.play_hosts(50)
        hosts = stage.up(50)

        plan = stage.rest(
            stage.trigger(InstallAndRestart, hosts=hosts, packages=["nginx", "php"], services=["web"])
        )

        assert (plan.state, plan.result) == (PlanState.STOPPED, PlanResult.SUCCESS)
        assert plan.simulated
        steps = [step for step in stage.run_steps(plan.id) if step.host and step.outcome]
        assert len(steps) == 150
        assert {step.outcome for step in steps} == {Outcome.OK}
        assert stage.store.open_requests([plan.id]) == []
        assert stage.store.evidence(plan.id) == []

    def test_an_unknown_host_is_an_error_within_a_second(self, stage: Scene) -> None:
        """B-013: no such host within 1 s."""
        world = stage.start()
        until(lambda: world.link().link is Link.UP, "the link")

        def refusing() -> float:
            began = CLOCK.monotonic()
            plan = stage.rest(stage.trigger(Ping, hosts=["web9"]))
            assert plan.explanation == "web9: no agent for web9: no queue is bound"
            return CLOCK.monotonic() - began

        assert quickest(refusing, below=1) < 1

    def test_a_host_that_is_offline_does_not_pick_up(self, stage: Scene) -> None:
        """B-019: its host comes back later, and begins nothing."""
        stage.start()
        first = stage.play_hosts(1)
        (host,) = stage.up(1)
        first.stop(timedelta(0))
        plan_id = stage.trigger(Impatient, host=host)
        until(
            lambda: any(request.cancel for request in stage.store.open_requests([plan_id])),
            "the pickup deadline",
        )
        stage.play_hosts(1)

        assert stage.rest(plan_id).explanation.startswith(f"{host}: not picked up")
        assert [step.outcome for step in stage.run_steps(plan_id)] == [Outcome.NOT_PICKED_UP]

    def test_a_cancel_reaches_what_executes(self, stage: Scene) -> None:
        """E-056: of a host step."""
        world = stage.start()
        stage.play_hosts(1, Simulation(latency=timedelta(hours=1)))
        hosts = stage.up(1)
        plan_id = stage.trigger(Restart, hosts=hosts, service="web")
        until(
            lambda: any(request.executing for request in stage.store.open_requests([plan_id])),
            "it executes",
        )

        world.command(plan_id, CommandKind.CANCEL, {}, actor="bob", wait=timedelta(seconds=10))

        plan = stage.rest(plan_id)
        assert (plan.state, plan.result) == (PlanState.STOPPED, PlanResult.CANCELLED)

    def test_a_new_executor_goes_on_with_what_the_old_one_left(self, stage: Scene) -> None:
        """E-102: the plan is not owned, its replies are read, its requests end."""
        world = stage.start()
        stage.play_hosts(5, Simulation(latency=timedelta(seconds=1)))
        hosts = stage.up(5)
        plan_id = stage.trigger(Install, hosts=hosts, package="nginx")
        until(lambda: len(stage.store.open_requests([plan_id])) == 5, "all are asked")
        world.terminate(timeout=timedelta(seconds=10))

        stage.start()

        plan = stage.rest(plan_id)
        assert plan.result is PlanResult.SUCCESS
        assert {step.attempt for step in stage.run_steps(plan_id)} == {1}


def fresh_prefix() -> str:
    """A prefix that no other world in this process has."""
    return f"engine-{uuid4().hex[:8]}"
