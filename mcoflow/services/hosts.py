"""What people see of hosts: presence, facts, operations."""

import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from mcoflow.clock import Clock
from mcoflow.domain.requests import HostRecord
from mcoflow.errors import HostNotFoundError
from mcoflow.ports.store import Reader
from mcoflow.services.times import certain_moment
from mcoflow.services.views import HostDetail, HostPage, HostView, Presence

ONLINE_WITHIN: Final = 150.0
LATE_WITHIN: Final = 600.0
"""Seconds since the last message of a host's agent (bus specification, 5.7)."""
PAGE: Final = 50


class Hosts:
    """The use cases of hosts."""

    def __init__(self, reader: Reader, clock: Clock) -> None:
        self._reader, self._clock = reader, clock

    def list(self, *, text: str = "", after: str = "", limit: int = PAGE) -> HostPage:
        """A page of hosts in order of name, those whose name contains `text`."""
        found = self._reader.hosts(after=after, limit=limit + 1, text=text)
        items = [self._view(host) for host in found[:limit]]
        return HostPage(items, items[-1].name if len(found) > limit else "")

    def show(self, name: str) -> HostDetail:
        """One host with facts and operations; HostNotFoundError."""
        host = self._reader.host(name)
        facts = sorted(_flat("", host.facts or {}))
        operations = [
            (operation, _shown(about)) for operation, about in sorted((host.operations or {}).items())
        ]
        return HostDetail(self._view(host), facts, operations)

    def presence(self, names: Iterable[str]) -> Mapping[str, Presence | None]:
        """The presence of each host; None for one never seen. One read for each name."""
        return {name: self._presence_of(name) for name in names}

    def _presence_of(self, name: str) -> Presence | None:
        try:
            return self._presence(self._reader.host(name))
        except HostNotFoundError:
            return None

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
        )

    def _presence(self, host: HostRecord) -> Presence:
        if not host.admitted:
            return Presence.PENDING
        silent = self._clock.now().timestamp() - host.last_seen
        if host.state == "down" or silent > LATE_WITHIN:
            return Presence.OFFLINE
        return Presence.LATE if silent > ONLINE_WITHIN else Presence.ONLINE


def _flat(path: str, value: Any) -> Iterable[tuple[str, str]]:
    """Yield dotted names and values as text."""
    if isinstance(value, Mapping) and value:
        for key, each in value.items():
            yield from _flat(f"{path}.{key}" if path else str(key), each)
    else:
        yield path, _shown(value)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
