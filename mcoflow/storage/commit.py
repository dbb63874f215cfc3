"""The one transaction in which a batch of the director is written.

The number of statements depends on the kinds of changes, never on how many there are.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar
from uuid import UUID

from sqlalchemy import Connection, and_, select

from mcoflow.domain.records import PlanDraft, PlanRecord
from mcoflow.domain.requests import RequestState
from mcoflow.errors import LeaseLostError, PlanExistsError
from mcoflow.ports.store import Changes
from mcoflow.storage import actions, commands, notes, plans, requests, steps, waits
from mcoflow.storage.many import Bulk, Fields, Many, Row, fields_of
from mcoflow.storage.tables import blueprints
from mcoflow.storage.tables import plans as plan_table
from mcoflow.storage.texts import hex_rows

_T = TypeVar("_T")
_ID: Final[Fields] = fields_of(plan_table.c.id)


class StepsMovedError(Exception):
    """Steps were not in the state last seen; the caller rolls back and finds out which."""


@dataclass(frozen=True)
class Batch:
    """A batch on its way into the database, inside the caller's transaction."""

    connection: Connection
    bulk: Bulk

    def write(self, changes: Changes) -> None:
        """Write everything. The plans come first: they are the fence for all the rest."""
        self._fence(changes.plans)
        self._plan(changes.new_plans)
        self._move(changes)
        outputs = {(each.plan_id, each.action_id): each for each in changes.outputs}
        self._all(actions.UPDATE_OUTPUTS, actions.changed_output, outputs.values())
        self._send(changes)
        self._all(waits.INSERT_TIMERS, waits.new_timer, changes.new_timers)
        self._run(waits.DROP_TIMERS, hex_rows(changes.dropped_timers))
        self._all(waits.INSERT_EVENTS, waits.new_event, changes.new_events)
        self._run(waits.DROP_EVENTS, hex_rows(changes.consumed_events))
        self._all(notes.INSERT_HISTORY, notes.new_history, changes.history)
        self._all(notes.INSERT_EVIDENCE, notes.new_evidence, changes.evidence)
        notes.forget_old_malformed(self.connection, changes.evidence)
        self._all(commands.ANSWER_COMMANDS, commands.new_answer, changes.answers)

    def _run(self, many: Many, rows: Sequence[Row]) -> int:
        return self.bulk.run(self.connection, many, rows) if rows else 0

    def _all(self, many: Many, row: Callable[[_T], Row], values: Iterable[_T]) -> int:
        return self._run(many, list(map(row, values)))

    def _fence(self, touched: Iterable[PlanRecord]) -> None:
        changed = list({plan.id: plan for plan in touched}.values())
        if self._all(plans.UPDATE_PLANS, plans.changed_plan, changed) != len(changed):
            raise LeaseLostError(self._lost(changed))

    def _lost(self, changed: Sequence[PlanRecord]) -> Iterable[UUID]:
        """Return the plans that have another epoch now, or are gone."""
        ids = self.bulk.rows(_ID, hex_rows(plan.id for plan in changed))
        found = self.connection.execute(
            select(plan_table.c.id, plan_table.c.epoch).where(plan_table.c.id.in_(select(ids)))
        )
        epochs = {row.id: row.epoch for row in found}
        return [plan.id for plan in changed if epochs.get(plan.id) != plan.epoch]

    def _plan(self, drafts: Sequence[PlanDraft]) -> None:
        if not drafts:
            return
        new = self._not_stored(drafts)
        self._run(plans.INSERT_PLANS, [plans.new_plan(draft.plan) for draft in new])
        self._run(plans.INSERT_BLUEPRINTS, [plans.new_blueprint(draft.plan, draft.graph) for draft in new])
        self._run(
            actions.INSERT_ACTIONS,
            [actions.new_action(plan, each) for plan, draft in _by_digits(new) for each in draft.actions],
        )
        self._run(
            steps.INSERT_STEPS,
            [steps.new_step(plan, each) for plan, draft in _by_digits(new) for each in draft.steps],
        )
        self._all(notes.INSERT_HISTORY, notes.new_history, (line for draft in new for line in draft.history))

    def _not_stored(self, drafts: Sequence[PlanDraft]) -> Collection[PlanDraft]:
        """Leave out plans that are stored already, or come twice; PlanExistsError if they differ."""
        ids = self.bulk.rows(_ID, hex_rows(draft.plan.id for draft in drafts))
        found = self.connection.execute(
            select(plan_table.c.id, plan_table.c.action, blueprints.c.args).where(
                and_(plan_table.c.id.in_(select(ids)), blueprints.c.plan_id == plan_table.c.id)
            )
        )
        taken = {row.id: (row.action, row.args) for row in found}
        new: dict[UUID, PlanDraft] = {}
        for draft in drafts:
            plan = draft.plan
            if plan.id not in taken:
                taken[plan.id] = (plan.action, plan.args)
                new[plan.id] = draft
            elif not plans.same_plan(plan, *taken[plan.id]):
                raise PlanExistsError(
                    f"task {plan.id} exists, made from {taken[plan.id][0]} with other arguments: "
                    "trigger with a new id"
                )
        return new.values()

    def _move(self, changes: Changes) -> None:
        if self._all(steps.UPDATE_STEPS, steps.changed_step, changes.steps) != len(changes.steps):
            raise StepsMovedError

    def _send(self, changes: Changes) -> None:
        self._all(requests.INSERT_REQUESTS, requests.new_request, changes.new_requests)
        latest = {each.id: each for each in changes.requests}.values()
        ended = [each for each in latest if each.state is RequestState.ENDED]
        others = [each for each in latest if each.state is not RequestState.ENDED]
        self._all(requests.UPDATE_REQUESTS, requests.changed_request, others)
        self._all(requests.END_REQUESTS, requests.changed_request, ended)
        self._run(requests.CONFIRM_REQUESTS, hex_rows(changes.confirmed))


def _by_digits(drafts: Iterable[PlanDraft]) -> Iterable[tuple[str, PlanDraft]]:
    return ((draft.plan.id.hex, draft) for draft in drafts)
