"""A bus under test: connectors that are opened and closed, and what the suites take for granted."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from mcoflow.ports.bus import (
    AgentConnector,
    Capabilities,
    Census,
    ExecutorConnector,
    HostRequests,
    Link,
)
from mcoflow.testing.contracts.listening import Inbox, LinkLog

TOKEN = "x-abcdefghijkl"
HOST = "web1.example.org"
MAX_WAITING = 1000
_Test = Callable[..., Any]


def needs(capability: str) -> Callable[[_Test], _Test]:
    """Mark a test that asks more of a bus than all of them promise."""
    assert capability in Capabilities.__slots__

    def mark(test: _Test) -> _Test:
        test.__dict__["needs"] = capability
        return test

    return mark


class Bus:
    """Connectors on one bus under one prefix, opened and closed."""

    def __init__(
        self,
        executor: Callable[[str], ExecutorConnector],
        agent: Callable[[str], AgentConnector],
        prefix: str,
    ) -> None:
        self._make_executor, self._make_agent, self.prefix = executor, agent, prefix
        self._opened: list[ExecutorConnector | AgentConnector] = []
        self.links: dict[int, LinkLog] = {}

    def executor(self, prefix: str | None = None) -> ExecutorConnector:
        """Open an executor's connector and wait until it is up."""
        connector = self._make_executor(prefix or self.prefix)
        self._open(connector).becomes(Link.UP)
        return connector

    def agent(self, *, wait: bool = True) -> AgentConnector:
        """Open an agent's connector."""
        connector = self._make_agent(self.prefix)
        watch = self._open(connector)
        if wait:
            watch.becomes(Link.UP)
        return connector

    def watch(self, connector: ExecutorConnector | AgentConnector) -> LinkLog:
        """What the connector has reported."""
        return self.links[id(connector)]

    def close(self) -> None:
        """Close what was opened."""
        for connector in reversed(self._opened):
            connector.close(wait=timedelta(seconds=1))

    def _open(self, connector: ExecutorConnector | AgentConnector) -> LinkLog:
        watch = self.links[id(connector)] = LinkLog()
        self._opened.append(connector)
        connector.open(watch)
        return watch


def opened(bus: Bus) -> Iterator[Bus]:
    """Yield the bus for a fixture and close it."""
    try:
        yield bus
    finally:
        bus.close()


class BusFixtures:
    """Fixtures of all suites. A subclass gives a `bus` fixture."""

    @pytest.fixture
    def executor(self, bus: Bus, request: pytest.FixtureRequest) -> ExecutorConnector:
        """An executor's connector that is up and has declared everything for itself and HOST."""
        connector = bus.executor()
        needed = request.function.__dict__.get("needs")
        if needed and not getattr(connector.capabilities, needed):
            pytest.skip(f"this bus does not promise {needed}")
        connector.declare_shared()
        connector.declare_executor(TOKEN)
        connector.declare_host(HOST, {"main"})
        return connector

    @pytest.fixture
    def agent(self, bus: Bus, executor: ExecutorConnector) -> AgentConnector:
        """An agent's connector that is up."""
        return bus.agent()

    @pytest.fixture
    def requests(self, agent: AgentConnector) -> Inbox:
        """What the agent of HOST gets."""
        inbox = Inbox()
        agent.attend(HOST, inbox)
        return inbox

    @staticmethod
    def is_settled(executor: ExecutorConnector, agent: AgentConnector) -> None:
        """Show that nothing is left unsettled: nothing goes back when the agent closes."""
        agent.close(wait=timedelta(seconds=1))
        assert executor.census(HostRequests(HOST)) == Census(messages=0, consumers=0)
