"""Starting steps, and ending them: what the director does with the graph, the actions and the requests."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

from mcoflow.action.base import Action, Cancellable
from mcoflow.action.host_action import HostAction
from mcoflow.action.registry import Registry
from mcoflow.domain.events import Cancel, Event, Forever, HostRequest, Reply
from mcoflow.domain.outcome import Outcome
from mcoflow.domain.records import ErrorRecord, HistoryRecord, StepRecord
from mcoflow.domain.requests import EventRecord, RequestRecord, TimerRecord
from mcoflow.domain.states import Phase, PlanState, StepState
from mcoflow.engine.arrivals import SILENCE, loaded, reply_json
from mcoflow.engine.batch import Batch
from mcoflow.engine.calls import CallData, CallResult, call, host_request, host_result
from mcoflow.engine.memory import Memory
from mcoflow.engine.plan_run import PlanRun
from mcoflow.engine.quarantine import break_off
from mcoflow.engine.writer import Writer
from mcoflow.errors import McoflowError, StoreUnavailableError

DELAYED: Final = "event"
"""The kind of a timer that becomes a user event."""


@dataclass(frozen=True, slots=True)
class JobDone:
    """A worker's report. `event_id` is the event that the call consumed."""

    plan_id: UUID
    step_id: int
    attempt: int
    result: CallResult
    event_id: UUID | None


