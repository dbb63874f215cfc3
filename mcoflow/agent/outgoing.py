"""What waits to be published, and what was published and has no receipt yet."""

import logging
from collections import deque
from collections.abc import Callable
from typing import Final
from uuid import UUID

from mcoflow.agent.loop import Loop
from mcoflow.faults import faultpoint
from mcoflow.ports.bus import AgentConnector, Parcel, Receipt
from mcoflow.wire.kinds import Kind

log = logging.getLogger(__name__)

RETRY_AFTER: Final = 5.0
"""Seconds until a parcel that was not confirmed is sent again; a new link sends it at once."""

Then = Callable[[], None]


class Outgoing:
    """Publishes in order, as far as the connector's window has room; used on the loop's thread only."""

    def __init__(self, connector: AgentConnector, loop: Loop) -> None:
        self._connector = connector
        self._loop = loop
        self._waiting: deque[Parcel] = deque()
        self._failed: list[Parcel] = []
        self._then: dict[UUID, Then] = {}
        self._sent = 0
        self._full = False

    def send(self, parcel: Parcel, then: Then | None = None) -> None:
        """Publish soon. With `then` it is sent until confirmed, and `then` is called; else once."""
        if then is not None:
            self._then[parcel.message_id] = then
        self._waiting.append(parcel)

    def flush(self) -> None:
        """Hand over what the connector takes."""
        if not self._waiting or self._full:
            return
        batch = list(self._waiting)
        taken = self._connector.publish(batch, self._receipt)
        self._sent += taken
        for _ in range(taken):
            if self._waiting.popleft().kind == Kind.RESULT:
                faultpoint("agent.result_sent")
        if taken < len(batch):
            self._full = True
            self._loop.later(0.05, self._try_again)

    def resend(self) -> None:
        """Send again what was not confirmed."""
        self._waiting.extend(parcel for parcel in self._failed if parcel.message_id in self._then)
        self._failed.clear()

    def forget(self, message_id: UUID) -> None:
        """Send it no more, its subject is gone."""
        self._then.pop(message_id, None)

    @property
    def idle(self) -> bool:
        """Whether everything was sent, and all that has to be confirmed was."""
        return not self._waiting and not self._then and not self._sent

    def _receipt(self, parcel: Parcel, receipt: Receipt) -> None:
        self._loop.post(self._received, parcel, receipt)

    def _received(self, parcel: Parcel, receipt: Receipt) -> None:
        self._sent -= 1
        self._full = False
        if receipt == "confirmed":
            then = self._then.pop(parcel.message_id, None)
            if then is not None:
                then()
        elif parcel.message_id in self._then:
            log.info("publish.failed", extra={"kind": parcel.kind, "receipt": receipt})
            if not self._failed:
                self._loop.later(RETRY_AFTER, self.resend)
            self._failed.append(parcel)

    def _try_again(self) -> None:
        self._full = False
