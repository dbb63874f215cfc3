"""Web, executor and agents as processes of their own, over RabbitMQ and PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.postgresql import PostgreSQL
from tests.servers.rabbitmq import RabbitMQ
from tests.stories.processes import Deployed, Process, all_of, write_settings
from tests.stories.story import DeploymentStory
from tests.waiting import until

"""One deployment for all stories of the file, so one worker tells them."""
PICKUP = 8


class Site:
    """The settings of one installation: one file for the servers, one for each host."""

    def __init__(self, folder: Path, bus: str, prefix: str, database: str) -> None:
        self.folder = folder
        self._broker = {"url": bus, "prefix": prefix}
        self.server = write_settings(
            folder / "broker.cfg",
            {
                "broker": self._broker,
                "server": {
                    "state_dir": folder / "server",
                    "database": database,
                    "pickup_deadline": f"{PICKUP} s",
                },
                "web": {"listen": "127.0.0.1:0"},
                "agent": {"identity": "web1"},  # the doctor looks for it
            },
        )

    def host(self, name: str, provider: str) -> Path:
        return write_settings(
            self.folder / f"{name}.cfg",
            {
                "broker": self._broker,
                "server": {"state_dir": self.folder / name},
                "agent": {
                    "identity": name,
                    "provider": provider,
                    "facts_dir": self.folder / "facts.d",
                },
            },
        )


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, rabbitmq: RabbitMQ, postgresql: PostgreSQL
) -> Iterator[Site]:
    rabbitmq.start()
    folder = tmp_path_factory.mktemp("site")
    with postgresql.database() as database:
        yield Site(folder, rabbitmq.url, rabbitmq.new_prefix(), database)


@pytest.fixture(scope="module")
def deployed(site: Site) -> Iterator[Deployed]:
    """One executor, one web process and the agent web1 for all stories of this file."""
    executor = Process(site.folder, "executor", "executor", settings=site.server)
    web = Process(site.folder, "web", "web", settings=site.server)
    agent = Process(site.folder, "web1", "agent", settings=site.host("web1", "pyinfra"))
    with all_of(executor, web, agent):
        executor.facts()
        found = Deployed(web.facts()["pages"], site.server, "web1")
        agent.facts()
        until(lambda: "web1" in found.online(), "the agent is online", within=30)
        yield found


class TestSeparateProcesses(DeploymentStory):
    """The story of `mcoflow executor`, `mcoflow web` and `mcoflow agent`."""

    def test_an_offline_host_is_not_picked_up_at_the_deadline(self, deployed: Deployed, site: Site) -> None:
        """A host that was there, and is not when the request comes; it has 5 s of grace."""
        with Process(site.folder, "web2", "agent", settings=site.host("web2", "fake")) as agent:
            agent.facts()
            until(lambda: "web2" in deployed.online(), "the agent is online", within=30)

        done = deployed.mcoflow("run", "install", "nginx", "--host", "web2", "--wait")

        assert done.returncode == 1
        assert "not picked up" in done.stdout

    def test_simulated_hosts_are_not_let_in_unless_the_settings_say_so(
        self, deployed: Deployed, site: Site
    ) -> None:
        settings = site.host("sim", "fake")
        with Process(site.folder, "sim", "agent", "--simulate", "1", settings=settings) as agent:
            agent.facts()
            done = deployed.mcoflow("ping", "sim-00001")

        assert done.returncode == 3
        assert "sim-00001" not in deployed.mcoflow("host", "list").stdout

    def test_the_agent_says_what_it_needs(self, deployed: Deployed, site: Site) -> None:
        done = Deployed("", site.host("web1", "pyinfra"), "web1").mcoflow("agent", "--check")

        assert "✓ broker" in done.stdout
        assert "✓ plug-ins" in done.stdout
