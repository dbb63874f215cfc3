"""What people see of hosts: presence and facts."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any, Final

from mcoflow.clock import Clock
from mcoflow.domain.presence import ONLINE_WITHIN, Presence, in_conflict, presence_of
from mcoflow.domain.requests import HostRecord
from mcoflow.domain.target_match import agents_in
from mcoflow.ports.store import Reader
from mcoflow.services.facts import grouped, problems_of, system_of
from mcoflow.services.times import certain_moment
from mcoflow.services.views import HostDetail, HostPage, HostView, PlanView

PAGE: Final = 50
COUNTED: Final = 1000
"""Hosts of one task that are looked up to say how many are simulated."""


class Hosts:
    """The use cases of hosts."""

    def __init__(self, reader: Reader, clock: Clock) -> None:
        self._reader, self._clock = reader, clock

    def list(self, *, text: str = "", after: str = "", limit: int = PAGE) -> HostPage:
        """A page of hosts in order of name, those whose name contains `text`."""
        found = self._reader.hosts(after=after, limit=limit + 1, text=text)
        items = [self._view(host) for host in found[:limit]]
        return HostPage(items, items[-1].name if len(found) > limit else "")

    def pending(self, *, most: int = 3) -> Sequence[str]:
        """Return some of the hosts that wait to be let in, by name; it looks at all hosts."""
        found = (host.identity for host in self._reader.hosts() if not host.admitted)
        return list(islice(found, most))

    def show(self, name: str) -> HostDetail:
        """One host with its facts; HostNotFoundError."""
        host = self._reader.host(name)
        facts = host.facts or {}
        return HostDetail(
            host=self._view(host),
            system=system_of(facts),
            agents=agents_in(facts),
            operations=sorted(host.operations or ()),
            problems=problems_of(facts),
            facts=grouped(facts),
        )

    def facts(self, name: str) -> Mapping[str, Any]:
        """What one host told about itself, as it told it; HostNotFoundError."""
        return self._reader.host(name).facts or {}

    def conflicts(self) -> Sequence[str]:
        """The hosts that two agents claim to be."""
        now = self._clock.now().timestamp()
        return [host.identity for host in self._reader.hosts_in_conflict(now - ONLINE_WITHIN)]

    def presence(self, names: Collection[str]) -> Mapping[str, Presence | None]:
        """The presence of each host, 1,000 at most; None for one never seen."""
        found = {host.identity: self._presence(host) for host in self._reader.hosts_named(names)}
        return {name: found.get(name) for name in names}

    def simulated(self, names: Collection[str]) -> frozenset[str]:
        """Those of these hosts, 1,000 at most, that are simulated."""
        return frozenset(host.identity for host in self._reader.hosts_named(names) if host.simulated)

    def simulated_of(self, plan: PlanView, names: Collection[str]) -> frozenset[str]:
        """As simulated, of hosts of a task; nothing is looked up for one that none of them is in."""
        return self.simulated(names) if plan.simulated else frozenset()

    def played(self, plan: PlanView) -> str:
        """Whether the hosts of a task are simulated, or how many of them: `2 of 49 simulated`.

        Of more than 1,000, and where none is known, it only says that some are.
        """
        total = len(plan.hosts)
        if not plan.simulated or not 1 < total <= COUNTED:
            return plan.played
        number = len(self.simulated(plan.hosts))
        return "simulated" if number == total else f"{number} of {total} simulated"

    def _view(self, host: HostRecord) -> HostView:
        return HostView(
            name=host.identity,
            presence=self._presence(host),
            simulated=host.simulated,
            collectives=host.collectives,
            version=host.version,
            executing=host.executing,
            first_seen=certain_moment(host.first_seen),
            last_seen=certain_moment(host.last_seen),
            clock_difference=timedelta(seconds=host.clock_difference),
            conflict=in_conflict(host, self._clock.now().timestamp()),
            daemon=host.daemon,
            rival=host.rival,
        )

    def _presence(self, host: HostRecord) -> Presence:
        return presence_of(host, self._clock.now().timestamp())
