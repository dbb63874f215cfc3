"""Work that comes back: what people do with it, and the making of its plans when their time has come."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from uuid import UUID, uuid4

from mcoflow.action.registry import Registry
from mcoflow.clock import Clock
from mcoflow.domain.graph import Graph
from mcoflow.domain.records import HistoryRecord, HookRecord, PlanDraft, PlanRecord
from mcoflow.domain.recurrence import (
    Firing,
    RecurrenceRecord,
    RecurrenceState,
    check_recurrence_move,
    firing,
    first_time,
)
from mcoflow.domain.schedule import ScheduleRecord, in_utc
from mcoflow.domain.states import PlanState
from mcoflow.errors import McoflowError, ScheduleInvalidError
from mcoflow.ports.measures import RECURRENCES
from mcoflow.ports.observer import NOBODY, Observer
from mcoflow.ports.store import Store

log = logging.getLogger("mcoflow.recurrences")
LIMIT = 100
"""Recurrences that one look fires at the most."""


class Recurrences:
    """What may be done with recurrences: World.recurrences.

    A recurrence that was changed at the same moment is looked at once more, so that no change is lost.
    """

    def __init__(self, store: Store, actions: Registry, clock: Clock, *, ring: Callable[[], None]) -> None:
        self._store = store
        self._actions = actions
        self._clock = clock
        self._ring = ring

    def find(self, *states: RecurrenceState) -> Sequence[RecurrenceRecord]:
        """Those in one of these states, or all of them, the newest first."""
        return self._store.recurrences(states)

    def get(self, recurrence_id: UUID) -> RecurrenceRecord:
        """One of them; RecurrenceNotFoundError."""
        return self._store.recurrence(recurrence_id)

    def disable(self, recurrence_id: UUID) -> RecurrenceRecord:
        """Let it make no plans until it is enabled. RecurrenceNotFoundError, InvalidMoveError."""
        return self._move(recurrence_id, RecurrenceState.DISABLED)

    def cancel(self, recurrence_id: UUID) -> RecurrenceRecord:
        """Let it make no plans any more; those that it made go on. Raises as disable does."""
        return self._move(recurrence_id, RecurrenceState.CANCELLED)

    def enable(self, recurrence_id: UUID) -> RecurrenceRecord:
        """Let it go on with its first time from now; what passed meanwhile was not missed.

        Raises:
            RecurrenceNotFoundError, InvalidMoveError: nothing was changed.
            PurposeTakenError: another one has its purpose by now.
            ScheduleInvalidError: it has no time left.
        """
        enabled = self._move(recurrence_id, RecurrenceState.ACTIVE)
        self._ring()
        return enabled

    def run_now(self, recurrence_id: UUID, *, user: str = "") -> UUID:
        """Make a plan of it beside its times, whatever its state, and return the plan's id.

        It is not one of its runs: `max_runs` and `overlap` do not count it. RecurrenceNotFoundError.
        """
        seen, now = self._store.recurrence(recurrence_id), self._clock.now().timestamp()
        line = HistoryRecord(uuid4(), now, "delay", actor=user, detail=f"recurrence {seen.id}, by hand")
        draft = _draft(replace(seen, user=user or seen.user), line.plan_id, now, self._actions, line)
        self._store.schedule(draft, ScheduleRecord(line.plan_id, now, input=seen.input))
        self._ring()
        return line.plan_id

    def _move(self, recurrence_id: UUID, wanted: RecurrenceState) -> RecurrenceRecord:
        while True:
            seen = self._store.recurrence(recurrence_id)
            check_recurrence_move(seen, wanted)
            why = "" if seen.state is RecurrenceState.FAILED else seen.explanation
            then = replace(seen, state=wanted, explanation=why)
            if wanted is RecurrenceState.ACTIVE:
                then = replace(then, next_at=self._first(then))
            if self._store.change_recurrence(seen, then):
                return then

    def _first(self, record: RecurrenceRecord) -> float:
        first = first_time(record, self._clock.now().timestamp())
        if first is None:
            raise ScheduleInvalidError(f"recurrence {record.id} has no time left: its end has passed")
        return first


def fire_due(store: Store, actions: Registry, now: float, observer: Observer = NOBODY) -> bool:
    """Make the plans of recurrences whose time has come; return whether there were any.

    One whose next time cannot be reckoned has failed, and says why; no run of any ends it.
    """
    due = store.due_recurrences(now, limit=LIMIT)
    for seen in due:
        try:
            todo = firing(seen, now)
        except McoflowError as error:
            then = replace(seen, state=RecurrenceState.FAILED, explanation=str(error))
            log.warning("recurrence.failed", extra={"recurrence": str(seen.id), "reason": str(error)})
            if store.change_recurrence(seen, then):
                observer.counted({(RECURRENCES, "failed"): 1})
        else:
            drafts = [_timely(seen, at, now, actions) for at in todo.times]
            fired = store.fire(seen, _after(seen, todo), drafts)
            if fired and observer is not NOBODY:
                observer.counted({(RECURRENCES, _outcome(store, seen, todo)): 1})
    return bool(due)


def _outcome(store: Store, seen: RecurrenceRecord, todo: Firing) -> str:
    """Whether a recurrence that was due made a plan, missed its time, or left it to the plan before."""
    if not todo.times:
        return "missed"
    return "skipped" if store.recurrence(seen.id).last_plan_id == seen.last_plan_id else "fired"


def _after(seen: RecurrenceRecord, todo: Firing) -> RecurrenceRecord:
    runs = seen.runs + len(todo.times)
    over = todo.next_at is None or (seen.max_runs is not None and runs >= seen.max_runs)
    return replace(
        seen,
        state=RecurrenceState.FINISHED if over else RecurrenceState.ACTIVE,
        next_at=todo.next_at,
        runs=runs,
        last_plan_id=seen.plan_id(todo.times[-1]) if todo.times else seen.last_plan_id,
        explanation=_missed(todo) or seen.explanation,
    )


def _missed(todo: Firing) -> str:
    """Say which runs were left out because nobody was there to make them; nothing if none was."""
    if todo.missed_from is None:
        return ""
    made_up = ", all but the last of them" if todo.times else ""
    return f"missed the runs due from {in_utc(todo.missed_from)} on{made_up}: no executor was there"


def _timely(seen: RecurrenceRecord, at: float, now: float, actions: Registry) -> PlanDraft:
    """Return the plan of one of its times."""
    told = f"recurrence {seen.id}, for {in_utc(at)}"
    return _draft(
        seen, seen.plan_id(at), now, actions, HistoryRecord(seen.plan_id(at), now, "delay", detail=told)
    )


def _draft(
    seen: RecurrenceRecord, plan_id: UUID, now: float, actions: Registry, line: HistoryRecord
) -> PlanDraft:
    plan = PlanRecord(
        plan_id, seen.label, seen.action, PlanState.SCHEDULED, now, user=seen.user, args=seen.args
    )
    if actions.knows(seen.action) and actions.find(seen.action).plan_hooks:
        plan.hooks = ((1, seen.action),)
    hooks = HookRecord.of(plan, (PlanState.PENDING, plan.state), now) if plan.hooks else []
    return PlanDraft(plan, [], [], Graph({}), [line], hooks)
