"""The agent's connector: declares nothing, and waits for its hosts to be admitted."""

from typing import Any

from connectors.amqp.attendance import Attendance
from connectors.amqp.connector import AmqpConnector
from connectors.amqp.pika_wire import Wire
from mcoflow.ports.bus import Inlet


class AmqpAgentConnector(AmqpConnector):
    """An AgentConnector on RabbitMQ, for one host or for thousands of simulated ones."""

    role = "agent"

    def __init__(self, url: str, **settings: Any) -> None:
        """See AmqpConnector."""
        super().__init__(url, **settings)
        self._attendance = Attendance(self._io, self._topology, self._chance, self._changed)

    def attend(self, host: str, inlet: Inlet, *, prefetch: int = 50) -> None:
        """Consume both queues of the host, also after each reconnect; see the port for hosts not admitted."""
        self._io.post(lambda: self._attendance.attend(host, inlet, prefetch))

    def _consuming_up(self, wire: Wire) -> None:
        self._attendance.link_up(wire)

    def _consuming_down(self) -> None:
        self._attendance.link_down()

    def _pause(self) -> None:
        self._attendance.pause()

    def _trouble(self) -> str | None:
        return self._attendance.trouble
