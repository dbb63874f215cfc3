"""Waiting for a task that nobody moves: who is away is said at once, and the waiting has an end."""

import json
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from mcoflow.agent.simulate import Simulation
from mcoflow.bootstrap import client, embedded
from mcoflow.cli.exit_codes import ExitCode
from mcoflow.cli.serve import WATCHABLE
from mcoflow.config import load_config
from tests.servers.need import free_port
from tests.stories.processes import MCOFLOW, Process, write_settings
from tests.unit.cli.conftest import settings_in
from tests.waiting import until


def mcoflow(settings: Path, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [MCOFLOW, *words, "--config", str(settings)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """A mcoflow that was started once."""
    settings = settings_in(tmp_path)
    assert mcoflow(settings, "db", "upgrade").returncode == 0
    return settings


def test_when_the_one_process_was_killed_it_is_said_at_once(tmp_path: Path, settings: Path) -> None:
    """Its lease has not run out yet, but nobody else can run anything."""
    up = Process(tmp_path, "up", "up", settings=settings)
    up.facts()
    assert mcoflow(settings, "doctor").stdout.count("✗ process") == 0

    up.kill()

    waited = mcoflow(settings, "run", "ping", "--host", "web1", "--wait", "--timeout", "1")
    assert waited.returncode == ExitCode.UNFINISHED
    assert f"no executor is alive (the last, pid {up.started.pid} on " in waited.stderr
    assert "the task is stored and runs when `mcoflow up`" in waited.stderr.splitlines()[0]
    assert waited.stderr.splitlines()[-1].startswith("mcoflow: task ")
    examined = mcoflow(settings, "doctor", "--output", "json")
    process = next(each for each in json.loads(examined.stdout) if each["what"] == "process")
    assert examined.returncode == ExitCode.FAILED
    assert f"pid {up.started.pid}" in process["found"]


def test_a_broker_that_is_away_is_named_with_what_will_happen(tmp_path: Path, settings: Path) -> None:
    port = free_port()
    away = write_settings(
        tmp_path / "away.cfg",
        {
            "broker": {"url": f"amqp://mco:s3cret@127.0.0.1:{port}/"},
            "server": {"state_dir": tmp_path / "state"},
        },
    )

    waited = mcoflow(away, "run", "ping", "--host", "web1", "--wait", "--timeout", "0.5")

    assert waited.returncode == ExitCode.UNFINISHED
    assert f"the broker cannot be reached from here (127.0.0.1:{port}: Connection refused)" in waited.stderr
    assert "requests are stored and go out when it is back" in waited.stderr
    assert "no executor is alive" in waited.stderr
    assert "s3cret" not in waited.stderr


def test_a_task_can_be_followed_for_a_while(settings: Path) -> None:
    task = mcoflow(settings, "run", "ping", "--host", "web1").stdout.strip()

    waited = mcoflow(settings, "task", "show", task, "--follow", "--timeout", "0.2")

    assert waited.returncode == ExitCode.UNFINISHED
    assert f"task {task} is still" in waited.stderr


def test_simulated_hosts_take_their_time_so_that_one_can_watch(tmp_path: Path) -> None:
    config = load_config(settings_in(tmp_path), {})
    simulation = Simulation(latency=timedelta(seconds=0.4))

    with embedded(config, simulate=1, simulation=simulation), client(config) as services:
        until(lambda: len(services.hosts.list().items) == 2, "the hosts are there")
        order = {"hosts": ["sim-00001"], "package": "nginx"}
        task = services.plans.submit("install", order, user="ann").plan_id
        ended = services.plans.await_end(task, within=timedelta(seconds=20))

    assert ended.duration is not None
    assert ended.duration >= timedelta(seconds=0.2)
    assert 1 <= WATCHABLE <= 2


def test_where_nobody_can_ask_hosts_it_is_said_at_once(settings: Path) -> None:
    for words in (("ping",), ("find", "all", "--live")):
        refused = mcoflow(settings, *words)
        assert refused.returncode == ExitCode.UNAVAILABLE
        assert "no executor is alive, so nobody can ask hosts" in refused.stderr
