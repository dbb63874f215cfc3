"""Which hosts are let in: all that say that they are there, or those that a person admits."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from mcoflow.domain.requests import HostRecord
from mcoflow.errors import BusError, BusUnavailableError, HostNotFoundError
from mcoflow.ports.bus import ExecutorConnector
from mcoflow.ports.store import Store

log = logging.getLogger("mcoflow.admission")
MOST_PENDING: Final = 100
"""Hosts that may wait for a person at a time: anybody who reaches the broker can claim any name."""
_NAMES: Final = 1000
"""Hosts that are looked up by one statement."""


class Admissions:
    """What people decide about hosts."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def admit(self, names: Sequence[str]) -> None:
        """See Engine.admissions."""
        found = set(self._store.admit_hosts(names))
        if missing := [name for name in names if name not in found]:
            others = "; the others were let in" if found else ""
            raise HostNotFoundError(
                f"never heard of {', '.join(missing[:10])}: start `mcoflow agent` there first, then admit it"
                f"{others}"
            )

    def remove(self, name: str) -> None:
        """See Engine.admissions."""
        if not self._store.remove_host(name):
            raise HostNotFoundError(f"no host {name!r} was ever seen: see `mcoflow host list`")


class Door:
    """Judges the hosts that an executor hears of, when a person has to admit them.

    What stands in the database counts, not what the executor remembers. A host that may not be in loses its
    queues, and with them what waits there.
    """

    def __init__(self, store: Store, connector: ExecutorConnector) -> None:
        self._store = store
        self._connector = connector

    def judge(
        self, records: Sequence[HostRecord], remembered: Mapping[str, HostRecord]
    ) -> Sequence[HostRecord]:
        """Return the records as they stand now, without those for whom there is no place to wait."""
        stored = self._stored([each.identity for each in records])
        room = MOST_PENDING
        if len(stored) < len(records):
            room -= len(self._store.pending_hosts(MOST_PENDING))
        judged = []
        for record in records:
            known = stored.get(record.identity)
            if known is None and room < 1:
                log.warning("host.turned_away", extra={"host": record.identity, "pending": MOST_PENDING})
                continue
            room -= known is None
            admitted = known is not None and known.admitted
            before = remembered.get(record.identity)
            if not admitted and (known is None or (before is not None and before.admitted)):
                self._shut_out(record.identity)
            judged.append(replace(record, admitted=admitted))
        return judged

    def _shut_out(self, host: str) -> None:
        """Delete the queues that it may have from the time when it was let in."""
        try:
            self._connector.remove_host(host)
        except BusUnavailableError:
            raise
        except BusError as error:
            log.error("host.not_shut_out", extra={"host": host, "reason": str(error)})
        else:
            log.info("host.pending", extra={"host": host})

    def _stored(self, names: Sequence[str]) -> Mapping[str, HostRecord]:
        found: dict[str, HostRecord] = {}
        for start in range(0, len(names), _NAMES):
            for each in self._store.hosts_named(names[start : start + _NAMES]):
                found[each.identity] = each
        return found
