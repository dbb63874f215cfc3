"""What the rest of mcoflow may do with discoveries: ask for one, and wait for its answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from mcoflow.clock import Clock
from mcoflow.domain.discovery import MOST_WINDOW, WINDOW, Counting, DiscoveryRecord
from mcoflow.domain.target import Key, Target, one_of
from mcoflow.domain.target_json import filter_of
from mcoflow.engine.targets import HostFinder
from mcoflow.engine.watch import Watch
from mcoflow.errors import InputInvalidError
from mcoflow.ports.store import Store

KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Discoveries:
    """Discoveries are rows: any executor asks, whoever wants to know reads."""

    store: Store
    clock: Clock
    watch: Watch
    ring: Callable[[], None]

    def ask(
        self,
        target: str = "",
        *,
        hosts: Sequence[str] = (),
        window: timedelta = timedelta(seconds=WINDOW),
        user: str = "",
    ) -> UUID:
        """Have all hosts asked that a target means, or these by name; return the id of the discovery.

        Raises:
            TargetInvalidError, GroupNotFoundError: the target is none; nobody is asked.
            InputInvalidError: there are both or none of target and hosts, or the window is not in 0.1 … 60 s.
        """
        if bool(target.strip()) == bool(hosts):
            raise InputInvalidError("a target, or names of hosts: one of them, not both")
        seconds = window.total_seconds()
        if not 0.1 <= seconds <= MOST_WINDOW:
            raise InputInvalidError(f"a window of {seconds:g} s: from 0.1 to {MOST_WINDOW:g} s")
        meant: Target = (
            one_of(Key.IDENTITY, hosts) if hosts else HostFinder(self.store, self.clock).read(target)
        )
        now = self.clock.now().timestamp()
        record = DiscoveryRecord(
            uuid4(), target.strip() or ", ".join(hosts), filter_of(meant), seconds, user, now
        )
        self.store.add_discovery(record, forget_before=now - KEPT.total_seconds())
        self.ring()
        return record.id

    def wait_for_more(
        self, discovery_id: UUID, answered: int, *, wait: timedelta
    ) -> tuple[DiscoveryRecord, Counting]:
        """Return once more have answered than these, or it ended, or `wait` passed.

        Raises:
            DiscoveryNotFoundError: there is none.
        """

        def look() -> tuple[DiscoveryRecord, Counting] | None:
            record, counting = self.store.discovery(discovery_id), self.store.count_met(discovery_id)
            moved = record.ended_at is not None or counting.answered > answered
            return (record, counting) if moved else None

        found = self.watch.until(look, [discovery_id], wait=wait.total_seconds())
        return found or (self.store.discovery(discovery_id), self.store.count_met(discovery_id))
