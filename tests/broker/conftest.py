"""Connectors against a private RabbitMQ that fails in every way."""

from collections.abc import Iterator

import pytest

from connectors.amqp import AmqpAgentConnector, AmqpExecutorConnector
from mcoflow.testing.contracts.bus import Bus, opened
from tests.servers.proxy import Proxy
from tests.servers.rabbitmq import RabbitMQ


@pytest.fixture
def proxy(rabbitmq: RabbitMQ, rabbitmq_url: str) -> Iterator[Proxy]:
    """A line to the broker that can be cut."""
    with Proxy(rabbitmq.port) as line:
        yield line


@pytest.fixture
def far_url(rabbitmq: RabbitMQ, proxy: Proxy) -> str:
    """The broker, through the proxy."""
    return rabbitmq.url_of("guest", "guest", port=proxy.port)


@pytest.fixture
def bus(rabbitmq: RabbitMQ, far_url: str) -> Iterator[Bus]:
    """Connectors through the proxy."""
    yield from opened(
        Bus(
            lambda prefix: AmqpExecutorConnector(far_url, prefix=prefix),
            lambda prefix: AmqpAgentConnector(far_url, prefix=prefix),
            rabbitmq.new_prefix(),
        )
    )
