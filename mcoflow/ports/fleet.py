"""What the services ask of a store about the hosts of one task."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from mcoflow.domain.outcome import Outcome
from mcoflow.domain.records import ErrorRecord, StepRecord
from mcoflow.domain.standing import Standing
from mcoflow.domain.states import Phase, StepState


class Verdict(StrEnum):
    """How it stands with a host in a task: the worst that became of its steps."""

    SUCCEEDED = "succeeded"
    SKIPPED = "skipped"
    OPEN = "open"  #: something is under way, or was not begun
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong on a host, in the same words as on others. `error`: only where it tells more."""

    standing: Standing
    reason: str = ""
    error: ErrorRecord | None = None


@dataclass(frozen=True, slots=True)
class HostStanding:
    """How a host stands; `step_id`: the step that decided it. Times are Unix, None: not yet.

    `warnings` are those of that step, where it warned.
    """

    host: str
    step_id: int
    trouble: Trouble
    started_at: float | None
    ended_at: float | None
    warnings: tuple[str, ...] = ()

    @property
    def standing(self) -> Standing:
        """How it stands, in one word."""
        return self.trouble.standing


@dataclass(frozen=True, slots=True)
class SameTrouble:
    """On how many hosts the same went wrong, and the first of them by name."""

    trouble: Trouble
    number: int
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """Some neighbours by name: the worst of how they stand, and how many they are."""

    first: str
    last: str
    number: int
    worst: Standing


@dataclass(frozen=True, slots=True)
class StepsWanted:
    """Which steps of a plan; what is empty chooses none out."""

    states: Collection[StepState] = ()
    hosts: Collection[str] = ()
    phases: Collection[Phase] = ()


class FleetReader(Protocol):
    """Reads what the store keeps with each step, each in one statement; no plan is a plan without hosts."""

    def verdicts(self, plan_id: UUID) -> Mapping[str, Verdict]:
        """How it stands with each host of a plan, in order of name; empty for a plan that is not there."""

    def standings(self, plan_id: UUID) -> Mapping[Standing, int]:
        """How many hosts stand how, from the best; those that no host has are left out."""

    def troubles(self, plan_id: UUID, *, limit: int, named: int) -> Sequence[SameTrouble]:
        """What went wrong, the most frequent first; of each at most `named` hosts."""

    def hosts_standing(
        self,
        plan_id: UUID,
        *,
        standings: Collection[Standing] = (),
        trouble: Trouble | None = None,
        after: str = "",
        limit: int = 50,
    ) -> Sequence[HostStanding]:
        """Hosts by name from the first after `after`; only those that stand so, or have this trouble."""

    def standing_of(self, plan_id: UUID, host: str) -> HostStanding | None:
        """How one host stands; None if the plan has nothing to do there."""

    def heat(self, plan_id: UUID, *, hosts: int, cells: int) -> Sequence[Cell]:
        """All hosts by name, `hosts` of them, in at most so many cells."""

    def hosts_with(
        self, plan_id: UUID, outcomes: Collection[Outcome], *, limit: int
    ) -> tuple[int, Sequence[str]]:
        """How many hosts have a step that ended so, and the first of them by name."""

    def steps_among(
        self, plan_id: UUID, wanted: StepsWanted, *, after: int = 0, limit: int = 50
    ) -> Sequence[StepRecord]:
        """Steps in order of id from the first after `after`, without their data."""