class Steps:
    """Moves the steps of the plans in memory; every effect goes into the batch."""

    def __init__(
        self,
        memory: Memory,
        actions: Registry,
        writer: Writer,
        report: Callable[[JobDone], None],
        world_id: UUID,
    ) -> None:
        self._memory = memory
        self._actions = actions
        self._writer = writer
        self._report = report
        self._world_id = world_id
        self.draining = False  #: no more code may be started, the process is about to end

    # -- starting -----------------------------------------------------------------------------------------

    def start_ready(self, batch: Batch) -> None:
        """Start every step that may start, those included that become ready by it."""
        while batch.ready:
            wave = list(batch.ready)
            batch.ready.clear()
            self._memory.texts.load([key for run, step in wave for key in _keys(run, step)])
            for run, step in wave:
                if run.id in batch.dropped or not self._may_start(run, step):
                    continue
                try:
                    self._start(batch, run, step)
                except StoreUnavailableError:
                    raise
                except Exception as error:  # noqa: BLE001 - the other plans must not suffer
                    break_off(self._memory, batch, run.id, error)

    def wake(self, batch: Batch, run: PlanRun, step: StepRecord) -> None:
        """Give a suspended step the oldest event that waits for it."""
        if step.state is not StepState.SUSPENDED or self.draining:
            return
        event = self._memory.take_event((run.id, step.id))
        if event is not None:
            self._memory.texts.load(_keys(run, step))
            self._to_worker(batch, run, step, loaded(event), event.id)

    def signal_cancel(self, batch: Batch, run: PlanRun, step: StepRecord, why: str) -> bool:
        """Tell a suspended step that it is cancelled; False if it has no way to stop."""
        flights = self._memory.flights
        records = [flights.open[each] for each in run.requests.get(step.id, ()) if each in flights.open]
        action = self._action(step)
        for record in records:
            if record.id not in flights.open:
                continue  # the end of another one was the end of the step
            follows = flights.cancel(record, why, batch.now)
            self._memory.agenda.add(record.due_at, record.id)
            if follows.send:
                batch.parcels.append((run.id, self._writer.cancel(record, batch.now)))
            if follows.ended is not None:
                self.request_ended(batch, run, step, follows.ended)
        batch.touch(run)
        if isinstance(action, ErrorRecord) or issubclass(action, HostAction):
            return bool(records)
        if not issubclass(action, Cancellable) or step.state is not StepState.SUSPENDED or self.draining:
            return bool(records)
        run.told.add(step.id)
        self._memory.texts.load(_keys(run, step))
        self._to_worker(batch, run, step, Cancel())
        return True

    def _may_start(self, run: PlanRun, step: StepRecord) -> bool:
        if step.state is not StepState.PENDING or run.plan.state is not PlanState.RUNNING:
            return False
        return not run.plan.cancel_requested or step.phase is Phase.FINALIZE

    def _start(self, batch: Batch, run: PlanRun, step: StepRecord) -> None:
        action = self._action(step)
        if isinstance(action, ErrorRecord):
            run.fail(step, action, batch.now)
        elif step.phase is Phase.RUN and issubclass(action, HostAction):
            self._start_on_host(batch, run, step, action)
        else:
            self._to_worker(batch, run, step)

    def _start_on_host(self, batch: Batch, run: PlanRun, step: StepRecord, action: type[HostAction]) -> None:
        asked = host_request(action, self._data(run, step))
        if isinstance(asked, CallResult):
            self.end(batch, run, step, asked)
        elif self._send(batch, run, step, (asked,)):
            run.move(step, StepState.SUSPENDED, batch.now)

    def _send(self, batch: Batch, run: PlanRun, step: StepRecord, asked: Sequence[HostRequest]) -> bool:
        """Make the rows of the requests; False if one cannot be made: none is sent, the step is in error."""
        try:
            records = [self._request(run, step, each, batch.now) for each in asked]
        except McoflowError as error:
            run.fail(step, ErrorRecord(type(error).__name__, str(error)), batch.now)
            return False
        for record in records:
            run.plan.simulated = run.plan.simulated or self._writer.hosts.simulated(record.host)
            run.requests.setdefault(step.id, []).append(record.id)
            batch.new_requests.append(record)
            self._memory.agenda.add(record.due_at, record.id)
        self._memory.flights.add(records)
        return True

    def _request(self, run: PlanRun, step: StepRecord, asked: HostRequest, now: float) -> RequestRecord:
        return self._writer.request(
            asked, plan_id=run.id, step_id=step.id, attempt=step.attempt, caller=run.plan.user, now=now
        )

    def _to_worker(
        self,
        batch: Batch,
        run: PlanRun,
        step: StepRecord,
        event: Event | Cancel | None = None,
        event_id: UUID | None = None,
    ) -> None:
        action = self._action(step)
        if isinstance(action, ErrorRecord):
            run.fail(step, action, batch.now)
            return
        run.move(step, StepState.RUNNING, batch.now)
        batch.touch(run)
        batch.dropped_timers += self._memory.drop_timers((run.id, step.id), (SILENCE,))
        data, report, found = self._data(run, step), self._report, action
        plan_id, step_id, phase, attempt = run.id, step.id, step.phase, step.attempt

        def job() -> None:
            report(JobDone(plan_id, step_id, attempt, call(found, phase, data, event), event_id))

        batch.jobs.append((run.id, step.queue, job))

    # -- ending -------------------------------------------------------------------------------------------

    def job_done(self, batch: Batch, done: JobDone) -> None:
        """Take a worker's report; one for a plan or an attempt that is no longer ours is dropped."""
        run = self._memory.runs.get(done.plan_id)
        step = run.steps.get(done.step_id) if run is not None else None
        if run is None or step is None or step.state is not StepState.RUNNING or step.attempt != done.attempt:
            return
        if done.event_id is not None:
            batch.consumed_events.append((run.id, done.event_id))
        self._memory.texts.load([(run.id, step.action_id)])
        self.end(batch, run, step, done.result)

    def end(self, batch: Batch, run: PlanRun, step: StepRecord, result: CallResult) -> None:
        """Let a step end, or sleep, as its call said."""
        batch.touch(run)
        step.execution_time += result.seconds
        self._keep_output(batch, run, step, result.output)
        self._keep_events(batch, run, step, result)
        step.warnings += tuple(result.produced.warnings)
        match result.state:
            case StepState.SUCCESS:
                batch.open(run, run.succeed(step, batch.now))
            case StepState.SUSPENDED:
                self._sleep(batch, run, step, result)
                return
            case StepState.CANCELLED:
                run.move(step, StepState.CANCELLED, batch.now)
                step.error = result.error
            case _:
                run.fail(step, result.error or ErrorRecord("Error", "no reason was given"), batch.now)
        self.clear(batch, run, step)

    def request_ended(self, batch: Batch, run: PlanRun, step: StepRecord, reply: Reply) -> None:
        """Let the end of a request end its host step, or wake the step that waits for it."""
        batch.touch(run)
        run.requests[step.id].remove(reply.request_id)
        action = self._action(step)
        if isinstance(action, ErrorRecord):
            if step.state is StepState.SUSPENDED:
                run.fail(step, action, batch.now)
                self.clear(batch, run, step)
        elif issubclass(action, HostAction):
            self._memory.texts.load(_keys(run, step))
            step.outcome, step.reason = reply.outcome, _reason(reply)
            result = host_result(action, self._data(run, step), reply)
            if result.state is StepState.ERROR and _was_cancelled(run, reply):
                result.state = StepState.CANCELLED
            self.end(batch, run, step, result)
        else:
            self.add_event(batch, run, step, "reply", reply_json(reply))

    def add_event(
        self,
        batch: Batch,
        run: PlanRun,
        step: StepRecord,
        kind: str,
        value: str,
        *,
        optional: bool = False,
    ) -> None:
        """Store an event for a step and wake it if it sleeps; one that cannot take it any more drops it."""
        if not takes_events(step):
            if not optional:
                detail = f"step {step.id} is {step.state}, it takes no {kind} event"
                self.note(batch, run, "event dropped", detail=detail)
            return
        event = EventRecord(uuid4(), run.id, step.id, batch.now, kind, value, optional)
        batch.touch(run)
        batch.new_events.append(event)
        self._memory.add_events([event])
        self.wake(batch, run, step)

    def timer_due(self, batch: Batch, timer: TimerRecord) -> None:
        """Turn a due timer into the event that it stands for."""
        run = self._memory.runs[timer.plan_id]
        self._memory.drop_timer(timer)
        batch.dropped_timers.append((run.id, timer.id))
        kind = "user" if timer.kind == DELAYED else timer.kind
        self.add_event(batch, run, run.steps[timer.step_id], kind, timer.value)

    def conclude(self, batch: Batch) -> None:
        """Bring plans to rest of which nothing is under way, and note it in their history."""
        for run in list(batch.touched.values()):
            if run.id in batch.dropped:
                continue
            try:
                self._conclude(batch, run)
            except Exception as error:  # noqa: BLE001 - the other plans must not suffer
                break_off(self._memory, batch, run.id, error)

    def _conclude(self, batch: Batch, run: PlanRun) -> None:
        failed = run.failed_steps() if run.plan.counts.get(StepState.ERROR) else []
        errors = [step.error for step in failed if step.error is not None]
        fail = bool(errors) and all(error.rescue == "fail" for error in errors)
        if run.rest(batch.now, fail=fail):
            self.note(batch, run, rest_name(run), detail=run.plan.explanation)
        if run.plan.state is not PlanState.RUNNING:
            run.plan.owner = None  # whoever gives the next command claims it anew

    def note(self, batch: Batch, run: PlanRun, name: str, *, actor: str = "", detail: str = "") -> None:
        """Add a line to the plan's history."""
        batch.history.append(HistoryRecord(run.id, batch.now, name, self._world_id, actor, detail))

    # -- parts --------------------------------------------------------------------------------------------

    def _sleep(self, batch: Batch, run: PlanRun, step: StepRecord, result: CallResult) -> None:
        suspension = result.produced.suspension
        assert suspension is not None
        if not self._send(batch, run, step, suspension.requests):
            self.clear(batch, run, step)
            return
        run.move(step, StepState.SUSPENDED, batch.now)
        if not isinstance(suspension.patience, Forever):
            waited = suspension.patience.total_seconds()
            self._set_timer(
                batch, TimerRecord(uuid4(), run.id, step.id, batch.now + waited, SILENCE, json.dumps(waited))
            )
        if run.plan.cancel_requested and step.id not in run.told:
            self.signal_cancel(batch, run, step, "cancel")
        self.wake(batch, run, step)

    def _keep_output(self, batch: Batch, run: PlanRun, step: StepRecord, output: str | None) -> None:
        key = (run.id, step.action_id)
        given, before = self._memory.texts.get(key)
        if output is not None and output != before:
            batch.outputs[key] = output
            self._memory.texts.put(key, (given, output))

    def _keep_events(self, batch: Batch, run: PlanRun, step: StepRecord, result: CallResult) -> None:
        if result.state is StepState.ERROR:
            return
        for event in result.produced.events:
            target = run.steps.get(event.step_id or step.id)
            value = json.dumps(event.value)
            delay = event.delay.total_seconds()
            if target is None:
                self.note(batch, run, "event dropped", detail=f"there is no step {event.step_id}")
            elif delay > 0:
                self._set_timer(
                    batch, TimerRecord(uuid4(), run.id, target.id, batch.now + delay, DELAYED, value)
                )
            else:
                self.add_event(batch, run, target, "user", value, optional=event.optional)

    def _set_timer(self, batch: Batch, timer: TimerRecord) -> None:
        batch.new_timers.append(timer)
        self._memory.add_timer(timer)

    def clear(self, batch: Batch, run: PlanRun, step: StepRecord) -> None:
        """Drop what a step that ended leaves behind: timers, requests, and events that nobody will take."""
        key = (run.id, step.id)
        batch.dropped_timers += self._memory.drop_timers(key, (SILENCE, DELAYED))
        while (event := self._memory.take_event(key)) is not None:
            batch.consumed_events.append((run.id, event.id))
            if not event.optional:
                detail = f"step {step.id} ended before the {event.kind} event could be delivered"
                self.note(batch, run, "event dropped", detail=detail)
        if run.requests.get(step.id):
            self.abandon_requests(batch, run, step)

    def abandon_requests(self, batch: Batch, run: PlanRun, step: StepRecord) -> None:
        """Close the requests that nobody waits for any more, and tell the agents to stop."""
        flights = self._memory.flights
        for request_id in run.requests.pop(step.id, ()):
            if request_id in flights.open:
                record = flights.open[request_id]
                flights.abandon(record, batch.now)
                batch.parcels.append((run.id, self._writer.cancel(record, batch.now)))

    def _data(self, run: PlanRun, step: StepRecord) -> CallData:
        texts = self._memory.texts
        given, output = texts.get((run.id, step.action_id))
        outputs = {each: texts.get((run.id, each))[1] for each in run.producers(step.id)}
        return CallData(run.id, step.action_id, given, output, outputs)

    def _action(self, step: StepRecord) -> type[Action] | ErrorRecord:
        try:
            return self._actions.find(step.action)
        except McoflowError as error:
            return ErrorRecord(type(error).__name__, str(error))


def takes_events(step: StepRecord) -> bool:
    """Whether the step is inside run, or suspended in it."""
    return step.phase is Phase.RUN and step.state in (StepState.RUNNING, StepState.SUSPENDED)


def rest_name(run: PlanRun) -> str:
    """How the history calls it that a plan came to rest."""
    return "pause execution" if run.plan.state is PlanState.PAUSED else "finish execution"


def _keys(run: PlanRun, step: StepRecord) -> list[tuple[UUID, int]]:
    return [(run.id, each) for each in (step.action_id, *run.producers(step.id))]


def _reason(reply: Reply) -> str:
    """The part in brackets of `failed (exit 3)`."""
    words = reply.error.partition(":")[0]
    return words.partition("(")[2].rpartition(")")[0]


def _was_cancelled(run: PlanRun, reply: Reply) -> bool:
    return run.plan.cancel_requested and (reply.outcome.cancelled or reply.outcome is Outcome.LOST)
