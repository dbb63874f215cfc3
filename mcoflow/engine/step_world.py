"""The world as a step sees it: what it triggers and sends has an id that follows from the step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from mcoflow.action.base import Action
from mcoflow.action.world import StoredPlan, WorldHandle
from mcoflow.domain.caller import Caller
from mcoflow.domain.schedule import Schedule
from mcoflow.engine.wanted import Wanted
from mcoflow.ports.engine import SentEvent

OptionsOfCall = Callable[[Wanted], WorldHandle]
"""What makes one plan, or sends one event, with options."""


@dataclass(slots=True)
class StepWorld:
    """The WorldHandle of one call. `since` names the call: the event that it was made for, if any."""

    options: OptionsOfCall
    caller: Caller
    step_id: int
    user: str
    since: UUID | None
    triggered: int = 0

    def trigger(self, action: type[Action], /, *args: Any, **named: Any) -> StoredPlan:
        """See WorldHandle.trigger."""
        return self._next().trigger(action, *args, **named)

    def plan(self, action: type[Action], /, *args: Any, **named: Any) -> StoredPlan:
        """See WorldHandle.plan."""
        return self._next().plan(action, *args, **named)

    def plan_elsewhere(self, action: type[Action], /, *args: Any, **named: Any) -> StoredPlan:
        """See WorldHandle.plan_elsewhere."""
        return self._next().plan_elsewhere(action, *args, **named)

    def delay(self, schedule: Schedule, action: type[Action], /, *args: Any, **named: Any) -> StoredPlan:
        """See WorldHandle.delay."""
        return self._next().delay(schedule, action, *args, **named)

    def event(self, plan_id: UUID, step_id: int, value: Any, *, optional: bool = False) -> SentEvent:
        """See WorldHandle.event."""
        return self._next().event(plan_id, step_id, value, optional=optional)

    def hosts_matching(
        self, target: str, *, limit: str | int | None = None, one: bool = False, seed: int | None = None
    ) -> Sequence[str]:
        """See WorldHandle.hosts_matching."""
        asked = self.options(Wanted(self.user, caller=self.caller))
        return asked.hosts_matching(target, limit=limit, one=one, seed=seed)

    def _next(self) -> WorldHandle:
        self.triggered += 1
        name = f"trigger/{self.step_id}/{self.since or 'start'}/{self.triggered}"
        return self.options(Wanted(self.user, uuid5(self.caller.plan_id, name), caller=self.caller))
