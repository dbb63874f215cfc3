"""The one transaction in which a batch of the director is written.

The number of statements depends on the kinds of changes, never on how many there are.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import TypeVar

from sqlalchemy import Connection

from mcoflow.domain.records import PlanDraft
from mcoflow.domain.requests import RequestState
from mcoflow.ports.store import Changes
from mcoflow.storage import (
    actions,
    chunks,
    commands,
    followers,
    hooks,
    notes,
    plans,
    requests,
    steps,
    sub_plans,
    waits,
)
from mcoflow.storage.locks import Locking, settle_locks
from mcoflow.storage.many import Bulk, Many, Row, Write
from mcoflow.storage.texts import hex_rows

_T = TypeVar("_T")


def write_batch(
    connection: Connection, bulk: Bulk, changes: Changes, new_plans: Collection[PlanDraft]
) -> int | None:
    """Write everything, of its plans `new_plans`; return the number of the transaction as `bulk` does.

    Raises:
        MissedError: of UPDATE_PLANS: a plan has another epoch now or is gone; of UPDATE_STEPS: a step was not
            in the state last seen. The caller rolls back and finds out which.
        LockTakenError, LockLostError: as Store.commit; the caller rolls back.
    """
    locking = Locking.of(changes, new_plans)
    writes = list(_writes(changes, new_plans))
    if locking is not None:
        writes = [*locking.writes(connection.dialect.name), *writes]
    transaction = bulk.write(connection, writes)
    if locking is not None:
        settle_locks(connection, bulk, locking)
    notes.forget_old_malformed(connection, changes.evidence)
    return transaction


def _writes(changes: Changes, new_plans: Collection[PlanDraft]) -> Iterator[Write]:
    """The plans come first: they are the fence for all the rest."""
    touched = list({plan.id: plan for plan in changes.plans}.values())
    yield _all(plans.UPDATE_PLANS, plans.changed_plan, touched, exact=True)
    if new_plans:
        yield Write(plans.INSERT_PLANS, [plans.new_plan(draft.plan) for draft in new_plans])
        yield Write(
            plans.INSERT_BLUEPRINTS, [plans.new_blueprint(draft.plan, draft.graph) for draft in new_plans]
        )
    if changes.planned:
        yield from _planned_later(changes.planned)
    if new_plans or changes.planned:
        yield from _parts([*new_plans, *changes.planned])
    yield _all(steps.UPDATE_STEPS, steps.changed_step, changes.steps, exact=True)
    if changes.new_steps:
        yield Write(steps.INSERT_STEPS, [steps.new_step(plan.hex, step) for plan, step in changes.new_steps])
    outputs = {(each.plan_id, each.action_id): each for each in changes.outputs}
    yield _all(actions.UPDATE_OUTPUTS, actions.changed_output, outputs.values())
    yield _all(actions.UPDATE_INPUTS, actions.changed_input, changes.inputs)
    yield from _send(changes)
    yield _all(waits.INSERT_TIMERS, waits.new_timer, changes.new_timers)
    yield Write(waits.DROP_TIMERS, hex_rows(changes.dropped_timers))
    yield _all(waits.INSERT_EVENTS, waits.new_event, changes.new_events)
    yield Write(waits.DROP_EVENTS, hex_rows(changes.consumed_events))
    yield _all(waits.INSERT_DROPPED, waits.new_dropped, changes.dropped_events)
    yield Write(chunks.DROP_CHUNKS, chunks.dropped(changes.dropped_chunks))
    yield Write(chunks.INSERT_CHUNKS, chunks.new_chunks(changes.new_chunks))
    lines = [line for draft in (*new_plans, *changes.planned) for line in draft.history]
    yield _all(notes.INSERT_HISTORY, notes.new_history, [*lines, *changes.history])
    moments = [each for draft in (*new_plans, *changes.planned) for each in draft.hooks]
    yield _all(hooks.INSERT_HOOKS, hooks.new_hook, [*moments, *changes.new_hooks])
    yield Write(hooks.DROP_HOOKS, hex_rows(changes.dropped_hooks))
    yield _all(notes.INSERT_EVIDENCE, notes.new_evidence, changes.evidence)
    yield _all(commands.ANSWER_COMMANDS, commands.new_answer, changes.answers)
    yield Write(sub_plans.DROP_BELLS, hex_rows(changes.hushed))
    yield from sub_plans.ring(changes, new_plans)
    yield _all(commands.INSERT_COMMANDS, commands.new_command, changes.new_commands)
    for plan in touched:
        if plan.chained:
            yield from followers.of_rest(plan.id, plan.state, plan.result)
    for plan in changes.rests:
        yield followers.lock(plan.id)
        yield from followers.of_rest(plan.id, plan.state, plan.result)


def _planned_later(planned: Collection[PlanDraft]) -> Iterator[Write]:
    """What was scheduled waits no more: it has steps now, or its planning failed."""
    yield Write(plans.UPDATE_BLUEPRINTS, [plans.planned_later(each.plan, each.graph) for each in planned])
    yield Write(plans.UPDATE_LABELS, [plans.labelled(each.plan) for each in planned])
    gone = hex_rows(each.plan.id for each in planned)
    yield Write(followers.DROP_SCHEDULES, gone)
    yield Write(followers.DROP_PREREQUISITES, gone)


def _parts(new: Collection[PlanDraft]) -> Iterator[Write]:
    yield Write(
        actions.INSERT_ACTIONS,
        [actions.new_action(plan, each) for plan, draft in _by_digits(new) for each in draft.actions],
    )
    yield Write(
        steps.INSERT_STEPS,
        [steps.new_step(plan, each) for plan, draft in _by_digits(new) for each in draft.steps],
    )


def _send(changes: Changes) -> Iterator[Write]:
    yield _all(requests.INSERT_REQUESTS, requests.new_request, changes.new_requests)
    latest = {each.id: each for each in changes.requests}.values()
    ended = [each for each in latest if each.state is RequestState.ENDED]
    others = [each for each in latest if each.state is not RequestState.ENDED]
    yield _all(requests.UPDATE_REQUESTS, requests.changed_request, others)
    yield _all(requests.END_REQUESTS, requests.changed_request, ended)
    yield Write(requests.CONFIRM_REQUESTS, hex_rows(changes.confirmed))


def _all(many: Many, row: Callable[[_T], Row], values: Iterable[_T], *, exact: bool = False) -> Write:
    rows: Sequence[Row] = list(map(row, values))
    return Write(many, rows, exact)


def _by_digits(drafts: Iterable[PlanDraft]) -> Iterable[tuple[str, PlanDraft]]:
    return ((draft.plan.id.hex, draft) for draft in drafts)
