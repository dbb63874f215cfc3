"""What stands in the store, as tests ask for it."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from sqlalchemy import text

from mcoflow.action.base import Action
from mcoflow.domain.records import PlanRecord, StepRecord
from mcoflow.domain.requests import EvidenceRecord
from mcoflow.domain.states import Phase
from mcoflow.ports.listing import Listing
from mcoflow.storage.store import SqlStore


class Stored:
    """Looks at the plans in a store."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store

    def plan(self, plan_id: UUID) -> PlanRecord:
        """One plan as it is stored."""
        return self.store.plan(plan_id)

    def steps(self, plan_id: UUID) -> dict[int, StepRecord]:
        """The run and finalize steps by id."""
        rows = self.store.steps(plan_id, limit=10_000)
        return {row.step.id: row.step for row in rows if row.step.phase is not Phase.PLAN}

    def states(self, plan_id: UUID) -> list[str]:
        """The states of the run and finalize steps, in order of id."""
        return [step.state.value for step in self.steps(plan_id).values()]

    def step(self, plan_id: UUID, action: type[Action] | None = None, phase: Phase = Phase.RUN) -> StepRecord:
        """The one step of an action."""
        found = [
            step
            for step in self.steps(plan_id).values()
            if step.phase is phase and (action is None or step.action == action.name)
        ]
        assert len(found) == 1, f"wanted one {phase.value} step of {action and action.name}, found {found}"
        return found[0]

    def output(self, plan_id: UUID, action: type[Action] | None = None) -> dict[str, Any]:
        """The output of the one step of an action."""
        row = self.store.step(plan_id, self.step(plan_id, action).id)
        return dict(json.loads(row.output))

    def history(self, plan_id: UUID) -> list[str]:
        """The names of the lines of a plan's history."""
        return [line.name for line in self.store.history(plan_id)]

    def evidence(self) -> list[EvidenceRecord]:
        """All messages that changed nothing, of whatever plan."""
        with self.store._database.reading() as connection:
            rows = connection.execute(text("SELECT why, host, detail FROM evidence")).all()
        return [EvidenceRecord(0.0, row.why, row.host, None, None, b"", row.detail) for row in rows]

    def count(self, table: str) -> int:
        """How many rows a table has."""
        with self.store._database.reading() as connection:
            return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())  # noqa: S608 - a test's own word

    def ids(self) -> list[UUID]:
        """The ids of all plans, oldest first."""
        return [plan.id for plan in reversed(self.store.plans(Listing(limit=100_000)))]
