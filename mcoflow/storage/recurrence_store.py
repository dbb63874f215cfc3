"""The part of the store that keeps recurrences."""

from collections.abc import Collection, Sequence
from uuid import UUID

from mcoflow.domain.records import PlanDraft
from mcoflow.domain.recurrence import RecurrenceRecord, RecurrenceState
from mcoflow.errors import PurposeTakenError
from mcoflow.storage import recurrences
from mcoflow.storage.database import Database, RowExistsError


class SqlRecurrences:
    """The promises are those of `mcoflow.ports.schedules`. Thread-safe."""

    _database: Database

    def add_recurrence(self, record: RecurrenceRecord) -> None:
        """Insert it. PurposeTakenError: another active one has its purpose."""
        try:
            with self._database.writing() as connection:
                recurrences.add(connection, record)
        except RowExistsError:
            raise PurposeTakenError(record.purpose or "") from None

    def due_recurrences(self, at: float, *, limit: int) -> Sequence[RecurrenceRecord]:
        """Active ones whose time has come, those longest due first."""
        with self._database.glancing() as connection:
            return recurrences.due(connection, at, limit)

    def fire(self, seen: RecurrenceRecord, then: RecurrenceRecord, drafts: Sequence[PlanDraft]) -> bool:
        """Insert the plans and move the recurrence from `seen` to `then`, or neither; False: it had moved."""
        with self._database.writing() as connection:
            return recurrences.fire(connection, self._database.bulk, seen, then, drafts)

    def change_recurrence(self, seen: RecurrenceRecord, then: RecurrenceRecord) -> bool:
        """Change a recurrence that is as seen; False if it is not. PurposeTakenError."""
        try:
            with self._database.writing() as connection:
                return recurrences.change(connection, seen, then)
        except RowExistsError:
            raise PurposeTakenError(seen.purpose or "") from None

    def recurrence(self, recurrence_id: UUID) -> RecurrenceRecord:
        """One recurrence; RecurrenceNotFoundError."""
        with self._database.glancing() as connection:
            return recurrences.one(connection, recurrence_id)

    def recurrences(self, states: Collection[RecurrenceState] = ()) -> Sequence[RecurrenceRecord]:
        """Those in these states, or all, the newest first."""
        with self._database.glancing() as connection:
            return recurrences.some(connection, states)
