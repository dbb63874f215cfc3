"""What people do with tasks that are planned later, and with those that come back."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from mcoflow.clock import Clock
from mcoflow.domain.recurrence import Recurrence, RecurrenceRecord, RecurrenceState
from mcoflow.domain.schedule import Schedule
from mcoflow.ports.engine import Engine
from mcoflow.services.present import arguments_of, title_of
from mcoflow.services.times import certain_moment, moment
from mcoflow.services.views import RecurrenceView

LIVING = (RecurrenceState.ACTIVE, RecurrenceState.DISABLED, RecurrenceState.FAILED)
"""The states of recurrences that may make plans some day."""


class Schedules:
    """The use cases of tasks that begin later. Those of a scheduled task itself are with the other tasks."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def submit(self, action: str, arguments: Mapping[str, Any], *, schedule: Schedule, user: str) -> UUID:
        """Store a task that is planned and run as the schedule says.

        Raises:
            UnknownActionError, InputInvalidError: nothing was stored.
        """
        return self._engine.schedule(action, arguments, schedule=schedule, user=user)

    def freeze(self, plan_id: UUID, *, actor: str) -> None:
        """Let a scheduled task not begin. PlanNotFoundError; CommandRefusedError in any other state."""
        self._engine.freeze(plan_id, actor=actor)

    def unfreeze(self, plan_id: UUID, *, start_at: datetime | None, actor: str) -> None:
        """Let it begin, at a time or else when it was to. Raises as freeze does."""
        self._engine.unfreeze(plan_id, start_at=start_at, actor=actor)

    # -- what comes back ----------------------------------------------------------------------------------

    def recur(
        self, action: str, arguments: Mapping[str, Any], *, recurrence: Recurrence, user: str
    ) -> RecurrenceView:
        """Let a task come back. Raises as submit does, and ScheduleInvalidError, PurposeTakenError."""
        made = self._engine.recur_action(action, arguments, recurrence=recurrence, user=user)
        return _view(self._engine.recurrences.get(made))

    def recurrences(self, *, over: bool = False) -> Sequence[RecurrenceView]:
        """Those that may make tasks some day, the newest first; with `over`, all of them."""
        return [_view(each) for each in self._engine.recurrences.find(*(() if over else LIVING))]

    def enable(self, recurrence_id: UUID) -> RecurrenceView:
        """Let it make tasks again.

        RecurrenceNotFoundError, InvalidMoveError, PurposeTakenError, ScheduleInvalidError: nothing changed.
        """
        return _view(self._engine.recurrences.enable(recurrence_id))

    def disable(self, recurrence_id: UUID) -> RecurrenceView:
        """Let it make no tasks for a while. RecurrenceNotFoundError, InvalidMoveError."""
        return _view(self._engine.recurrences.disable(recurrence_id))

    def cancel(self, recurrence_id: UUID) -> RecurrenceView:
        """Let it make no tasks any more. RecurrenceNotFoundError, InvalidMoveError."""
        return _view(self._engine.recurrences.cancel(recurrence_id))


def _view(record: RecurrenceRecord) -> RecurrenceView:
    return RecurrenceView(
        id=record.id,
        title=record.label if record.label != record.action else title_of(record.action),
        action=record.action,
        arguments=arguments_of(record.args),
        state=record.state,
        cron=record.cron,
        timezone=record.timezone,
        starts=moment(record.starts),
        ends=moment(record.ends),
        max_runs=record.max_runs,
        overlap=record.overlap,
        missed=record.missed,
        purpose=record.purpose or "",
        user=record.user,
        created_at=certain_moment(record.created_at),
        next_at=moment(record.next_at) if record.state is RecurrenceState.ACTIVE else None,
        runs=record.runs,
        last_plan_id=record.last_plan_id,
        explanation=record.explanation,
    )
