"""What discoveries need of a database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol
from uuid import UUID

from mcoflow.domain.discovery import AnswerRecord, Counting, DiscoveryRecord, MetHost, Standing
from mcoflow.domain.requests import HostRecord


class DiscoveryReader(Protocol):
    """A part of the store: reads, each in one statement."""

    def discovery(self, discovery_id: UUID) -> DiscoveryRecord:
        """One discovery; DiscoveryNotFoundError."""

    def count_met(self, discovery_id: UUID) -> Counting:
        """How the hosts of a discovery stand; all 0 if there is none."""

    def met_hosts(
        self,
        discovery_id: UUID,
        standing: Standing,
        *,
        after: tuple[float, str] = (0.0, ""),
        limit: int = 1000,
    ) -> Sequence[MetHost]:
        """Hosts that stand so. The answered by (answered_at, name), the others by name; from `after` on."""

    def hosts_in_conflict(self, since: float) -> Sequence[HostRecord]:
        """Hosts that two daemons were known to be at a time or later, by name, facts left None."""


class DiscoveryStore(DiscoveryReader, Protocol):
    """A part of the store."""

    def add_discovery(self, record: DiscoveryRecord, *, forget_before: float) -> None:
        """Insert a discovery that waits for an executor, and forget those asked before a time."""

    def waiting_discoveries(self) -> Sequence[UUID]:
        """Discoveries that have not ended and that no living executor has, the oldest first; 20 at most."""

    def claim_discovery(self, discovery_id: UUID, world_id: UUID) -> DiscoveryRecord | None:
        """Become the executor of a discovery; None if it has ended or a living one has it."""

    def expect_hosts(self, discovery_id: UUID, hosts: Collection[MetHost]) -> None:
        """Insert hosts that are expected to answer; those that are there stay as they are."""

    def begin_discovery(self, discovery_id: UUID, world_id: UUID, at: float) -> bool:
        """Note that hosts are asked from now on; False if it is not, or no longer, this executor's."""

    def save_answers(self, answers: Collection[AnswerRecord]) -> None:
        """Insert or update hosts that answered; of several answers the first stands."""

    def end_discovery(
        self,
        discovery_id: UUID,
        world_id: UUID,
        at: float,
        *,
        problem: str = "",
        foreign: int = 0,
        offline: Collection[str] = (),
        connected: Collection[str] = (),
    ) -> bool:
        """End a discovery of this executor; False if it is not.

        `offline` and `connected`, 1,000 at most together, name hosts without an answer of which it was found
        out meanwhile.
        """
