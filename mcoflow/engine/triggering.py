"""World.with_options: a world whose plans have an id, a name, a user or a caller that somebody chose."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from mcoflow.action.base import Action
from mcoflow.domain.recurrence import Recurrence
from mcoflow.domain.schedule import Schedule
from mcoflow.engine.commands import Commands
from mcoflow.engine.event_futures import EventFuture
from mcoflow.engine.handles import Planned, PlanningFailed, Scheduled, Triggered
from mcoflow.engine.intake import Intake
from mcoflow.engine.scheduling import Scheduling
from mcoflow.engine.wanted import Wanted


@dataclass(frozen=True, slots=True)
class Triggering:
    """Makes plans, and sends events, with options; World.with_options makes it."""

    intake: Intake
    scheduling: Scheduling
    commands: Commands
    wanted: Wanted

    def plan(self, action: type[Action], /, *args: Any, **named: Any) -> Planned | PlanningFailed:
        """See World.plan."""
        return self.intake.plan(action, args, named, self.wanted)

    def trigger(self, action: type[Action], /, *args: Any, **named: Any) -> Triggered | PlanningFailed:
        """See World.trigger."""
        return self.intake.trigger(action, args, named, self.wanted)

    def plan_elsewhere(self, action: type[Action], /, *args: Any, **named: Any) -> Scheduled:
        """See World.plan_elsewhere."""
        return self.delay(Schedule(), action, *args, **named)

    def delay(self, schedule: Schedule, action: type[Action], /, *args: Any, **named: Any) -> Scheduled:
        """See World.delay."""
        return self.scheduling.delay(schedule, action, args, named, self.wanted)

    def chain(self, after: Collection[UUID], action: type[Action], /, *args: Any, **named: Any) -> Scheduled:
        """See World.chain."""
        return self.scheduling.chain(after, action, args, named, self.wanted)

    def recur(self, recurrence: Recurrence, action: type[Action], /, *args: Any, **named: Any) -> UUID:
        """See World.recur."""
        return self.scheduling.recur(recurrence, action, args, named, user=self.wanted.user)

    def hosts_matching(
        self, target: str, *, limit: str | int | None = None, one: bool = False, seed: int | None = None
    ) -> Sequence[str]:
        """See WorldHandle.hosts_matching."""
        return self.intake.find_hosts(target, limit=limit, one=one, seed=seed)

    def event(self, plan_id: UUID, step_id: int, value: Any, *, optional: bool = False) -> EventFuture:
        """See World.event. A `plan_id` among the options is the event's id: sent twice, it is one event."""
        wanted = self.wanted
        return self.commands.send(
            plan_id, step_id, value, optional=optional, actor=wanted.user, event_id=wanted.plan_id
        )
