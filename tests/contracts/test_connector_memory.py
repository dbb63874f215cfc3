"""The contract of the bus, kept by memory://."""

from collections.abc import Iterator

import pytest

from connectors.kombu import KombuAgentConnector, KombuExecutorConnector
from mcoflow.testing.contracts.bus import Bus, opened
from mcoflow.testing.contracts.connector import ConnectorContract
from tests.servers.rabbitmq import RabbitMQ


class TestMemoryConnector(ConnectorContract):
    """kombu's in-memory transport."""

    @pytest.fixture
    def bus(self) -> Iterator[Bus]:
        """A world of its own."""
        yield from opened(
            Bus(
                lambda prefix: KombuExecutorConnector("memory://", prefix=prefix),
                lambda prefix: KombuAgentConnector("memory://", prefix=prefix),
                RabbitMQ.new_prefix(),
            )
        )
