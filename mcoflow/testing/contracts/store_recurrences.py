"""What a store promises of work that comes back: one plan for each time."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from mcoflow.domain.graph import Graph
from mcoflow.domain.records import HistoryRecord, PlanDraft
from mcoflow.domain.recurrence import RecurrenceRecord, RecurrenceState
from mcoflow.domain.states import PlanResult, PlanState
from mcoflow.errors import PurposeTakenError, RecurrenceNotFoundError
from mcoflow.ports.store import Changes
from mcoflow.testing.contracts.samples import WholeStore, draft, living_world, owned
from mcoflow.testing.contracts.store_schedules import NOW, ended


class RecurrencesContract:
    """Work that comes back."""

    def test_a_recurrence_is_kept_as_it_is(self, store: WholeStore) -> None:
        record = _recurrence(starts=NOW - 1, ends=NOW + 1e6, max_runs=3, purpose="backup", input='{"a":1}')
        store.add_recurrence(record)

        assert store.recurrence(record.id) == record
        assert store.recurrences([RecurrenceState.ACTIVE]) == [record]
        assert store.recurrences([RecurrenceState.FAILED]) == []
        assert not store.due(NOW - 1)
        assert store.due(NOW).recurrences
        assert store.due_recurrences(NOW, limit=5) == [record]
        with pytest.raises(RecurrenceNotFoundError):
            store.recurrence(uuid4())

    def test_a_time_makes_one_plan(self, store: WholeStore) -> None:
        """E-091: the plan and the next time are one transaction, whoever makes it."""
        record = _recurrence()
        store.add_recurrence(record)
        then = replace(record, next_at=NOW + 60, runs=1, last_plan_id=record.plan_id(NOW))

        with ThreadPoolExecutor(4) as threads:
            made = list(threads.map(lambda _: store.fire(record, then, [_run(record, NOW)]), range(4)))

        assert sorted(made) == [False, False, False, True]
        assert store.recurrence(record.id) == then
        assert store.count_plans(None) == 1
        assert store.due(NOW).plans
        assert not store.due(NOW).recurrences

    def test_a_run_behind_another_starts_however_that_one_ends(self, store: WholeStore) -> None:
        """E-093: queue; a pause is an end, too."""
        me = living_world(store)
        before = owned(store, me).plan.id
        record = _recurrence(overlap="queue", last_plan_id=before)
        store.add_recurrence(record)
        then = replace(record, next_at=NOW + 120, runs=2, last_plan_id=record.plan_id(NOW + 60))

        assert store.fire(record, then, [_run(record, NOW), _run(record, NOW + 60)])

        assert not store.due(NOW + 60).plans
        ended(store, before, PlanResult.ERROR, PlanState.PAUSED)
        (first,) = store.claim_due(me, NOW + 60, limit=5)
        assert first.plan.id == record.plan_id(NOW)
        plan = replace(first.plan, state=PlanState.STOPPED, result=PlanResult.CANCELLED, owner=None)
        assert plan.chained
        store.commit(Changes(planned=[PlanDraft(plan, [], [], Graph({}))], plans=[plan]))
        assert [each.plan.id for each in store.claim_due(me, NOW + 60, limit=5)] == [then.last_plan_id]

    def test_who_queues_behind_a_run_that_is_ended_waits_for_the_one_before(self, store: WholeStore) -> None:
        """E-093: be it cancelled or halted while it queues; the one before it still goes on."""
        me = living_world(store)
        before = owned(store, me).plan.id
        record = _recurrence(overlap="queue", last_plan_id=before)
        store.add_recurrence(record)
        times = (NOW, NOW + 60, NOW + 120)
        first, second, third = map(record.plan_id, times)
        then = replace(record, next_at=NOW + 180, runs=3, last_plan_id=third)
        assert store.fire(record, then, [_run(record, at) for at in times])

        store.halt(HistoryRecord(first, NOW + 120, "halt"))
        store.cancel_scheduled(third, actor="", at=NOW + 120)

        assert store.prerequisites(second) == [before]
        assert store.recurrence(record.id).last_plan_id == second
        assert not store.due(NOW + 120).plans
        ended(store, before, PlanResult.SUCCESS)
        assert [each.plan.id for each in store.claim_due(me, NOW + 120, limit=5)] == [second]

    def test_a_run_that_overlaps_is_skipped_if_wanted(self, store: WholeStore) -> None:
        before = owned(store, living_world(store)).plan.id
        record = _recurrence(overlap="skip", last_plan_id=before)
        store.add_recurrence(record)
        then = replace(record, next_at=NOW + 60, runs=1, last_plan_id=record.plan_id(NOW))

        assert store.fire(record, then, [_run(record, NOW)])

        found = store.recurrence(record.id)
        assert (found.next_at, found.runs, found.last_plan_id) == (NOW + 60, 0, before)
        assert str(before) in found.explanation
        assert store.count_plans(None) == 1

    def test_of_one_purpose_one_is_active(self, store: WholeStore) -> None:
        """E-092."""
        first, second = _recurrence(purpose="backup"), _recurrence(purpose="backup")
        store.add_recurrence(first)
        with pytest.raises(PurposeTakenError):
            store.add_recurrence(second)
        disabled = replace(first, state=RecurrenceState.DISABLED)
        assert store.change_recurrence(first, disabled)
        assert not store.change_recurrence(first, disabled)
        store.add_recurrence(second)
        with pytest.raises(PurposeTakenError):
            store.change_recurrence(disabled, first)
        assert store.recurrence(first.id).state is RecurrenceState.DISABLED


def _recurrence(**fields: Any) -> RecurrenceRecord:
    return RecurrenceRecord(
        uuid4(), "InstallPackage", "{}", "Install", NOW, "* * * * *", next_at=NOW, **fields
    )


def _run(record: RecurrenceRecord, at: float) -> PlanDraft:
    plan = draft(plan_id=record.plan_id(at), state=PlanState.SCHEDULED, created_at=at, args="{}").plan
    return PlanDraft(replace(plan, counts={}, hosts=()), [], [], Graph({}))
