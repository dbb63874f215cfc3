"""Publishing: what was committed goes out in order, as fast as the bus's window allows."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final

from mcoflow.faults import faultpoint
from mcoflow.ports.bus import Connector, Parcel, Receipt

_WINDOW: Final = 500


@dataclass(frozen=True, slots=True)
class Receipted:
    """A receipt, brought from the connector's thread."""

    parcel: Parcel
    receipt: Receipt


class Post:
    """A queue of parcels in front of the connector. Only the director's thread touches it.

    `queued` and `sent` count parcels: what was queued when `queued` was n has left once `sent` is n.
    """

    def __init__(self, connector: Connector, on_receipt: Callable[[Parcel, Receipt], None]) -> None:
        self._connector = connector
        self._on_receipt = on_receipt
        self._waiting: deque[Parcel] = deque()
        self.sent = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def queued(self) -> int:
        """How many parcels were ever queued."""
        return self.sent + len(self._waiting)

    def send(self, parcels: Iterable[Parcel]) -> None:
        """Queue parcels and publish what the window takes now; the rest goes with the next receipts."""
        self._waiting.extend(parcels)
        self.pump()

    def pump(self) -> None:
        """Publish as much as the window takes."""
        while self._waiting:
            faultpoint("outbox.before_publish")
            taken = self._connector.publish(list(islice(self._waiting, _WINDOW)), self._on_receipt)
            self.sent += taken
            for _ in range(taken):
                self._waiting.popleft()
            if not taken:
                return
            faultpoint("outbox.after_publish")
