"""The executor's connector on memory://."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from connectors.kombu.connector import KombuConnector
from mcoflow.errors import ConfigurationError
from mcoflow.ports.bus import AgentQueue, Bells, Census, HostRequests, Inlet, Replies, Source


class KombuExecutorConnector(KombuConnector):
    """An ExecutorConnector for one process."""

    role = "executor"

    def consume(self, source: Source, inlet: Inlet, *, prefetch: int) -> None:
        """Hand over messages unacknowledged; queues are declared first if need be."""
        if isinstance(source, HostRequests | AgentQueue):
            raise ConfigurationError(
                f"{source} belongs to the agent of its host: an executor takes its census only"
            )
        self.declare_shared()
        if isinstance(source, Replies | Bells):
            self.declare_executor(source.token)
        queue = self._topology.queue(source)
        self._worker.post(lambda: self._add_tap(queue, source, inlet, prefetch))

    def stop_consuming(self, source: Source) -> None:
        """Undo consume; what is unsettled goes back."""
        self._worker.post(lambda: self._remove_tap(self._topology.queue(source)))

    def declare_shared(self) -> None:
        """Declare the exchanges and the shared queues."""
        topology = self._topology
        self._world.declare(topology.exchanges(), topology.shared_queues(), topology.shared_bindings())

    def declare_host(self, host: str, collectives: AbstractSet[str]) -> None:
        """Declare the two queues of a host and their bindings."""
        bindings = self._topology.host_bindings(host, collectives)
        self._world.declare((), self._topology.host_queues(host), bindings)

    def declare_hosts(self, hosts: Mapping[str, AbstractSet[str]]) -> None:
        """Declare the queues of many hosts, given with their collectives."""
        for host, collectives in hosts.items():
            self.declare_host(host, collectives)

    def remove_host(self, host: str) -> None:
        """Delete the queues of a host and what is in them."""
        self._world.delete([queue.name for queue in self._topology.host_queues(host)])

    def declare_executor(self, token: str) -> None:
        """Declare reply queue and doorbell of an executor."""
        bindings = self._topology.executor_bindings(token)
        self._world.declare((), self._topology.executor_queues(token), bindings)

    def retire_executor(self, token: str) -> bool:
        """Delete reply queue and doorbell if empty and unused; True if they are gone."""
        if not self._world.retire(self._topology.queue(Replies(token))):
            return False
        self._world.delete([self._topology.queue(Bells(token))])
        return True

    def census(self, source: Source) -> Census | None:
        """Count messages and consumers; None: no such queue."""
        return self._world.census(self._topology.queue(source))
