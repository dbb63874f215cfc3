"""`mcoflow up`: everything in one process, on an SQLite file and a bus in memory."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stories.processes import Deployed, Process, write_settings
from tests.stories.story import DeploymentStory
from tests.waiting import until

"""One deployment for all stories of the file, so one worker tells them."""


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """One `mcoflow up` for all stories of this file."""
    folder = tmp_path_factory.mktemp("embedded")
    settings = write_settings(
        folder / "broker.cfg",
        {
            "server": {"state_dir": folder / "state"},
            "web": {"listen": "127.0.0.1:0"},
            "agent": {"identity": "web1", "facts_dir": folder / "facts.d"},
        },
    )
    with Process(folder, "up", "up", "--simulate", "2", settings=settings) as up:
        found = Deployed(up.facts()["pages"], settings, "web1")
        until(lambda: "web1" in found.online(), "the agent is online", within=30)
        yield found


class TestEmbedded(DeploymentStory):
    """The story of `mcoflow up`."""

    def test_simulated_hosts_are_marked(self, deployed: Deployed) -> None:
        assert "sim-00001 (simulated)" in deployed.mcoflow("host", "list").stdout

    def test_a_second_one_on_the_same_state_is_refused(self, deployed: Deployed) -> None:
        done = deployed.mcoflow("up")

        assert done.returncode == 78
        assert "mcoflow is up already" in done.stderr
        assert "Traceback" not in done.stderr

    @pytest.mark.parametrize("command", ["web", "executor", "agent"])
    def test_other_processes_are_refused_and_told_of_rabbitmq(self, deployed: Deployed, command: str) -> None:
        """B-031: a bus in memory is inside one process."""
        done = deployed.mcoflow(command)

        assert done.returncode == 78
        assert "amqp://" in done.stderr


def test_unfinished_tasks_go_on_after_a_restart(tmp_path: Path) -> None:
    """A task that was made while nobody ran is run by the next one."""
    settings = write_settings(
        tmp_path / "broker.cfg",
        {
            "server": {"state_dir": tmp_path / "state"},
            "web": {"listen": "127.0.0.1:0"},
            "agent": {"identity": "web1", "provider": "fake", "facts_dir": tmp_path / "facts.d"},
        },
    )
    found = Deployed("", settings, "web1")
    with Process(tmp_path, "first", "up", settings=settings) as up:
        up.facts()
        until(lambda: "web1" in found.online(), "the agent is online", within=30)
    made = found.mcoflow("run", "install", "nginx", "--host", "web1")
    assert made.returncode == 0
    assert "no executor is alive" in made.stderr

    with Process(tmp_path, "second", "up", settings=settings) as up:
        up.facts()
        done = found.mcoflow("task", "show", made.stdout.strip(), "--follow")

    assert done.returncode == 0, done.stderr
    assert "Install nginx on web1: success" in done.stdout
