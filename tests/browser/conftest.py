"""The real server with simulated hosts, for a real browser."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from mcoflow.agent.simulate import Simulation
from mcoflow.domain.recurrence import Recurrence
from mcoflow.domain.schedule import Schedule
from tests.servers.house import House
from tests.waiting import until
from webui.server import WebServer


@dataclass
class Site:
    """Pages at `url`, over a house."""

    house: House
    url: str

    def task(self, action: str, **arguments: object) -> UUID:
        """Start a task."""
        return self.house.services.plans.submit(action, arguments, user="anna").plan_id

    def frozen(self) -> UUID:
        """A task that does not start; something comes back beside it."""
        schedules = self.house.services.schedules
        if not schedules.recurrences():
            nightly = Recurrence("30 4 * * 1-5", timezone="Europe/Vienna", purpose="heartbeat")
            schedules.recur("ping", {"hosts": ["sim-00001"]}, recurrence=nightly, user="anna")
        return schedules.submit("ping", {"hosts": ["sim-00001"]}, schedule=Schedule(frozen=True), user="anna")

    def at_rest(self, action: str, **arguments: object) -> UUID:
        """Start a task and wait until it is at rest."""
        plan_id = self.task(action, **arguments)
        until(lambda: self.house.services.plans.show(plan_id).at_rest, "the end of the task", within=20)
        return plan_id


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Six simulated hosts that take about half a second for everything."""
    root: Path = tmp_path_factory.mktemp("site")
    simulation = Simulation(latency=timedelta(milliseconds=500))
    with (
        House(root, hosts=6, simulation=simulation) as house,
        WebServer(house.services, house.settings) as server,
    ):
        yield Site(house, server.url)
