"""What becomes of a plan at which the engine itself fails: it is paused, and hurts no other."""

from __future__ import annotations

import logging
import traceback
from uuid import UUID

from mcoflow.domain.graph import Graph
from mcoflow.domain.outcome import Outcome
from mcoflow.domain.records import ErrorRecord, HistoryRecord, HookRecord, PlanRecord, PlanSnapshot
from mcoflow.domain.requests import DroppedEvent, RequestState
from mcoflow.domain.states import PlanState
from mcoflow.engine.batch import Batch
from mcoflow.engine.memory import Memory
from mcoflow.engine.patient import PatientStore
from mcoflow.engine.plan_run import PlanRun
from mcoflow.errors import LeaseLostError, PlanNotFoundError, StoreUnavailableError
from mcoflow.ports.store import Changes, StepChange

log = logging.getLogger("mcoflow.quarantine")


def break_off(memory: Memory, batch: Batch, plan_id: UUID, error: Exception) -> None:
    """Let go of a plan: nothing that this batch did to it is written or shown."""
    log.error("plan.broken", exc_info=error, extra={"plan": str(plan_id)})
    batch.broken[plan_id] = error
    batch.dropped.add(plan_id)
    run = memory.runs.get(plan_id)
    if run is not None:
        memory.forget(run)


class Quarantine:
    """Pauses broken plans, as they were last stored."""

    def __init__(self, store: PatientStore, world_id: UUID) -> None:
        self._store = store
        self._world_id = world_id

    def take_in(self, batch: Batch) -> None:
        """Pause the plans that broke in this batch. One that is gone, or lost, is dropped quietly."""
        for plan_id, error in batch.broken.items():
            if plan_id in batch.drafts or plan_id in batch.planned:
                continue  # it was not stored, or not as planned; who made it is told
            try:
                self._pause(plan_id, error, batch.now)
            except StoreUnavailableError:
                raise
            except (LeaseLostError, PlanNotFoundError) as lost:
                log.info("plan.gone", extra={"plan": str(plan_id), "reason": str(lost)})
            except Exception:
                log.exception("plan.not_paused", extra={"plan": str(plan_id)})

    def _pause(self, plan_id: UUID, error: Exception, now: float) -> None:
        plan = self._store.plan(plan_id)
        if self._is_of_another(plan) or plan.state in (PlanState.PAUSED, PlanState.STOPPED):
            return
        record = _record(error)
        try:
            changes = self._stored_parts(plan_id, record, now)
        except StoreUnavailableError:
            raise
        except Exception:  # not even its parts can be read: then its own row has to do
            log.exception("plan.unreadable", extra={"plan": str(plan_id)})
            changes = Changes(plans=[_paused(plan, record)])
        changes.history = [
            HistoryRecord(plan_id, now, "pause execution", self._world_id, detail=record.message[:500])
        ]
        for each in changes.plans:
            if each.hooks:
                changes.new_hooks += HookRecord.of(each, [each.state], now)
        self._store.commit(changes)

    def _is_of_another(self, plan: PlanRecord) -> bool:
        """Whether another executor that lives runs the plan; one that cannot be claimed has a dead owner."""
        if plan.owner in (None, self._world_id):
            return False
        return any(world.id == plan.owner and world.alive for world in self._store.worlds())

    def _stored_parts(self, plan_id: UUID, record: ErrorRecord, now: float) -> Changes:
        """What ends with the plan: live steps, and the requests, timers and events that they waited for."""
        run = PlanRun(self._store.snapshot(plan_id))
        run.break_off(record, now)
        requests = list(self._store.open_requests([plan_id]))
        for request in requests:
            request.state, request.outcome, request.ended_at = RequestState.ENDED, Outcome.LOST, now
            request.reason = "mcoflow failed at the task"
        events = self._store.events([plan_id])
        dropped = (DroppedEvent.of(each, now, "mcoflow failed at the task") for each in events)
        return Changes(
            plans=[run.plan],
            steps=[StepChange(plan_id, seen, run.steps[step_id]) for step_id, seen in run.changed.items()],
            requests=requests,
            dropped_timers=[timer.id for timer in self._store.timers([plan_id])],
            consumed_events=[event.id for event in events],
            dropped_events=[each for each in dropped if each is not None],
        )


def _paused(plan: PlanRecord, error: ErrorRecord) -> PlanRecord:
    run = PlanRun(PlanSnapshot(plan, [], Graph({})))
    run.break_off(error, 0.0)
    return run.plan


def _record(error: Exception) -> ErrorRecord:
    what = f"{type(error).__name__}: {error}"[:300]
    message = f"mcoflow itself failed at this task ({what}): the effect of what was under way is unknown"
    return ErrorRecord(type(error).__name__, message, "".join(traceback.format_exception(error))[-20_000:])
