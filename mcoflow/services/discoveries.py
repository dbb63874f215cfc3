"""Asking hosts whether they are there, and what people see of the answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from mcoflow.domain.discovery import WINDOW, Counting, DiscoveryRecord, MetHost, Standing
from mcoflow.domain.requests import HostRecord
from mcoflow.ports.engine import Engine
from mcoflow.ports.store import Reader
from mcoflow.services.times import certain_moment, moment

PAGE: Final = 1000
WINDOW_SPAN: Final = timedelta(seconds=WINDOW)
Cursor = tuple[float, str]
BEGINNING: Final[Cursor] = (0.0, "")


@dataclass(frozen=True, slots=True)
class DiscoveryView:
    """A discovery and how many hosts stand how: expected = answered + offline + silent.

    Until it is `over` the silent may still answer. `added` answered and were not expected, `foreign` answered
    and were not asked. `problem` is why nobody, or not everybody, was asked.
    """

    id: UUID
    target: str
    window: timedelta
    user: str
    asked_at: datetime
    begun_at: datetime | None
    ended_at: datetime | None
    problem: str
    expected: int
    answered: int
    offline: int
    silent: int
    added: int
    foreign: int

    @property
    def over(self) -> bool:
        """Whether nobody is waited for any more."""
        return self.ended_at is not None

    def words(self) -> str:
        """Return the one line: `10 expected: 8 answered, 1 offline, 1 silent`."""
        silent = "silent" if self.over else "still to answer"
        line = f"{self.expected} expected: {self.answered} answered, {self.offline} offline, "
        line += f"{self.silent} {silent}"
        more = f"; {self.added} of them new" if self.added else ""
        return line + more + (f"; {self.foreign} answered that were not asked" if self.foreign else "")


@dataclass(frozen=True, slots=True)
class MetView:
    """A host in a discovery. `took` from the question to the answer; `why` it is offline, as far as known."""

    name: str
    standing: Standing
    took: timedelta | None
    added: bool
    simulated: bool
    why: str = ""


class Discoveries:
    """The use cases of discoveries."""

    def __init__(self, engine: Engine, reader: Reader) -> None:
        self._engine = engine
        self._reader = reader

    def ask(
        self,
        target: str = "",
        *,
        hosts: Sequence[str] = (),
        window: timedelta = WINDOW_SPAN,
        user: str,
    ) -> UUID:
        """Have hosts asked, by a target or by name; TargetError, InputInvalidError: nobody is."""
        return self._engine.discoveries.ask(target, hosts=hosts, window=window, user=user)

    def show(self, discovery_id: UUID) -> DiscoveryView:
        """One discovery as it stands; DiscoveryNotFoundError."""
        return _view(self._reader.discovery(discovery_id), self._reader.count_met(discovery_id))

    def wait(self, discovery_id: UUID, answered: int, *, wait: timedelta) -> DiscoveryView:
        """One discovery, once more than these have answered, or it is over, or `wait` passed."""
        return _view(*self._engine.discoveries.wait_for_more(discovery_id, answered, wait=wait))

    def met(
        self, view: DiscoveryView, standing: Standing, *, after: Cursor = BEGINNING, limit: int = PAGE
    ) -> tuple[Sequence[MetView], Cursor]:
        """Hosts that stand so, 1,000 at most, and the cursor behind the last of them."""
        found = self._reader.met_hosts(view.id, standing, after=after, limit=limit)
        known = {host.identity: host for host in self._reader.hosts_named([each.identity for each in found])}
        seen = [_met(each, view, known) for each in found]
        cursor = (found[-1].answered_at or 0.0, found[-1].identity) if found else after
        return seen, cursor

    def all_met(self, view: DiscoveryView, standing: Standing) -> Sequence[MetView]:
        """All hosts that stand so."""
        found: list[MetView] = []
        after = BEGINNING
        while True:
            more, after = self.met(view, standing, after=after)
            found += more
            if len(more) < PAGE:
                return found


def _view(record: DiscoveryRecord, counting: Counting) -> DiscoveryView:
    return DiscoveryView(
        id=record.id,
        target=record.target,
        window=timedelta(seconds=record.window),
        user=record.user,
        asked_at=certain_moment(record.asked_at),
        begun_at=moment(record.begun_at),
        ended_at=moment(record.ended_at),
        problem=record.problem,
        expected=counting.expected,
        answered=counting.answered,
        offline=counting.offline,
        silent=counting.silent,
        added=counting.added,
        foreign=record.foreign,
    )


def _met(met: MetHost, view: DiscoveryView, known: Mapping[str, HostRecord]) -> MetView:
    host = known.get(met.identity)
    took = None
    if met.answered_at is not None and view.begun_at is not None:
        took = timedelta(seconds=max(0.0, met.answered_at - view.begun_at.timestamp()))
    return MetView(
        name=met.identity,
        standing=met.standing,
        took=took,
        added=not met.known and met.answered_at is not None,
        simulated=host is not None and host.simulated,
        why=_why_offline(host) if met.standing is Standing.OFFLINE else "",
    )


def _why_offline(host: HostRecord | None) -> str:
    if host is None:
        return "never heard of"
    if host.state == "down":
        return "its agent was stopped"
    return f"no agent is connected, last seen {certain_moment(host.last_seen):%Y-%m-%d %H:%M:%S} UTC"
