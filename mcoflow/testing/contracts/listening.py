"""What tests of connectors listen with: all that happened so far, and a way to wait for more."""

import threading
from collections.abc import Callable, Sequence
from math import inf
from time import monotonic
from typing import Generic, TypeVar
from uuid import UUID, uuid4

from mcoflow.ports.bus import (
    Address,
    Connector,
    Delivery,
    Link,
    LinkReport,
    Parcel,
    Receipt,
)

PATIENCE = 15.0
_T = TypeVar("_T")


class Log(Generic[_T]):
    """An inlet, a watch or a list of receipts: call it with what happened."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.all: list[_T] = []

    def __call__(self, happened: _T) -> None:
        with self._changed:
            self.all.append(happened)
            self._changed.notify_all()

    def __len__(self) -> int:
        return len(self.all)

    def until(self, enough: Callable[[list[_T]], object], patience: float | None = None) -> list[_T]:
        """Wait until `enough` holds of all that happened, and return that; fail after `patience`."""
        patience = patience or PATIENCE
        deadline = monotonic() + patience
        with self._changed:
            while not enough(self.all):
                left = deadline - monotonic()
                assert left > 0, f"not in {patience:g} s; so far {len(self.all)}: {self.all[-5:]}"
                self._changed.wait(left)
            return list(self.all)

    def first(self, count: int = 1, patience: float | None = None) -> list[_T]:
        """Wait for `count` of them and return those."""
        return self.until(lambda all_: len(all_) >= count, patience)[:count]

    def stays(self, count: int, seconds: float = 0.3) -> bool:
        """Tell whether nothing is added to `count` for a while."""
        with self._changed:
            self._changed.wait_for(lambda: len(self.all) > count, seconds)
            return len(self.all) == count


class LinkLog(Log[LinkReport]):
    """A watch."""

    def becomes(self, link: Link, why: str = "", patience: float | None = None) -> LinkReport:
        """Wait until the latest report is of this link, with `why` in its words."""
        reports = self.until(lambda all_: all_ and all_[-1].link is link and why in all_[-1].why, patience)
        return reports[-1]

    def was(self, link: Link, why: str = "", patience: float | None = None) -> LinkReport:
        """Wait until there is, or was, such a report."""
        reports = self.until(lambda all_: any(r.link is link and why in r.why for r in all_), patience)
        return next(r for r in reports if r.link is link and why in r.why)


class Receipts:
    """What became of parcels. Call it as an OnReceipt."""

    def __init__(self) -> None:
        self._log: Log[tuple[UUID, Receipt]] = Log()

    def __call__(self, parcel: Parcel, receipt: Receipt) -> None:
        self._log((parcel.message_id, receipt))

    def __len__(self) -> int:
        return len(self._log)

    def first(self, count: int = 1, patience: float | None = None) -> list[Receipt]:
        """Wait for `count` receipts and return them."""
        return [receipt for _, receipt in self._log.first(count, patience)]

    @property
    def ids(self) -> list[UUID]:
        """The message ids, in the order of their receipts."""
        return [message_id for message_id, _ in self._log.all]


def eventually(holds: Callable[[], object], patience: float | None = None) -> None:
    """Ask again and again until it holds; fail after `patience` seconds."""
    patience = patience or PATIENCE
    deadline, tick = monotonic() + patience, threading.Event()
    while not holds():
        assert monotonic() < deadline, f"not in {patience:g} s"
        tick.wait(0.02)


Inbox = Log[Delivery]


def parcel(address: Address, body: bytes = b'{"v":1}', *, kind: str = "request") -> Parcel:
    """Make a parcel with an id of its own."""
    return Parcel(address, kind, uuid4(), body)


def publish_all(connector: Connector, parcels: Sequence[Parcel], receipts: Receipts) -> None:
    """Publish all of them, as the window has room; fail when it has none for long."""
    deadline, done, tick = monotonic() + 60, 0, threading.Event()
    while done < len(parcels):
        done += connector.publish(parcels[done : done + 500], receipts)
        assert monotonic() < deadline, f"the window took {done} of {len(parcels)} parcels in 60 s"
        tick.wait(0.001)


def send(connector: Connector, *parcels: Parcel) -> list[Receipt]:
    """Publish and return the receipts."""
    receipts = Receipts()
    publish_all(connector, parcels, receipts)
    return receipts.first(len(parcels))


def quickest(measure: Callable[[], float], below: float, tries: int = 6) -> float:
    """Measure again until it is below the bound; return the smallest: a busy machine is nobody's fault."""
    smallest = inf
    for _ in range(tries):
        smallest = min(smallest, measure())
        if smallest < below:
            break
    return smallest
