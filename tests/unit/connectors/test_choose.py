"""One URL chooses the bus, and a wrong one is answered with the remedy."""

from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from connectors.amqp import AmqpAgentConnector, AmqpExecutorConnector
from connectors.amqp.link import Backoff
from connectors.choose import agent_connector, executor_connector
from connectors.kombu import KombuAgentConnector, KombuExecutorConnector
from mcoflow.errors import ConfigError
from mcoflow.ports.bus_settings import BusSettings


@pytest.mark.parametrize(
    ("url", "executor", "agent"),
    [
        ("memory://", KombuExecutorConnector, KombuAgentConnector),
        ("amqp://localhost", AmqpExecutorConnector, AmqpAgentConnector),
        ("AMQPS://user:word@broker:5671/%2Fmcoflow", AmqpExecutorConnector, AmqpAgentConnector),
    ],
)
def test_the_url_chooses(url: str, executor: type, agent: type) -> None:
    settings = BusSettings(url=url)

    assert type(executor_connector(settings)) is executor
    assert type(agent_connector(settings)) is agent


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("filesystem:///var/spool", "loses messages"),
        ("sqla+sqlite:///bus.sqlite", "database as broker"),
        ("sqlalchemy+postgresql://u:s3cret@h/db", "database as broker"),
        ("redis://:s3cret@localhost", "not offered yet"),
        ("", "not offered yet"),
        ("localhost:5672", "not offered yet"),
        ("amqp://u:s3cret@host:notaport/", "malformed"),
        ("amqp://u:s3cret@host/a/b", "more than a virtual host"),
        ("amqp://u:s3cret@host/?heartbeat=5", "more than a virtual host"),
    ],
)
@pytest.mark.parametrize("make", [executor_connector, agent_connector])
def test_a_wrong_url_names_the_remedy_and_keeps_the_password(url: str, reason: str, make: object) -> None:
    """B-031: filesystem:// and SQL are refused with a remedy."""
    with pytest.raises(ConfigError, match=reason) as raised:
        make(BusSettings(url=url))  # type: ignore[operator]

    assert "amqp://" in str(raised.value)
    assert "s3cret" not in str(raised.value)


def test_tls_files_are_checked_at_once(tmp_path: Path) -> None:
    garbage = tmp_path / "key.pem"
    garbage.write_text("no key")

    with pytest.raises(ConfigError, match=r"cannot use .*key\.pem"):
        executor_connector(BusSettings(url="amqps://host", cert=garbage, key=garbage))
    with pytest.raises(ConfigError, match="go together"):
        executor_connector(BusSettings(url="amqps://host", cert=garbage))
    with pytest.raises(ConfigError, match="use amqps://"):
        executor_connector(BusSettings(url="amqp://host", ca=garbage))


def test_settings_do_not_show_the_password() -> None:
    settings = BusSettings(url="amqp://user:s3cret@host", heartbeat=timedelta(seconds=5))

    assert "s3cret" not in repr(settings)


def test_waits_double_up_to_the_longest_with_full_jitter() -> None:
    class Most(Random):
        def random(self) -> float:
            return 1.0

    most = Backoff(Most())
    drawn = Backoff(Random(7))

    assert [round(most.next(), 1) for _ in range(7)] == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    assert all(0 <= drawn.next() <= ceiling for ceiling in (0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0))
    most.reset()
    assert most.next() == 0.2
