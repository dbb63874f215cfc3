"""The agent's connector on memory://."""

from typing import Any

from connectors.kombu.connector import KombuConnector
from connectors.kombu.world import Tap
from mcoflow.ports.bus import AgentQueue, Inlet


class KombuAgentConnector(KombuConnector):
    """An AgentConnector for one process, for one host or for thousands of simulated ones."""

    role = "agent"

    def __init__(self, url: str = "memory://", **settings: Any) -> None:
        """See KombuConnector."""
        super().__init__(url, **settings)
        self._out: dict[str, str] = {}  # queues that are not declared yet: their hosts
        self._hosts: dict[str, str] = {}

    def attend(self, host: str, inlet: Inlet, *, prefetch: int = 50) -> None:
        """Consume both queues of the host as soon as they are declared. Attending again changes nothing."""
        self._worker.post(lambda: self._attend(host, inlet, prefetch))

    def _attend(self, host: str, inlet: Inlet, prefetch: int) -> None:
        for queue in AgentQueue:
            name = self._topology.agent_queue(host, queue)
            if name not in self._taps:
                self._hosts[name] = host
                self._add_tap(name, queue, inlet, prefetch)

    def _found(self, tap: Tap, exists: bool) -> None:
        if exists == (tap.queue not in self._out):
            return
        if exists:
            del self._out[tap.queue]
        else:
            self._out[tap.queue] = self._hosts[tap.queue]
        self._changed()

    def _trouble(self) -> str | None:
        if not self._out:
            return None
        host = next(iter(self._out.values()))
        more = len(set(self._out.values())) - 1
        text = f"not admitted: host {host} has no queues yet; an executor makes them once it hears of it"
        return f"{text} (and {more} more)" if more else text
