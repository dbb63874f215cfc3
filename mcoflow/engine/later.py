"""What people want of plans that are planned later, as methods of the world."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from mcoflow.action.base import Action
from mcoflow.domain.recurrence import Recurrence
from mcoflow.domain.schedule import Schedule
from mcoflow.engine.handles import Scheduled
from mcoflow.engine.recurrences import Recurrences
from mcoflow.engine.scheduling import Scheduling
from mcoflow.engine.triggering import Triggering


class Later(ABC):
    """The part of a world that stores plans before they are planned."""

    _scheduling: Scheduling
    _recurrences: Recurrences

    @abstractmethod
    def with_options(
        self, *, plan_id: UUID | None = None, name: str | None = None, user: str = ""
    ) -> Triggering:
        """See World.with_options."""

    def schedule(
        self,
        action: str,
        arguments: Mapping[str, Any],
        *,
        schedule: Schedule,
        user: str,
        plan_id: UUID | None = None,
        after: Collection[UUID] = (),
    ) -> UUID:
        """See Engine.schedule."""
        return self._scheduling.submit(
            action, arguments, schedule=schedule, user=user, plan_id=plan_id, after=after
        )

    def plan_elsewhere(self, action: type[Action], /, *args: Any, **named: Any) -> Scheduled:
        """Store the arguments, and let an executor plan and run the action; returns before `plan` begins.

        Raises as trigger does. An error of `plan` is in the plan, which is stopped with it.
        """
        return self.with_options().plan_elsewhere(action, *args, **named)

    def delay(self, schedule: Schedule, action: type[Action], /, *args: Any, **named: Any) -> Scheduled:
        """Store the arguments, after the action's `delay` phase; planned and run as the schedule says.

        Raises:
            NotSerialisableError: the arguments are no JSON; nothing is stored.
            Exception: what `delay` of the action raises; nothing is stored.
        """
        return self.with_options().delay(schedule, action, *args, **named)

    def chain(self, after: Collection[UUID], action: type[Action], /, *args: Any, **named: Any) -> Scheduled:
        """Plan and run the action once all plans `after` have stopped, with success, warning or halted.

        One that ends in error or is cancelled stops this one, with `failed-dependency` and its id.

        Raises:
            ScheduleInvalidError: `after` is empty, or the plan would wait for itself.
            PlanNotFoundError: one of `after` is not there; nothing is stored.
        """
        return self.with_options().chain(after, action, *args, **named)

    def recur(self, recurrence: Recurrence, action: type[Action], /, *args: Any, **named: Any) -> UUID:
        """Plan and run the action again and again; return the id of the recurrence. Nothing is planned yet.

        The `delay` phase runs once, now. Each plan's id follows from that of the recurrence and its time.

        Raises:
            ScheduleInvalidError: no time is left before its end.
            PurposeTakenError: another active recurrence has its purpose.
            NotSerialisableError: the arguments are no JSON.
        """
        return self.with_options().recur(recurrence, action, *args, **named)

    def recur_action(
        self, action: str, arguments: Mapping[str, Any], *, recurrence: Recurrence, user: str
    ) -> UUID:
        """See Engine.recur_action."""
        return self._scheduling.submit_recurrence(action, arguments, recurrence=recurrence, user=user)

    @property
    def recurrences(self) -> Recurrences:
        """What comes back: find, get, enable, disable, cancel."""
        return self._recurrences

    def freeze(self, plan_id: UUID, *, actor: str = "") -> None:
        """Let a scheduled plan not start. PlanNotFoundError; CommandRefusedError in any other state."""
        self._scheduling.freeze(plan_id, actor=actor)

    def unfreeze(self, plan_id: UUID, *, start_at: datetime | None = None, actor: str = "") -> None:
        """Let a frozen plan start, at `start_at` or else at the time it had. Raises as freeze does."""
        self._scheduling.unfreeze(plan_id, start_at=start_at, actor=actor)
