"""What the services ask of a store about the hosts of one task."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol
from uuid import UUID


class Verdict(StrEnum):
    """How it stands with a host in a task: the worst that became of its steps."""

    SUCCEEDED = "succeeded"
    SKIPPED = "skipped"
    OPEN = "open"  #: something is under way, or was not begun
    CANCELLED = "cancelled"
    FAILED = "failed"


class FleetReader(Protocol):
    """Reads what the store keeps with each step."""

    def verdicts(self, plan_id: UUID) -> Mapping[str, Verdict]:
        """How it stands with each host of a plan, in order of name; empty for a plan that is not there."""
