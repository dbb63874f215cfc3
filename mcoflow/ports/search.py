"""What is asked about many plans at once, and what removes them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from mcoflow.domain.query import Doomed, PlanQuery, PlanStatus, Where
from mcoflow.domain.records import HistoryRecord, PlanRecord


class PlanSearch(Protocol):
    """A part of the store. Each method is one transaction; all raise QueryError for a field there is not."""

    def find_plans(self, query: PlanQuery) -> Sequence[PlanRecord]:
        """One page of plans, and one more if there are any behind it. Raises QueryError for a bad cursor."""

    def count_where(self, where: Where) -> int:
        """How many plans match."""

    def count_ended_since(self, at: float) -> int:
        """How many plans have stopped at this time or later."""

    def statuses(self, plan_ids: Collection[UUID]) -> Mapping[UUID, PlanStatus]:
        """Where plans stand; unknown ids are left out."""

    def delete_plan(self, plan_id: UUID) -> bool:
        """Remove a plan that is stopped, or paused with an error, with all that belongs to it, sub-plans too.

        Returns False if it stands elsewhere, or others wait for it; then nothing was changed.

        Raises:
            PlanNotFoundError: no such plan.
            CommandRefusedError: sub-plans of it have not stopped; nothing was changed.
        """

    def living_below(self, plan_id: UUID) -> Collection[UUID]:
        """A page of the sub-plans of a plan, and of theirs, that have not stopped; parents first."""

    def count_doomed(self, doomed: Doomed) -> int:
        """How many plans would be removed, whatever the limit."""

    def doomed(self, doomed: Doomed) -> Sequence[UUID]:
        """Up to `limit` plans to remove, the oldest first; children only once their parents are gone."""

    def dump_plans(self, plan_ids: Collection[UUID]) -> Sequence[Mapping[str, Any]]:
        """All rows of plans, as JSON objects: id, and table → rows."""

    def delete_plans(self, plan_ids: Collection[UUID]) -> int:
        """Remove those of the plans that are stopped with all that belongs to them; return how many."""

    def invalidate_world(self, world_id: UUID) -> bool:
        """Let a world be dead from now on; False if it is no living one. Its plans can be claimed at once."""

    def orphans(self) -> Mapping[str, int]:
        """Rows whose plan is gone, by table; those without any are left out."""

    def now(self) -> float:
        """The database's clock."""

    def history(self, plan_id: UUID) -> Sequence[HistoryRecord]:
        """The history of a plan, oldest first."""
