"""One URL in broker.cfg chooses the bus."""

from random import Random
from typing import Any

from connectors.amqp import AmqpAgentConnector, AmqpExecutorConnector
from connectors.kombu import KombuAgentConnector, KombuExecutorConnector
from mcoflow.clock import Clock
from mcoflow.ports.bus import AgentConnector, ExecutorConnector
from mcoflow.ports.bus_settings import BusSettings


def executor_connector(
    settings: BusSettings, *, clock: Clock | None = None, chance: Random | None = None
) -> ExecutorConnector:
    """Make the orchestrator's connector; ConfigError names what is wrong with the settings and the remedy."""
    if _is_amqp(settings):
        return AmqpExecutorConnector(settings.url, **_amqp(settings), clock=clock, chance=chance)
    return KombuExecutorConnector(settings.url, prefix=settings.prefix, clock=clock)


def agent_connector(
    settings: BusSettings, *, clock: Clock | None = None, chance: Random | None = None
) -> AgentConnector:
    """Make the host's connector; ConfigError names what is wrong with the settings and the remedy."""
    if _is_amqp(settings):
        return AmqpAgentConnector(settings.url, **_amqp(settings), clock=clock, chance=chance)
    return KombuAgentConnector(settings.url, prefix=settings.prefix, clock=clock)


def _is_amqp(settings: BusSettings) -> bool:
    return settings.url.partition("://")[0].lower() in ("amqp", "amqps")


def _amqp(settings: BusSettings) -> dict[str, Any]:
    return {
        "prefix": settings.prefix,
        "replicated": settings.replicated,
        "heartbeat": settings.heartbeat,
        "ca": settings.ca,
        "cert": settings.cert,
        "key": settings.key,
    }
