"""Taking plans up: new ones, those of executors that died, those that rested."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from mcoflow.action.registry import Registry
from mcoflow.domain.records import ErrorRecord, PlanSnapshot, StepRecord
from mcoflow.domain.requests import RequestRecord, RequestState, Wait
from mcoflow.domain.states import Phase, PlanState, StepState
from mcoflow.engine.arrivals import SILENCE
from mcoflow.engine.batch import Batch
from mcoflow.engine.memory import Memory
from mcoflow.engine.patient import PatientStore
from mcoflow.engine.plan_run import PlanRun
from mcoflow.engine.quarantine import break_off
from mcoflow.engine.steps import Steps
from mcoflow.engine.writer import Writer
from mcoflow.errors import McoflowError, StoreUnavailableError
from mcoflow.faults import faultpoint
from mcoflow.ports.bus import Parcel
from mcoflow.ports.measures import LEASES

log = logging.getLogger("mcoflow.recovery")
_LIVE: Final = (StepState.RUNNING, StepState.SUSPENDED)


class Recovery:
    """Loads claimed plans into memory, in bulk, and lets them go on where they stood."""

    def __init__(
        self,
        memory: Memory,
        steps: Steps,
        store: PatientStore,
        writer: Writer,
        actions: Registry,
        *,
        confirms: bool,
    ) -> None:
        self._memory = memory
        self._steps = steps
        self._store = store
        self._writer = writer
        self._actions = actions
        self._confirms = confirms

    def take_up(self, batch: Batch, snapshots: Sequence[PlanSnapshot]) -> None:
        """Keep the plans and start what may start; a plan at rest is let go again with this batch."""
        faultpoint("recovery")
        runs = {snapshot.plan.id: PlanRun(snapshot) for snapshot in snapshots}
        for run in runs.values():
            _log_taken(batch, run)
        self._memory.runs.update(runs)
        live = [
            plan_id for plan_id, run in runs.items() if run.plan.state is PlanState.RUNNING or _holds(run)
        ]
        if live:
            self._load(batch, runs, live)
        waiting = self._lock_waiters(runs.values())
        for run in runs.values():
            batch.touch(run)
            if run.id in batch.dropped or run.plan.state not in (PlanState.PLANNED, PlanState.RUNNING):
                continue
            if run.id in waiting:  # claimed for a command
                continue
            try:
                self._go_on(batch, run)
            except StoreUnavailableError:
                raise
            except Exception as error:  # noqa: BLE001 - the other plans must not suffer
                break_off(self._memory, batch, run.id, error)
            faultpoint("recovery.plan_taken")

    def _lock_waiters(self, runs: Iterable[PlanRun]) -> Collection[UUID]:
        """Which of the plans have to wait for others before they begin."""
        may_wait = [run.id for run in runs if run.plan.locks and run.plan.state is PlanState.PLANNED]
        return self._store.lock_waiters(may_wait) if may_wait else ()

    def first_parcel(self, record: RequestRecord) -> Parcel:
        """The parcel of a request that was just committed; its bytes leave memory with it."""
        body, record.body = record.body, b""
        return self._writer.parcel(record, body)

    def _load(self, batch: Batch, runs: dict[UUID, PlanRun], live: Sequence[UUID]) -> None:
        """Load what the plans wait for; plan by plan, if one of them cannot be read."""
        try:
            self._load_all(batch, runs, live)
        except StoreUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 - the other plans must not suffer
            if len(live) == 1:
                break_off(self._memory, batch, live[0], error)
                return
            for plan_id in live:
                self._load(batch, runs, [plan_id])

    def _load_all(self, batch: Batch, runs: dict[UUID, PlanRun], live: Sequence[UUID]) -> None:
        records, timers, events = (
            self._store.open_requests(live),
            self._store.timers(live),
            self._store.events(live),
        )
        resend = [record for record in records if self._to_resend(record)]
        bodies = self._store.request_bodies([record.id for record in resend]) if resend else {}
        self._keep_requests(batch, runs, records)
        for timer in timers:
            waited = timer.kind == SILENCE and timer.due_at < batch.now  # as a request below
            self._memory.add_timer(replace(timer, due_at=batch.now) if waited else timer)
        self._memory.add_events(events)
        if resend:
            log.info("request.resent", extra={"count": len(resend)})
        for record in resend:
            batch.parcels.append((record.plan_id, self._writer.parcel(record, bodies[record.id])))

    def _go_on(self, batch: Batch, run: PlanRun) -> None:
        taken_over = run.plan.state is PlanState.RUNNING
        for step in run.steps.values():
            if step.state in _LIVE and self._steps.parents.adopt(batch, run, step):
                continue
            if step.state is StepState.RUNNING:
                self._interrupted(batch, run, step)
        batch.open(run, run.begin(batch.now))
        detail = "taken over" if taken_over else ""
        self._steps.note(batch, run, "start execution", detail=detail)
        self._steps.skipping.hear(batch, run, self._steps.skipping.to_hear(run))
        for step in run.suspended():
            if run.plan.cancel_requested and self._steps.parents.has(step):
                self._steps.tell_cancelled(batch, run, step)
            self._steps.waking.wake(batch, run, step)

    def _interrupted(self, batch: Batch, run: PlanRun, step: StepRecord) -> None:
        """A step whose executor died inside user code: repeat it only if its author allows that.

        A host action that a worker called has done nothing yet: of a reply that it was to look at, it is
        told again; without one its request was not made, and it begins anew.
        """
        pure = step.phase is Phase.RUN and self._is_pure(step)
        if pure and self._memory.has_event((run.id, step.id), "reply"):
            run.move(step, StepState.SUSPENDED, batch.now)
            return
        if pure or step.phase in (Phase.FINALIZE, Phase.REVERT) or self._rerunnable(step):
            self._steps.waking.drop_of_try(batch, run, step)
            self._steps.asking.abandon(batch, run, step)
            run.move(step, StepState.PENDING, batch.now)
            run.tell_progress(step, None)
            step.attempt += 1
            return
        message = "the executor died while the step was inside run: effect unknown"
        run.fail(step, ErrorRecord("RunInterruptedError", message), batch.now)
        self._steps.clear(batch, run, step)

    def _is_pure(self, step: StepRecord) -> bool:
        action = self._steps.work.action(step)
        return isinstance(action, type) and self._steps.work.is_pure(action)

    def _rerunnable(self, step: StepRecord) -> bool:
        try:
            return self._actions.find(step.action).rerunnable
        except McoflowError:
            return False

    def _keep_requests(
        self, batch: Batch, runs: dict[UUID, PlanRun], records: Sequence[RequestRecord]
    ) -> None:
        self._memory.flights.add(records)
        for record in records:
            runs[record.plan_id].requests.setdefault(record.step_id, []).append(record.id)
            record.due_at = max(record.due_at, batch.now)  # what was read here so far was another queue
            self._memory.agenda.add(record.due_at, record.id)
            if record.wait is Wait.CANCEL:
                batch.parcels.append((record.plan_id, self._writer.cancel(record, batch.now)))

    def _to_resend(self, record: RequestRecord) -> bool:
        """Whether the request may never have arrived; the agent's journal drops doubles."""
        if not self._confirms:
            return True
        return record.state is RequestState.OPEN and not record.confirmed


def _holds(run: PlanRun) -> bool:
    """Whether something waits for a step of a paused plan: what was sent for its next try."""
    return run.plan.state is PlanState.PAUSED and bool(run.held())


def _log_taken(batch: Batch, run: PlanRun) -> None:
    """Tell that a plan is ours; one that runs was another executor's before."""
    if run.plan.state is PlanState.RUNNING:
        batch.tell(run.id, (LEASES, "taken_over"))
        log.info("lease.taken_over", extra={"plan": str(run.id)})
    else:
        batch.tell(run.id, (LEASES, "taken"))
        log.debug("lease.taken", extra={"plan": str(run.id)})
