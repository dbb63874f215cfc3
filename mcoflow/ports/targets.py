"""What finding hosts, and letting them in, needs of a database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from mcoflow.domain.groups import GroupRecord
from mcoflow.domain.requests import HostRecord


@dataclass(frozen=True, slots=True)
class Candidate:
    """An admitted host. `told` are its facts as JSON text, None if they were not asked for or never told.

    Of the record only identity, admitted, state, simulated, collectives and last_seen are filled in.
    """

    host: HostRecord
    told: str | None


class TargetReader(Protocol):
    """A part of the store: reads, each in one statement."""

    def candidates(self, *, facts: bool) -> Sequence[Candidate]:
        """All admitted hosts in order of name; without facts it costs a tenth."""

    def groups(self) -> Sequence[GroupRecord]:
        """All groups, in order of name."""


class TargetStore(TargetReader, Protocol):
    """A part of the store."""

    def save_group(self, group: GroupRecord) -> None:
        """Insert a group, or replace the one of this name."""

    def remove_group(self, name: str) -> bool:
        """Remove a group; False if there is none of this name."""

    def pending_hosts(self, limit: int) -> Sequence[str]:
        """Hosts that wait to be admitted, those first that have waited longest."""

    def admit_hosts(self, names: Collection[str]) -> Collection[str]:
        """Admit those of these hosts (1,000 at most) that were ever seen; return which those are."""

    def remove_host(self, name: str) -> bool:
        """Forget a host and all that it told; False if there is none of this name.

        Raises:
            HostBusyError: it has requests that have not ended; nothing was changed.
        """
