"""kombu's in-memory transport: the embedded default, for one process."""

from connectors.kombu.agent import KombuAgentConnector
from connectors.kombu.executor import KombuExecutorConnector

__all__ = ["KombuAgentConnector", "KombuExecutorConnector"]
