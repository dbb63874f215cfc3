"""What the doctor asks a real RabbitMQ, and what it advises to type: afterwards it works."""

import json
import shlex
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.amqp import AmqpAgentConnector, AmqpExecutorConnector
from connectors.amqp.probe import Probed, probe
from mcoflow.ports.bus import Link, Shared
from mcoflow.ports.bus_settings import BusSettings
from mcoflow.testing.contracts.listening import Inbox, LinkLog
from tests.servers.rabbitmq import RabbitMQ
from tests.stories.processes import MCOFLOW, write_settings

HOST = "web1.example.org"


@pytest.fixture
def prefix(rabbitmq: RabbitMQ, rabbitmq_url: str) -> str:
    """What the names of one test begin with, on a broker that runs."""
    assert rabbitmq_url
    return rabbitmq.new_prefix()


@pytest.fixture
def user(rabbitmq: RabbitMQ, prefix: str) -> Iterator[str]:
    """A user that may do nothing at all, not even enter the virtual host."""
    rabbitmq.ctl("add_user", prefix, "s3cret")
    yield prefix
    rabbitmq.ctl("delete_user", prefix)


def asked(url: str, prefix: str, host: str | None = None) -> Probed:
    return probe(BusSettings(url=url, prefix=prefix), host=host)


def type_it(rabbitmq: RabbitMQ, remedy: str) -> None:
    """Type the commands of a remedy, as a person would: up to its remark in brackets."""
    for command in remedy.partition("rabbitmqctl ")[2].partition("  (")[0].split(" && rabbitmqctl "):
        rabbitmq.ctl(*shlex.split(command))


@pytest.mark.parametrize("host", [None, HOST])
def test_a_virtual_host_that_is_not_there_is_named_and_what_is_advised_makes_it(
    rabbitmq: RabbitMQ, prefix: str, user: str, host: str | None
) -> None:
    vhost = f"v-{prefix}"
    url = rabbitmq.url_of(user, "s3cret", vhost=vhost)

    found = asked(url, prefix, host)

    assert f"vhost {vhost} not found" in found.refused
    type_it(rabbitmq, found.remedy)
    assert not asked(url, prefix, host).refused
    rabbitmq.ctl("delete_vhost", vhost)


@pytest.mark.parametrize("host", [None, HOST])
@pytest.mark.parametrize("granted", [False, True])
def test_a_missing_permission_is_named_and_what_is_advised_gives_it(
    rabbitmq: RabbitMQ, prefix: str, user: str, host: str | None, granted: bool
) -> None:
    """Not let in at all, or let in and allowed nothing: both are told before anything is sent."""
    if granted:
        rabbitmq.ctl("set_permissions", "-p", "/", user, "", "", "")
    url = rabbitmq.url_of(user, "s3cret")

    found = asked(url, prefix, host)

    assert f"refused for user '{user}'" in found.refused
    assert "set_permissions -p / " in found.remedy
    type_it(rabbitmq, found.remedy)
    assert not asked(url, prefix, host).refused


def test_what_is_advised_is_enough_for_server_and_agent(rabbitmq: RabbitMQ, prefix: str, user: str) -> None:
    url, agent_user = rabbitmq.url_of(user, "s3cret"), f"a-{prefix}"
    type_it(rabbitmq, asked(url, prefix).remedy)
    rabbitmq.ctl("add_user", agent_user, "s3cret")
    agent_url = rabbitmq.url_of(agent_user, "s3cret")
    type_it(rabbitmq, asked(agent_url, prefix, HOST).remedy)
    executor, agent = AmqpExecutorConnector(url, prefix=prefix), AmqpAgentConnector(agent_url, prefix=prefix)
    serves, watch = LinkLog(), LinkLog()
    executor.open(serves)
    serves.becomes(Link.UP)
    executor.declare_shared()
    executor.declare_host(HOST, {"main"})

    agent.open(watch)
    agent.attend(HOST, Inbox())

    watch.becomes(Link.UP)
    agent.close(wait=timedelta(seconds=1))
    executor.close(wait=timedelta(seconds=1))
    rabbitmq.ctl("delete_user", agent_user)


def test_a_wrong_password_is_told_from_a_missing_permission(rabbitmq: RabbitMQ, user: str) -> None:
    found = asked(rabbitmq.url_of(user, "wr0ng"), user)

    assert "Login was refused" in found.refused
    assert found.remedy.startswith("correct user and password in [broker] url")
    assert "wr0ng" not in found.refused + found.remedy


def test_asking_makes_nothing_and_takes_nothing(rabbitmq: RabbitMQ, prefix: str) -> None:
    assert asked(rabbitmq.url, prefix).untouched
    assert asked(rabbitmq.url, prefix, HOST).untouched
    assert prefix not in rabbitmq.ctl("list_queues", "name") + rabbitmq.ctl("list_exchanges", "name")
    executor, watch = AmqpExecutorConnector(rabbitmq.url, prefix=prefix), LinkLog()
    executor.open(watch)
    watch.becomes(Link.UP)
    executor.declare_shared()
    executor.declare_host(HOST, {"main"})

    assert asked(rabbitmq.url, prefix) == asked(rabbitmq.url, prefix, HOST) == Probed()

    for source in (Shared.PRESENCE, Shared.STRAY, Shared.DEAD):
        found = executor.census(source)
        assert found is not None
        assert (found.messages, found.consumers) == (0, 0)
    executor.close(wait=timedelta(seconds=1))


def test_a_broker_that_is_away_is_told_at_once() -> None:
    assert asked("amqp://127.0.0.1:1/", "t") == Probed(
        "Connection refused", "start RabbitMQ there, or correct [broker] url"
    )


def test_the_agent_check_says_it_without_a_stack(rabbitmq: RabbitMQ, prefix: str, tmp_path: Path) -> None:
    settings = write_settings(
        tmp_path / "broker.cfg",
        {
            "broker": {"url": rabbitmq.url_of("guest", "guest", vhost="nowhere"), "prefix": prefix},
            "agent": {"identity": HOST, "state_dir": tmp_path / "agent"},
        },
    )

    for words in (("agent", "--check"), ("doctor",)):
        done = subprocess.run(
            [MCOFLOW, *words, "--config", settings, "--output", "json"],
            capture_output=True,
            text=True,
            check=False,
        )

        broker = next(each for each in json.loads(done.stdout) if each["what"] == "broker")
        assert done.returncode == 1
        assert "vhost nowhere not found" in broker["found"]
        assert "rabbitmqctl add_vhost nowhere" in broker["remedy"]
        assert "Traceback" not in done.stderr
        assert len(done.stderr.splitlines()) == 1
