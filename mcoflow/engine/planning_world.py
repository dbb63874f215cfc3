"""The world as a plan method sees it: it can look for hosts, and make nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn
from uuid import UUID

from mcoflow.action.base import Action
from mcoflow.action.world import FindHosts, StoredPlan
from mcoflow.domain.schedule import Schedule
from mcoflow.errors import PhaseError
from mcoflow.ports.engine import SentEvent


@dataclass(frozen=True, slots=True)
class PlanningWorld:
    """The WorldHandle of a plan method; all but hosts_matching raise PhaseError."""

    find_hosts: FindHosts

    def hosts_matching(
        self, target: str, *, limit: str | int | None = None, one: bool = False, seed: int | None = None
    ) -> Sequence[str]:
        """See WorldHandle.hosts_matching."""
        return self.find_hosts(target, limit=limit, one=one, seed=seed)

    def trigger(self, _: type[Action], /, *args: Any, **named: Any) -> StoredPlan:  # noqa: ARG002 - refused whatever they are
        """Refuse."""
        self._refuse()

    def plan(self, _: type[Action], /, *args: Any, **named: Any) -> StoredPlan:  # noqa: ARG002
        """Refuse."""
        self._refuse()

    def plan_elsewhere(self, _: type[Action], /, *args: Any, **named: Any) -> StoredPlan:  # noqa: ARG002
        """Refuse."""
        self._refuse()

    def delay(self, schedule: Schedule, _: type[Action], /, *args: Any, **named: Any) -> StoredPlan:  # noqa: ARG002
        """Refuse."""
        self._refuse()

    def event(self, plan_id: UUID, step_id: int, value: Any, *, optional: bool = False) -> SentEvent:  # noqa: ARG002
        """Refuse."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise PhaseError(
            "in plan, world only finds hosts: other plans are triggered in run, revert and finalize"
        )
