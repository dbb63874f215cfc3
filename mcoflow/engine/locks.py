"""Plans that cannot have their locks: the new one is stored as failed, the resumed one stays paused."""

from __future__ import annotations

from dataclasses import replace

from mcoflow.domain.graph import Graph
from mcoflow.domain.records import ErrorRecord, HistoryRecord, HookRecord, PlanDraft
from mcoflow.domain.requests import CommandAnswer
from mcoflow.domain.states import Phase, PlanResult, PlanState, StepState
from mcoflow.engine.batch import Batch
from mcoflow.engine.memory import Memory
from mcoflow.engine.patient import PatientStore
from mcoflow.errors import LockTakenError


def refused_draft(draft: PlanDraft, taken: LockTakenError, now: float) -> PlanDraft:
    """Return a new plan as one whose planning failed, because another plan has a lock of it."""
    error = ErrorRecord(type(taken).__name__, taken.of(draft.plan.id))
    plan = replace(
        draft.plan,
        state=PlanState.STOPPED,
        result=PlanResult.ERROR,
        started_at=now,
        ended_at=now,
        counts={},
        locks=(),
        explanation=f"planning failed: {error.message}"[:500],
    )
    steps = [replace(step, started_at=now, ended_at=now) for step in draft.steps if step.phase is Phase.PLAN]
    steps[0].state, steps[0].error = StepState.ERROR, error
    actions = [replace(action, run_step_id=None, finalize_step_id=None) for action in draft.actions]
    history = [HistoryRecord(plan.id, now, "finish execution", detail=plan.explanation)]
    hooks = [*draft.hooks[:-1], *HookRecord.of(plan, (plan.state,), now)] if plan.hooks else []
    return PlanDraft(plan, actions, steps, Graph({}), history, hooks)


def refuse(memory: Memory, store: PatientStore, batch: Batch, taken: LockTakenError) -> None:
    """Take resumed plans out of the batch: they stay as they are stored, and who asked is told why.

    New sub-plans become ones whose planning failed.
    """
    new = {draft.plan.id for _, draft in batch.children}
    batch.children = [
        (caller_id, refused_draft(draft, taken, batch.now) if draft.plan.id in taken.taken else draft)
        for caller_id, draft in batch.children
    ]
    resumed = taken.taken.keys() - new
    for plan_id in resumed:
        run = memory.runs[plan_id]
        memory.forget(run)
        if run.plan.owner is not None:
            store.release(run.plan.owner, [plan_id])
    batch.dropped |= resumed
    batch.answers = [
        (None, CommandAnswer(answer.id, {}, type(taken).__name__, taken.of(plan_id)))
        if plan_id in taken.taken
        else (plan_id, answer)
        for plan_id, answer in batch.answers
    ]
