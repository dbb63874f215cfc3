"""The part of the store that searches plans and removes them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from mcoflow.domain.query import Doomed, PlanQuery, PlanStatus, Where
from mcoflow.domain.records import PlanRecord
from mcoflow.storage import deleting, queries, sub_plans, worlds
from mcoflow.storage.database import Database


class SqlSearch:
    """The promises are those of `mcoflow.ports.search`."""

    _database: Database

    def find_plans(self, query: PlanQuery) -> Sequence[PlanRecord]:
        """One page of plans, and one more if there are any behind it."""
        with self._database.reading() as connection:
            return queries.find(connection, query)

    def count_where(self, where: Where) -> int:
        """How many plans match."""
        with self._database.reading() as connection:
            return queries.count(connection, where)

    def count_ended_since(self, at: float) -> int:
        """How many plans have stopped at this time or later."""
        with self._database.reading() as connection:
            return queries.count_ended_since(connection, at)

    def statuses(self, plan_ids: Collection[UUID]) -> Mapping[UUID, PlanStatus]:
        """Where plans stand; unknown ids are left out."""
        with self._database.glancing() as connection:
            return queries.statuses(connection, self._database.bulk, plan_ids)

    def invalidate_world(self, world_id: UUID) -> bool:
        """Let a world be dead from now on; False if it is no living one."""
        with self._database.writing() as connection:
            return worlds.invalidate(connection, world_id)

    def orphans(self) -> Mapping[str, int]:
        """Rows whose plan is gone, by table."""
        with self._database.reading() as connection:
            return deleting.orphans(connection)

    def delete_plan(self, plan_id: UUID) -> bool:
        """Remove a plan that is stopped, or paused with an error; False if it stands elsewhere."""
        with self._database.writing() as connection:
            return deleting.delete_plan(connection, self._database.bulk, plan_id)

    def living_below(self, plan_id: UUID) -> Collection[UUID]:
        """A page of the sub-plans of a plan, and of theirs, that have not stopped; parents first."""
        with self._database.reading() as connection:
            return sub_plans.living_below(connection, plan_id)

    def count_doomed(self, doomed: Doomed) -> int:
        """How many plans would be removed, whatever the limit."""
        with self._database.reading() as connection:
            return deleting.count_doomed(connection, doomed)

    def doomed(self, doomed: Doomed) -> Sequence[UUID]:
        """Up to `limit` plans to remove, the oldest first; children only once their parents are gone."""
        with self._database.reading() as connection:
            return deleting.doomed_plans(connection, doomed)

    def dump_plans(self, plan_ids: Collection[UUID]) -> Sequence[Mapping[str, Any]]:
        """All rows of plans, as JSON objects."""
        with self._database.reading() as connection:
            return deleting.dump_plans(connection, self._database.bulk, plan_ids)

    def delete_plans(self, plan_ids: Collection[UUID]) -> int:
        """Remove those of the plans that are stopped; return how many."""
        with self._database.writing() as connection:
            return deleting.delete_plans(connection, self._database.bulk, plan_ids)
