"""`world.plans`: what is stored about plans, read without the director."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from mcoflow.domain.query import Page, PlanQuery, PlanStatus, Where, cursor_behind
from mcoflow.domain.records import HistoryRecord, StepRecord
from mcoflow.domain.view import PlanView
from mcoflow.errors import PlanNotFoundError
from mcoflow.ports.store import ActionPlace, Store


class Queries:
    """Each method is one look into the database; StoreUnavailableError when it is away."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, query: PlanQuery | None = None) -> Page:
        """One page of plans.

        Raises:
            QueryError: plans have no such field, the value is of another kind, or the cursor is of
                another query.
        """
        asked = query or PlanQuery()
        found = self._store.find_plans(asked)
        shown = found[: asked.per_page]
        behind = cursor_behind(asked, shown[-1]) if len(found) > asked.per_page else None
        return Page(tuple(map(PlanView.of, shown)), behind)

    def count(self, where: Where | None = None) -> int:
        """How many plans match; QueryError as find."""
        return self._store.count_where(where or {})

    def count_ended_since(self, at: datetime) -> int:
        """How many plans have stopped at this time or later."""
        return self._store.count_ended_since(at.timestamp())

    def statuses(self, plan_ids: Collection[UUID]) -> Mapping[UUID, PlanStatus]:
        """Where plans stand; unknown ids are left out."""
        return self._store.statuses(plan_ids)

    def get(self, plan_id: UUID) -> PlanView:
        """One plan; PlanNotFoundError."""
        return PlanView.of(self._store.plan(plan_id))

    def by_name(self, name: str) -> PlanView:
        """The plan that was given this name; PlanNotFoundError."""
        found = self._store.find_plans(PlanQuery({"name": name}, order_by="id", per_page=1))
        if not found:
            raise PlanNotFoundError(name)
        return PlanView.of(found[0])

    def sub_plans(self, plan_id: UUID, *, per_page: int = 20, after: str | None = None) -> Page:
        """One page of the plans that a plan has triggered, in the order of their ids."""
        return self.find(
            PlanQuery({"caller_plan_id": plan_id}, order_by="id", per_page=per_page, after=after)
        )

    def actions(self, plan_id: UUID) -> Sequence[ActionPlace]:
        """The actions of a plan, and which planned which."""
        return self._store.outline(plan_id).actions

    def steps(self, plan_id: UUID) -> Sequence[StepRecord]:
        """All steps of a plan; PlanNotFoundError."""
        return self._store.snapshot(plan_id).steps

    def history(self, plan_id: UUID) -> Sequence[HistoryRecord]:
        """What happened to a plan, oldest first."""
        return self._store.history(plan_id)
