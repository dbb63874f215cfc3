"""Why a batch was refused: looked up when it was, because seldom is one."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, and_, select

from mcoflow.domain.records import PlanDraft, PlanRecord
from mcoflow.errors import LeaseLostError, NameTakenError, PlanExistsError, StaleStepError
from mcoflow.ports.store import StepChange
from mcoflow.storage.many import Bulk, Lookup, fields_of
from mcoflow.storage.plans import same_plan
from mcoflow.storage.steps import stored_states
from mcoflow.storage.tables import blueprints, plans
from mcoflow.storage.texts import hex_rows

_ID: Final = fields_of(plans.c.id)
_EPOCHS: Final = Lookup(
    _ID, lambda wanted: select(plans.c.id, plans.c.epoch).where(plans.c.id.in_(select(wanted)))
)
_MADE_FROM: Final = Lookup(
    _ID,
    lambda wanted: select(plans.c.id, plans.c.action, blueprints.c.args).where(
        and_(plans.c.id.in_(select(wanted)), blueprints.c.plan_id == plans.c.id)
    ),
)


_NAMED: Final = Lookup(
    fields_of(plans.c.name),
    lambda wanted: select(plans.c.id, plans.c.name).where(plans.c.name.in_(select(wanted))),
)


def lost_leases(connection: Connection, bulk: Bulk, touched: Sequence[PlanRecord]) -> LeaseLostError:
    """Name the plans that have another epoch now, or are gone."""
    found = bulk.find(connection, _EPOCHS, hex_rows(plan.id for plan in touched))
    epochs = {row.id: row.epoch for row in found}
    return LeaseLostError(plan.id for plan in touched if epochs.get(plan.id) != plan.epoch)


def stale_steps(connection: Connection, bulk: Bulk, changes: Sequence[StepChange]) -> StaleStepError:
    """Name the steps that are not in the state last seen."""
    stored = stored_states(connection, bulk, changes)
    moved = [
        (each, found)
        for each in changes
        if (found := stored.get((each.plan_id, each.step.id), "gone")) != each.seen.value
    ]
    names = ", ".join(
        f"step {each.step.id} of task {each.plan_id} was seen {each.seen} and is {found}"
        for each, found in moved[:5]
    )
    return StaleStepError(names or "a step was moved meanwhile", {each.plan_id for each, _ in moved})


def not_stored(connection: Connection, bulk: Bulk, drafts: Sequence[PlanDraft]) -> Collection[PlanDraft]:
    """Leave out plans that are stored already, or come twice.

    PlanExistsError if they differ, NameTakenError if another plan has the name of one.
    """
    found = bulk.find(connection, _MADE_FROM, hex_rows(draft.plan.id for draft in drafts))
    new = unlike({row.id: (row.action, row.args) for row in found}, drafts)
    _check_names(connection, bulk, [draft.plan for draft in new if draft.plan.name])
    return new


def unlike(taken: Mapping[UUID, tuple[str, str]], drafts: Iterable[PlanDraft]) -> Collection[PlanDraft]:
    """Leave out plans whose id is taken by the same action and args, or come twice; else PlanExistsError."""
    known = dict(taken)
    new: list[PlanDraft] = []
    for draft in drafts:
        plan = draft.plan
        if plan.id not in known:
            known[plan.id] = (plan.action, plan.args)
            new.append(draft)
        elif not same_plan(plan, *known[plan.id]):
            raise PlanExistsError(
                f"task {plan.id} exists, made from {known[plan.id][0]} with other arguments: "
                "trigger with a new id"
            )
    return new


def _check_names(connection: Connection, bulk: Bulk, named: Collection[PlanRecord]) -> None:
    """Raise NameTakenError for the first plan that would take the name of another."""
    if named:
        for row in bulk.find(connection, _NAMED, [(plan.name,) for plan in named]):
            raise NameTakenError(row.name, row.id)
