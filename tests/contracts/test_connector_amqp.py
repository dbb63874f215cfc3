"""The contract of the bus, kept by amqp:// on a real RabbitMQ."""

from collections.abc import Iterator

import pytest

from connectors.amqp import AmqpAgentConnector, AmqpExecutorConnector
from mcoflow.testing.contracts.bus import Bus, opened
from mcoflow.testing.contracts.connector import ConnectorContract
from tests.servers.rabbitmq import RabbitMQ


@pytest.mark.rabbitmq
class TestAmqpConnector(ConnectorContract):
    """RabbitMQ through pika."""

    @pytest.fixture
    def bus(self, rabbitmq: RabbitMQ, rabbitmq_url: str) -> Iterator[Bus]:
        """The private server of this session, and a prefix of our own."""
        yield from opened(
            Bus(
                lambda prefix: AmqpExecutorConnector(rabbitmq_url, prefix=prefix),
                lambda prefix: AmqpAgentConnector(rabbitmq_url, prefix=prefix),
                rabbitmq.new_prefix(),
            )
        )
