"""A whole mcoflow in one process, with simulated hosts, for tests that look at it from outside."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Self
from uuid import uuid4

import mcoflow.actions  # noqa: F401 - registers the shipped actions
from connectors.choose import agent_connector, executor_connector
from mcoflow.action.registry import REGISTERED
from mcoflow.agent.settings import AgentSettings
from mcoflow.agent.simulate import SimulatedHosts, Simulation
from mcoflow.clock import SystemClock
from mcoflow.engine.settings import WorldSettings
from mcoflow.engine.world import World
from mcoflow.ports.bus_settings import BusSettings
from mcoflow.services import Services, build_services
from mcoflow.storage import SqlStore, open_store
from mcoflow.telemetry import BacklogGauges, Prometheus
from tests.waiting import until
from webui.settings import WebSettings


@dataclass
class House:
    """Store, executor, bus and hosts `sim-00001` … of one process. A context manager.

    With `hosts=0` there is an executor but nobody answers: plans stay as they are.
    """

    root: Path
    hosts: int = 0
    simulation: Simulation = field(default_factory=Simulation)
    pickup: timedelta = timedelta(minutes=10)

    def __enter__(self) -> Self:
        clock, chance = SystemClock(), Random(1)
        bus = BusSettings(url="memory://", prefix=f"t-{uuid4().hex[:12]}")
        self.store: SqlStore = open_store(f"sqlite:///{self.root}/mcoflow.db", clock)
        metrics = Prometheus(REGISTERED.knows)
        metrics.watch(BacklogGauges(self.store, clock))
        self.world = World(
            self.store,
            executor_connector(bus, clock=clock, chance=chance),
            clock=clock,
            chance=chance,
            settings=WorldSettings(admit_simulated=True, pickup=self.pickup),
            observer=metrics,
        ).start()
        metrics.watch(self.world.gauges)
        self._fleet: SimulatedHosts | None = None
        if self.hosts:
            agent = AgentSettings(identity="sim", state_dir=self.root / "agent")
            agent.state_dir.mkdir(mode=0o700)
            self._fleet = SimulatedHosts(
                self.hosts,
                agent,
                agent_connector(bus, clock=clock, chance=chance),
                self.simulation,
                clock=clock,
                chance=chance,
            )
            self._fleet.start()
        self.services: Services = build_services(self.world, self.store, clock, metrics)
        self.settings = WebSettings(secret_key=b"k" * 32, port=0)
        until(lambda: self.world.executors_alive() == 1, "an executor")
        until(lambda: len(self.store.hosts()) >= self.hosts, "the hosts")
        return self

    def __exit__(self, *_: object) -> None:
        if self._fleet is not None:
            self._fleet.stop(timedelta(0))
        self.world.terminate(timeout=timedelta(seconds=5))
        self.store.close()
