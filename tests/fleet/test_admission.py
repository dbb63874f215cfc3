"""A real server that lets hosts in only when a person says so, and an agent that has no rights of its own."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.rabbitmq import RabbitMQ
from tests.stories.processes import Deployed, Process, write_settings
from tests.waiting import until

HOST = "web1"


@pytest.fixture
def deployed(rabbitmq: RabbitMQ, tmp_path: Path) -> Iterator[Deployed]:
    """An executor with `admission = approve`, and one agent, whose user may declare nothing."""
    rabbitmq.start()
    prefix = rabbitmq.new_prefix()
    agent_url = rabbitmq.add_user(f"{prefix}-agent", "s", write=f"^{prefix}[.]", read=f"^{prefix}[.]")
    server = write_settings(
        tmp_path / "broker.cfg",
        {
            "broker": {"url": rabbitmq.url, "prefix": prefix},
            "server": {"state_dir": tmp_path / "server", "admission": "approve"},
        },
    )
    host = write_settings(
        tmp_path / "web1.cfg",
        {
            "broker": {"url": agent_url, "prefix": prefix},
            "agent": {
                "identity": HOST,
                "state_dir": tmp_path / "agent",
                "provider": "fake",
                "presence_interval": "1 s",
            },
        },
    )
    with Process(tmp_path, "executor", "executor", settings=server) as executor:
        executor.facts()
        with Process(tmp_path, HOST, "agent", settings=host) as agent:
            agent.facts()
            yield Deployed("", server, HOST)


def presence(deployed: Deployed) -> str:
    listed = json.loads(deployed.mcoflow("host", "list", "--output", "json").stdout)
    return listed[0]["presence"] if listed else ""


def install(deployed: Deployed) -> tuple[int, str]:
    done = deployed.mcoflow("run", "install", "nginx", "--host", HOST, "--wait")
    return done.returncode, done.stdout + done.stderr


def test_a_host_works_from_when_it_is_admitted_until_it_is_removed(deployed: Deployed) -> None:
    """B-012: no queue before, none after; the agent needs no configure right."""
    until(lambda: presence(deployed) == "pending", "it is heard of", within=30)
    code, words = install(deployed)
    assert code == 1
    assert "no such host" in words
    assert "mcoflow host admit web1" in words
    assert deployed.mcoflow("find", "all").returncode == 3

    assert deployed.mcoflow("host", "admit", HOST).returncode == 0
    until(lambda: deployed.mcoflow("ping", HOST).returncode == 0, "it is in", within=60)
    assert install(deployed)[0] == 0

    assert deployed.mcoflow("host", "remove", HOST).returncode == 0
    until(lambda: presence(deployed) == "pending", "it is out", within=30)
    code, words = install(deployed)
    assert (code, "no such host" in words) == (1, True)


def test_a_host_that_nobody_heard_of_cannot_be_admitted(deployed: Deployed) -> None:
    done = deployed.mcoflow("host", "admit", "web9")

    assert done.returncode == 3
    assert "never heard of web9" in done.stderr
