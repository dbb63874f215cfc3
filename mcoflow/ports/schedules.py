"""What the engine needs of a database to plan later. Every method is one transaction."""

from collections.abc import Collection, Sequence
from typing import Protocol
from uuid import UUID

from mcoflow.domain.records import PlanDraft
from mcoflow.domain.recurrence import RecurrenceRecord, RecurrenceState
from mcoflow.domain.schedule import Due, DuePlan, ScheduleRecord


class ScheduleStore(Protocol):
    """The part of the Store that keeps scheduled plans. Thread-safe; all raise StoreUnavailableError."""

    def schedule(self, draft: PlanDraft, schedule: ScheduleRecord, after: Collection[UUID] = ()) -> bool:
        """Store a scheduled plan; True if it may start now.

        It waits for the plans `after` that have not stopped. If one of them ended in error or cancelled, it
        is stored as stopped itself. A plan whose id is taken, made of the same action and args, is left as
        it is.

        Raises:
            PlanExistsError: the id is taken by something else.
            PlanNotFoundError: one of `after` is not there; nothing was stored.
        """

    def due(self, at: float) -> Due:
        """Look, with one indexed statement, what there is to do at a time."""

    def next_due(self) -> float | None:
        """When there will be something to do the next time; None if nothing is scheduled."""

    def claim_due(self, world_id: UUID, at: float, *, limit: int) -> Sequence[DuePlan]:
        """Become the planner (state planning, epoch + 1) of plans that are due, those longest due first.

        Those that may not start any more are stopped instead, with `timeout` or `failed-dependency` in their
        history. A world that is not alive gets none.
        """

    def reschedule(self, at: float, *, world_id: UUID | None = None, keep: Collection[UUID] = ()) -> int:
        """Schedule again the plans whose planner died, or those of a world but `keep`; return how many."""

    def freeze(self, plan_id: UUID, *, actor: str, at: float) -> None:
        """Let a scheduled plan not start. PlanNotFoundError; CommandRefusedError in any other state."""

    def unfreeze(self, plan_id: UUID, start_at: float | None, *, actor: str, at: float) -> None:
        """Let a frozen plan start, at `start_at` if that is given. Raises as freeze does."""

    def cancel_scheduled(self, plan_id: UUID, *, actor: str, at: float) -> bool:
        """Stop a scheduled plan as cancelled; False if it is not scheduled any more: nothing was changed."""


class RecurrenceStore(Protocol):
    """The part of the Store that keeps recurrences. Thread-safe; all raise StoreUnavailableError."""

    def add_recurrence(self, record: RecurrenceRecord) -> None:
        """Insert it. PurposeTakenError: another active one has its purpose."""

    def due_recurrences(self, at: float, *, limit: int) -> Sequence[RecurrenceRecord]:
        """Active ones whose time has come, those longest due first."""

    def fire(self, seen: RecurrenceRecord, then: RecurrenceRecord, drafts: Sequence[PlanDraft]) -> bool:
        """Insert the plans and move the recurrence from `seen` to `then`, or neither; False: it had moved.

        What becomes of a plan while the one before goes on is as `overlap` says. `then` is what it is if all
        plans are inserted.
        """

    def change_recurrence(self, seen: RecurrenceRecord, then: RecurrenceRecord) -> bool:
        """Change state, next time and explanation of a recurrence that is as seen; False if it is not.

        PurposeTakenError: it would be active, and another active one has its purpose.
        """

    def recurrence(self, recurrence_id: UUID) -> RecurrenceRecord:
        """One recurrence; RecurrenceNotFoundError."""

    def recurrences(self, states: Collection[RecurrenceState] = ()) -> Sequence[RecurrenceRecord]:
        """Those in these states, or all, the newest first."""


class ScheduleReader(Protocol):
    """Reads of scheduled plans, for pages and the command line."""

    def schedules(self, plan_ids: Collection[UUID]) -> Sequence[ScheduleRecord]:
        """The schedules of those of these plans that are scheduled, or planned right now."""

    def prerequisites(self, plan_id: UUID) -> Sequence[UUID]:
        """The plans for which a scheduled plan still waits."""
