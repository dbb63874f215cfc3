"""The events that steps send: to themselves, to other steps, to other plans."""

from __future__ import annotations

import json
from uuid import UUID, uuid4

from mcoflow.action.stage import PlannedEvent, Produced
from mcoflow.action.user_events import refusal
from mcoflow.domain.records import ErrorRecord, StepRecord
from mcoflow.domain.requests import CommandKind, CommandRecord
from mcoflow.domain.states import Phase, PlanState
from mcoflow.engine.arrivals import DELAYED
from mcoflow.engine.batch import Batch
from mcoflow.engine.memory import Memory
from mcoflow.engine.plan_run import PlanRun
from mcoflow.engine.waking import Waking
from mcoflow.engine.work import Work
from mcoflow.errors import EventDroppedError, PlanNotFoundError
from mcoflow.ports.measures import EVENTS


class Sending:
    """Delivers what steps and people send; all of it is stored with what it came from."""

    def __init__(self, memory: Memory, work: Work, waking: Waking) -> None:
        self._memory = memory
        self._work = work
        self._waking = waking

    def send_produced(self, batch: Batch, run: PlanRun, step: StepRecord, produced: Produced) -> None:
        """Send what a call produced; what nobody takes is dropped, and the sender's history says so."""
        for event in produced.events:
            try:
                self._send(batch, run, step, event)
            except EventDroppedError as error:
                if not event.optional:
                    batch.tell(run.id, (EVENTS, "user", "dropped"), step=step.id)
                    self._work.note(batch, run, "event dropped", detail=str(error))
        self._waking.set_produced(batch, run, step, produced)

    def deliver(
        self,
        batch: Batch,
        run: PlanRun,
        step: StepRecord,
        event: PlannedEvent,
        *,
        event_id: UUID | None = None,
    ) -> None:
        """Give an event to a step of a plan in memory, at once or at its time.

        `event_id` is the one that its sender knows it by; one that goes to a timer first has none.

        Raises:
            EventDroppedError: the step does not take it.
        """
        action = self._work.action(step)
        phase = Phase.REVERT if step.phase is Phase.REVERT else Phase.RUN
        why = action.message if isinstance(action, ErrorRecord) else refusal(action, event.value, phase)
        if why:
            raise EventDroppedError(f"step {step.id}: {why}")
        value, after = json.dumps(event.value), event.due_at(batch.now) - batch.now
        if after > 0:
            self._waking.set_timer(batch, run, step, DELAYED, after=after, value=value)
        else:
            self._waking.add_event(
                batch, run, step, "user", value, optional=event.optional, event_id=event_id
            )

    def _send(self, batch: Batch, run: PlanRun, step: StepRecord, event: PlannedEvent) -> None:
        if event.plan_id is not None and event.plan_id != run.id:
            self._leave_for(batch, run, step, event)
            return
        target = run.steps.get(event.step_id or step.id)
        if target is None:
            raise EventDroppedError(f"there is no step {event.step_id}")
        self.deliver(batch, run, target, event)

    def _leave_for(self, batch: Batch, run: PlanRun, step: StepRecord, event: PlannedEvent) -> None:
        """Store the event as a command to the other plan, for its owner.

        Even if that is this executor: were this batch to lose the sender, the event must not be delivered.
        """
        assert event.plan_id is not None
        try:
            state = self._memory.state_of(event.plan_id)
        except PlanNotFoundError as error:
            raise EventDroppedError(str(error)) from None
        if state is not PlanState.RUNNING:
            raise EventDroppedError(f"task {event.plan_id} is {state}, its steps take no events")
        given = {
            "step_id": event.step_id,
            "value": event.value,
            "at": event.due_at(batch.now),
            "optional": event.optional,
        }
        sender = f"step {step.id} of {run.id}"
        command = CommandRecord(uuid4(), event.plan_id, CommandKind.EVENT, batch.now, sender, given)
        batch.new_commands.append((run.id, command))
