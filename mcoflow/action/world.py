"""What an action may do with other plans while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from mcoflow.domain.schedule import Schedule
from mcoflow.ports.engine import SentEvent

if TYPE_CHECKING:
    from mcoflow.action.base import Action


class StoredPlan(Protocol):
    """A plan that is stored, whatever becomes of it."""

    @property
    def plan_id(self) -> UUID:
        """The plan's id."""


class WorldHandle(Protocol):
    """The part of World that actions have as `self.world`; World itself has it, too.

    In `run`, the ids of plans and events follow from the step and from how many it has made before in the
    same call: a call that is repeated after a crash finds those that the first one made.
    """

    def trigger(self, action: type[Action], /, *args: Any, **named: Any) -> StoredPlan:
        """Plan an action now, and have the plan run; see World.trigger."""

    def plan(self, action: type[Action], /, *args: Any, **named: Any) -> StoredPlan:
        """Plan an action now; the plan runs once somebody executes it."""

    def plan_elsewhere(self, action: type[Action], /, *args: Any, **named: Any) -> StoredPlan:
        """Let an executor plan and run an action."""

    def hosts_matching(
        self, target: str, *, limit: str | int | None = None, one: bool = False, seed: int | None = None
    ) -> Sequence[str]:
        """Return the admitted hosts that a target means now, by name; also in `plan`, which may run again.

        Args:
            target: as people write it: `role=web and not group:old`.
            limit: so many at the most, 25 or "10%" (rounded up).
            one: one that is online.
            seed: choose at random instead of by name; equal seeds choose equally.

        Raises:
            TargetInvalidError, GroupNotFoundError, InputInvalidError: what was written is no target, limit.
            TargetEmptyError: it means no host.
        """

    def delay(self, schedule: Schedule, action: type[Action], /, *args: Any, **named: Any) -> StoredPlan:
        """Let an executor plan and run an action when it is time."""

    def event(self, plan_id: UUID, step_id: int, value: Any, *, optional: bool = False) -> SentEvent:
        """Send an event to a step of a plan now, whatever becomes of this call; see World.event.

        `plan_event` sends one with the result of the call instead. Who waits here for an event to its own
        step waits for ever.
        """


class FindHosts(Protocol):
    """WorldHandle.hosts_matching by itself."""

    def __call__(
        self, target: str, *, limit: str | int | None = None, one: bool = False, seed: int | None = None
    ) -> Sequence[str]:
        """See WorldHandle.hosts_matching."""
