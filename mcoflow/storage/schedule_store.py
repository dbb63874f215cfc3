"""The part of the store that keeps scheduled plans."""

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from mcoflow.domain.records import HistoryRecord, PlanDraft
from mcoflow.domain.schedule import Due, DuePlan, ScheduleRecord
from mcoflow.domain.states import PlanResult
from mcoflow.storage import chains, refused, schedules
from mcoflow.storage.database import Database, DeadlockError, RowExistsError

_TRIES: Final = 10
"""A busy server may choose us more than once, when it ends one of those who wait for each other."""


class SqlSchedules:
    """The promises are those of `mcoflow.ports.schedules`. Thread-safe."""

    _database: Database

    def schedule(self, draft: PlanDraft, schedule: ScheduleRecord, after: Collection[UUID] = ()) -> bool:
        """Store a scheduled plan; True if it may start now."""
        for _ in range(_TRIES - 1):
            try:
                return self._schedule(draft, schedule, after)
            except DeadlockError:
                continue  # we and who ends several of them at once have waited for each other
            except RowExistsError:
                continue  # another process stored it after we had looked; now it is there to be seen
        return self._schedule(draft, schedule, after)

    def _schedule(self, draft: PlanDraft, schedule: ScheduleRecord, after: Collection[UUID]) -> bool:
        bulk = self._database.bulk
        with self._database.writing() as connection:
            if not refused.not_stored(connection, bulk, [draft]):
                return False
            open_now = chains.add(connection, bulk, draft, schedule, after)
        return open_now and not schedule.frozen

    def due(self, at: float) -> Due:
        """Look, with one indexed statement, what there is to do at a time."""
        with self._database.glancing() as connection:
            return schedules.look(connection, at)

    def next_due(self) -> float | None:
        """When there will be something to do the next time; None if nothing is scheduled."""
        with self._database.glancing() as connection:
            return schedules.next_due(connection)

    def claim_due(self, world_id: UUID, at: float, *, limit: int) -> Sequence[DuePlan]:
        """Become the planner of plans that are due; stop those that may not start any more."""
        with self._database.writing() as connection:
            return schedules.claim(connection, self._database.bulk, world_id, at, limit)

    def reschedule(self, at: float, *, world_id: UUID | None = None, keep: Collection[UUID] = ()) -> int:
        """Schedule again the plans whose planner died, or those of a world but `keep`; return how many."""
        with self._database.writing() as connection:
            return schedules.reschedule(connection, self._database.bulk, at, world_id, keep)

    def freeze(self, plan_id: UUID, *, actor: str, at: float) -> None:
        """Let a scheduled plan not start."""
        with self._database.writing() as connection:
            schedules.freeze(connection, plan_id)
            line = HistoryRecord(plan_id, at, "freeze", actor=actor)
            schedules.note(connection, self._database.bulk, line)

    def unfreeze(self, plan_id: UUID, start_at: float | None, *, actor: str, at: float) -> None:
        """Let a frozen plan start, at `start_at` if that is given."""
        with self._database.writing() as connection:
            schedules.unfreeze(connection, plan_id, start_at)
            line = HistoryRecord(plan_id, at, "unfreeze", actor=actor)
            schedules.note(connection, self._database.bulk, line)

    def cancel_scheduled(self, plan_id: UUID, *, actor: str, at: float) -> bool:
        """Stop a scheduled plan as cancelled; False if it is not scheduled any more."""
        end = schedules.End(plan_id, PlanResult.CANCELLED, "finish execution", "cancelled", actor)
        with self._database.writing() as connection:
            return schedules.cancel(connection, self._database.bulk, end, at)

    def schedules(self, plan_ids: Collection[UUID]) -> Sequence[ScheduleRecord]:
        """The schedules of those of these plans that are scheduled, or planned right now."""
        with self._database.glancing() as connection:
            return schedules.schedules_of(connection, self._database.bulk, plan_ids)

    def prerequisites(self, plan_id: UUID) -> Sequence[UUID]:
        """The plans for which a scheduled plan still waits."""
        with self._database.glancing() as connection:
            return schedules.prerequisites_of(connection, plan_id)
