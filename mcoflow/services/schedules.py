"""What people do with tasks that are planned later, and with those that come back."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from mcoflow.clock import Clock
from mcoflow.domain.records import PlanRecord
from mcoflow.domain.recurrence import Recurrence, RecurrenceRecord, RecurrenceState
from mcoflow.domain.schedule import Schedule
from mcoflow.ports.engine import Engine
from mcoflow.ports.listing import Listing
from mcoflow.ports.store import Reader
from mcoflow.services.keys import task_of_key
from mcoflow.services.operations import Operations
from mcoflow.services.placing import Placing, schedule_of
from mcoflow.services.present import arguments_of, standing, title_of
from mcoflow.services.times import certain_moment, moment
from mcoflow.services.views import LastRun, Mark, RecurrenceView

LIVING = (RecurrenceState.ACTIVE, RecurrenceState.DISABLED, RecurrenceState.FAILED)
"""The states of recurrences that may make plans some day."""


_MARKS: Final[Mapping[RecurrenceState, Mark]] = {
    RecurrenceState.ACTIVE: Mark.WAITING,
    RecurrenceState.DISABLED: Mark.PAUSED,
    RecurrenceState.FINISHED: Mark.SUCCESS,
    RecurrenceState.CANCELLED: Mark.CANCELLED,
    RecurrenceState.FAILED: Mark.ERROR,
}


class Schedules:
    """The use cases of tasks that begin later. Those of a scheduled task itself are with the other tasks."""

    def __init__(self, engine: Engine, reader: Reader, clock: Clock, operations: Operations) -> None:
        self._engine, self._reader, self._clock = engine, reader, clock
        self._operations = operations

    def when(self, placing: Placing) -> Schedule | None:
        """Return when a form's task starts, None for at once; FormInvalidError names what is wrong."""
        return schedule_of(placing, self._clock.now())

    def submit(
        self, action: str, arguments: Mapping[str, Any], *, schedule: Schedule, user: str, key: str = ""
    ) -> UUID:
        """Store a task that is planned and run as the schedule says. The same `key` is the same task.

        Raises:
            UnknownActionError, InputInvalidError: nothing was stored.
            PlanExistsError: the key was used for something else.
        """
        arguments = self._operations.prepared(action, arguments)
        return self._engine.schedule(
            action, arguments, schedule=schedule, user=user, plan_id=task_of_key(key)
        )

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
        arguments = self._operations.prepared(action, arguments)
        made = self._engine.recur_action(action, arguments, recurrence=recurrence, user=user)
        return self.recurrence(made)

    def recurrences(self, *, over: bool = False) -> Sequence[RecurrenceView]:
        """Those that may make tasks some day, the newest first; with `over`, all of them."""
        return self._views(self._engine.recurrences.find(*(() if over else LIVING)))

    def recurrence(self, recurrence_id: UUID) -> RecurrenceView:
        """One of them; RecurrenceNotFoundError."""
        return self._view(self._engine.recurrences.get(recurrence_id))

    def enable(self, recurrence_id: UUID) -> RecurrenceView:
        """Let it make tasks again.

        RecurrenceNotFoundError, InvalidMoveError, PurposeTakenError, ScheduleInvalidError: nothing changed.
        """
        return self._view(self._engine.recurrences.enable(recurrence_id))

    def disable(self, recurrence_id: UUID) -> RecurrenceView:
        """Let it make no tasks for a while. RecurrenceNotFoundError, InvalidMoveError."""
        return self._view(self._engine.recurrences.disable(recurrence_id))

    def cancel(self, recurrence_id: UUID) -> RecurrenceView:
        """Let it make no tasks any more. RecurrenceNotFoundError, InvalidMoveError."""
        return self._view(self._engine.recurrences.cancel(recurrence_id))

    def run_now(self, recurrence_id: UUID, *, user: str) -> UUID:
        """Make a task of it beside its times, and return the task's id. RecurrenceNotFoundError."""
        return self._engine.recurrences.run_now(recurrence_id, user=user)

    def _view(self, record: RecurrenceRecord) -> RecurrenceView:
        return self._views([record])[0]

    def _views(self, records: Sequence[RecurrenceRecord]) -> Sequence[RecurrenceView]:
        """Return the views; how their last runs stand takes one look for all of them."""
        wanted = [each.last_plan_id for each in records if each.last_plan_id is not None]
        found = self._reader.plans(Listing(where={"id": wanted}, limit=len(wanted))) if wanted else ()
        plans = {plan.id: plan for plan in found}
        return [_view(each, plans) for each in records]


def _last(plan_id: UUID | None, plans: Mapping[UUID, PlanRecord]) -> LastRun | None:
    if plan_id is None:
        return None
    plan = plans.get(plan_id)
    if plan is None:
        return LastRun(plan_id, Mark.UNKNOWN, "deleted", None)
    return LastRun(plan_id, *standing(plan), certain_moment(plan.created_at))


def _view(record: RecurrenceRecord, plans: Mapping[UUID, PlanRecord]) -> RecurrenceView:
    return RecurrenceView(
        id=record.id,
        title=record.label if record.label != record.action else title_of(record.action),
        action=record.action,
        arguments=arguments_of(record.args),
        state=record.state,
        mark=_MARKS[record.state],
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
        last=_last(record.last_plan_id, plans),
        explanation=record.explanation,
    )
