"""Starting steps, and ending them: what the director does with the graph and the actions."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from random import Random
from typing import Final
from uuid import UUID

from mcoflow.action.base import Cancellable
from mcoflow.action.chain import Chains
from mcoflow.action.host_action import HostAction
from mcoflow.action.registry import Registry
from mcoflow.domain.events import Abort, Cancel, Reply
from mcoflow.domain.outcome import Outcome
from mcoflow.domain.records import ErrorRecord, StepRecord
from mcoflow.domain.requests import RequestRecord, TimerRecord
from mcoflow.domain.states import Phase, StepState
from mcoflow.engine.arrivals import CHILDREN, LIMIT, RETRY, reply_json
from mcoflow.engine.asking import Asking
from mcoflow.engine.backoff import backoff
from mcoflow.engine.batch import Batch
from mcoflow.engine.calls import CallResult, host_request, host_result
from mcoflow.engine.finalizing import Finalizing, PhaseDone
from mcoflow.engine.flights import ABORTED_BY_PEOPLE, CANCELLED_BY_PEOPLE
from mcoflow.engine.here import Here
from mcoflow.engine.memory import Memory
from mcoflow.engine.plan_run import PlanRun
from mcoflow.engine.quarantine import break_off
from mcoflow.engine.rolling import Rolling
from mcoflow.engine.sending import Sending
from mcoflow.engine.skipping import Skipping
from mcoflow.engine.step_world import OptionsOfCall
from mcoflow.engine.sub_plans import Parents
from mcoflow.engine.waking import Waking
from mcoflow.engine.work import JobDone, Work, keys
from mcoflow.engine.writer import Writer
from mcoflow.errors import StoreUnavailableError
from mcoflow.ports.measures import TIMER_LATENESS
from mcoflow.ports.sub_plans import SubPlanStore

_ENDS: Final = (StepState.SUCCESS, StepState.ERROR)

AT_ONCE: Final = 500
"""Steps that are started with one batch at the most: the first requests leave before the last are made."""
FIRST: Final = 100
"""Steps that are started with the first batch of more than AT_ONCE; each further one takes twice as many. So
the first results do not wait for the start of all others."""


class Steps:
    """Moves the steps of the plans in memory; every effect goes into the batch.

    `asking` has the requests of steps, `waking` their events and timers, `work` their classes and texts,
    `parents` those that have sub-plans, `finalizing` the finalize phases that are one job. `left` may start
    with the next batch.
    """

    def __init__(
        self,
        memory: Memory,
        actions: Registry,
        writer: Writer,
        report: Callable[[JobDone | PhaseDone], None],
        *,
        world_id: UUID,
        chance: Random,
        here: Here,
        chains: Chains,
        store: SubPlanStore,
        rolling: Rolling,
        options: OptionsOfCall | None = None,
    ) -> None:
        self._memory = memory
        self.work = Work(memory, actions, chains, report, world_id=world_id, store=store, options=options)
        self.asking = Asking(memory, writer)
        self.waking = Waking(memory, self.work, self._try_again)
        self.parents = Parents(memory, self.work, self.waking, store)
        self.sending = Sending(memory, self.work, self.waking)
        self.skipping = Skipping(self.work)
        self.rolling = rolling
        self.finalizing = Finalizing(memory, self.work, actions, chains, report=report, end=self.end)
        self.left: list[tuple[PlanRun, StepRecord]] = []
        self._room = FIRST
        self._chance = chance
        self._here = here

    def note(self, batch: Batch, run: PlanRun, name: str, *, actor: str = "", detail: str = "") -> None:
        """Add a line to the plan's history."""
        self.work.note(batch, run, name, actor=actor, detail=detail)

    # -- starting -----------------------------------------------------------------------------------------

    def start_ready(self, batch: Batch) -> None:
        """Start every step that may start, those included that become ready by it, but for `left`."""
        for run, step in self.left:
            if self._memory.runs.get(run.id) is run:
                batch.open(run, (step.id,))
        self.left.clear()
        self.rolling.take_turns(batch)
        room = self._room if len(batch.ready) > AT_ONCE else AT_ONCE
        while batch.ready and room:
            wave = [batch.ready.popleft() for _ in range(min(room, len(batch.ready)))]
            room -= len(wave)
            self._memory.texts.load([key for run, step in wave for key in keys(run, step)])
            for run, step in wave:
                if run.id in batch.dropped or not run.may_start(step):
                    continue
                try:
                    self._start(batch, run, step)
                except StoreUnavailableError:
                    raise
                except Exception as error:  # noqa: BLE001 - the other plans must not suffer
                    break_off(self._memory, batch, run.id, error)
            self.rolling.take_turns(batch)
        self.left.extend(batch.ready)
        batch.ready.clear()
        self._room = min(2 * self._room, AT_ONCE) if self.left else FIRST

    def open_anew(self, batch: Batch, run: PlanRun) -> None:
        """Let all begin that may in a running plan of which steps were held back; none is opened twice."""
        self.left = [each for each in self.left if each[0] is not run]
        batch.ready = deque(each for each in batch.ready if each[0] is not run)
        for step in run.held():
            run.next_try(step)
        batch.open(run, run.begin(batch.now))

    def signal_cancel(self, batch: Batch, run: PlanRun, step: StepRecord, why: str) -> bool:
        """Tell a suspended step that it is cancelled; False if it has no way to stop."""
        action = self.work.action(step)
        records = self.asking.open_of(run, step)
        for record in records:
            self._call_back(batch, run, step, record, why, withdraw=self._is_host_step(step))
        batch.touch(run)
        if self.waking.awaits_next_try(run, step):
            run.move(step, StepState.CANCELLED, batch.now)
            self.clear(batch, run, step)
            return True
        if isinstance(action, ErrorRecord) or issubclass(action, HostAction):
            return bool(records)
        asleep = step.state is StepState.SUSPENDED and not self.work.draining
        if not issubclass(action, Cancellable) or not asleep:
            return bool(records)
        run.told.add(step.id)
        self.work.load(run, step)
        self.work.to_worker(batch, run, step, Cancel())
        return True

    def tell_cancelled(self, batch: Batch, run: PlanRun, step: StepRecord) -> None:
        """Tell a step that sleeps how its plan was cancelled."""
        if run.plan.abort_requested:
            self.signal_abort(batch, run, step)
        else:
            self.signal_cancel(batch, run, step, CANCELLED_BY_PEOPLE)

    def signal_abort(self, batch: Batch, run: PlanRun, step: StepRecord) -> bool:
        """Tell a suspended step that it is aborted; one that has no way to stop ends at once."""
        action = self.work.action(step)
        if self._is_host_step(step) or self.waking.awaits_next_try(run, step):
            return self.signal_cancel(batch, run, step, ABORTED_BY_PEOPLE)
        batch.touch(run)
        self.asking.abandon(batch, run, step)
        run.told.add(step.id)
        if isinstance(action, ErrorRecord) or not issubclass(action, Cancellable):
            run.move(step, StepState.CANCELLED, batch.now)
            step.error = ErrorRecord("StepCancelledError", "aborted while it waited: it may still be running")
            self.clear(batch, run, step)
        elif not self.work.draining:
            self.work.load(run, step)
            self.work.to_worker(batch, run, step, Abort())
        return True

    def _start(self, batch: Batch, run: PlanRun, step: StepRecord) -> None:
        action = self.work.action(step)
        if isinstance(action, ErrorRecord):
            run.fail(step, action, batch.now)
            return
        if action.time_limit is not None and step.phase is not Phase.FINALIZE:
            self.waking.set_timer(batch, run, step, LIMIT, after=action.time_limit.total_seconds())
        if step.phase is Phase.RUN and self.work.is_called_here(action):
            self._start_on_host(batch, run, step, action)
        elif step.phase is Phase.FINALIZE and self.finalizing.is_one(run):
            self.finalizing.start(batch, run, step)
        else:
            self.work.to_worker(batch, run, step)

    def _try_again(self, batch: Batch, run: PlanRun, step: StepRecord) -> None:
        """Begin the next try of a step that failed and slept since."""
        batch.touch(run)
        run.next_try(step)
        self._start(batch, run, step)

    def hold(self, batch: Batch, run: PlanRun, step: StepRecord) -> None:
        """Keep the next try of a step for the resume of its plan: no timer, but the count of tries stays."""
        self.waking.drop_of_try(batch, run, step)
        run.move(step, StepState.PENDING, batch.now)

    def _start_on_host(self, batch: Batch, run: PlanRun, step: StepRecord, action: type[HostAction]) -> None:
        data = self.work.data(run, step)
        asked = self._here.call(run, step, host_request, action, data)
        if isinstance(asked, CallResult):
            self.end(batch, run, step, asked)
        elif self.asking.send(batch, run, step, (asked,)) and step.state is not StepState.SUSPENDED:
            run.move(step, StepState.SUSPENDED, batch.now)

    def _call_back(
        self,
        batch: Batch,
        run: PlanRun,
        step: StepRecord,
        record: RequestRecord,
        why: str,
        *,
        withdraw: bool = False,
    ) -> None:
        ended = self.asking.call_back(batch, run, record, why, withdraw=withdraw)
        if ended is not None:
            self.request_ended(batch, run, step, ended)

    def _is_host_step(self, step: StepRecord) -> bool:
        action = self.work.action(step)
        return step.phase is Phase.RUN and isinstance(action, type) and issubclass(action, HostAction)

    # -- ending -------------------------------------------------------------------------------------------

    def job_done(self, batch: Batch, done: JobDone) -> None:
        """Take a worker's report; one for a plan or an attempt that is no longer ours is dropped."""
        run = self._memory.runs.get(done.plan_id)
        step = run.steps.get(done.step_id) if run is not None else None
        if run is None or step is None or step.attempt != done.attempt:
            return
        if step.id in run.heard:
            self._memory.texts.put((run.id, step.action_id), done.texts)
            self.skipping.ended(batch, run, step, done)
            return
        if step.state is not StepState.RUNNING:
            return
        if done.event_id is not None:
            batch.consumed_events.append((run.id, done.event_id))
        self._memory.texts.put((run.id, step.action_id), done.texts)
        self.end(batch, run, step, done.result)

    def end(self, batch: Batch, run: PlanRun, step: StepRecord, result: CallResult) -> None:
        """Let a step end, or sleep, as its call said."""
        batch.touch(run)
        if result.state in _ENDS and _was_cancelled(run, step):
            result.state = StepState.CANCELLED  # also where the action makes a failure a warning
        step.execution_time += result.seconds
        self.work.keep_output(batch, run, step, result.output)
        self.work.keep_chunks(batch, run, step, result)
        if result.progress is not None:
            run.tell_progress(step, result.progress)
        if result.state is not StepState.ERROR:
            self.sending.send_produced(batch, run, step, result.produced)
        step.warnings += tuple(result.produced.warnings)
        match result.state:
            case StepState.SUCCESS:
                self._warn_of_limit(run, step)
                batch.open(run, run.succeed(step, batch.now))
            case StepState.SUSPENDED:
                self._sleep(batch, run, step, result)
                return
            case StepState.CANCELLED:
                run.move(step, StepState.CANCELLED, batch.now)
                step.error = result.error
            case _ if self._bears(run, step, result):
                self._sleep_till_next_try(batch, run, step, result)
                return
            case _:
                run.fail(step, result.error or ErrorRecord("Error", "no reason was given"), batch.now)
        self.clear(batch, run, step)

    def _bears(self, run: PlanRun, step: StepRecord, result: CallResult) -> bool:
        retry = result.retry
        return retry is not None and step.tries + 1 < retry.tries and not run.plan.cancel_requested

    def _sleep_till_next_try(self, batch: Batch, run: PlanRun, step: StepRecord, result: CallResult) -> None:
        assert result.retry is not None
        step.tries += 1
        self._abandon(batch, run, step)
        run.touch(step)
        step.error, step.reason = result.error, f"try {step.tries + 1} of {result.retry.tries}"
        if run.plan.pause_requested:
            self.hold(batch, run, step)
            return
        self.waking.drop_of_try(batch, run, step)
        if step.state is not StepState.SUSPENDED:
            run.move(step, StepState.SUSPENDED, batch.now)
        wait = backoff(step.tries, base=result.retry.base, cap=result.retry.cap, chance=self._chance)
        self.waking.set_timer(batch, run, step, RETRY, after=wait.total_seconds())

    def _warn_of_limit(self, run: PlanRun, step: StepRecord) -> None:
        """Code that was inside could not be interrupted; it came late, but it did what it should."""
        if self.waking.over_limit(run, step):
            action = self.work.action(step)
            limit = f" of {action.time_limit}" if isinstance(action, type) else ""
            step.warnings += (f"took longer than its time limit{limit}",)

    def request_ended(self, batch: Batch, run: PlanRun, step: StepRecord, reply: Reply) -> None:
        """Let the end of a request end its host step, or wake the step that waits for it."""
        batch.touch(run)
        run.requests[step.id].remove(reply.request_id)
        action = self.work.action(step)
        if isinstance(action, ErrorRecord):
            if step.state is StepState.SUSPENDED:
                run.fail(step, action, batch.now)
                self.clear(batch, run, step)
            return
        if issubclass(action, HostAction):
            step.outcome, step.reason = reply.outcome, _reason(reply)
            run.touch(step)
        if self.work.is_called_here(action):
            self.work.load(run, step)
            data = self.work.data(run, step)
            result = self._here.call(run, step, host_result, action, data, reply)
            self.end(batch, run, step, result)
        else:
            self.waking.add_event(batch, run, step, "reply", reply_json(reply))

    def timer_due(self, batch: Batch, timer: TimerRecord) -> None:
        """Wake the step, or call its requests back; a timer of a step that has ended is silent."""
        run = self._memory.runs[timer.plan_id]
        step = run.steps[timer.step_id]
        self._memory.drop_timer(timer)
        batch.tell(run.id, (TIMER_LATENESS,), value=batch.now - timer.due_at)
        batch.dropped_timers.append((run.id, timer.id))
        batch.touch(run)
        if timer.kind == LIMIT and self._is_host_step(step):
            for record in self.asking.open_of(run, step):
                self._call_back(batch, run, step, record, "timeout")
        elif timer.kind == CHILDREN:
            self.parents.tick(batch, run, step, fresh=True)
        else:
            self.waking.timer_due(batch, run, step, timer)

    def clear(self, batch: Batch, run: PlanRun, step: StepRecord) -> None:
        """Drop what a step that ended leaves behind: timers, requests, and events that nobody will take."""
        self.waking.drop_left(batch, run, step)
        self._abandon(batch, run, step)

    def _abandon(self, batch: Batch, run: PlanRun, step: StepRecord) -> None:
        if run.requests.get(step.id):
            self.asking.abandon(batch, run, step)

    def _sleep(self, batch: Batch, run: PlanRun, step: StepRecord, result: CallResult) -> None:
        suspension = result.produced.suspension
        assert suspension is not None
        if not self.asking.send(batch, run, step, suspension.requests):
            self.clear(batch, run, step)
            return
        run.move(step, StepState.SUSPENDED, batch.now)
        self.waking.expect_silence(batch, run, step, suspension)
        if run.plan.cancel_requested and step.id not in run.told:
            self.tell_cancelled(batch, run, step)
        self.waking.wake(batch, run, step)
        if result.produced.children is not None:
            batch.children += [(run.id, draft) for draft in result.drafts]
            self.parents.sleep(batch, run, step, result.produced.children, created=len(result.drafts))


def _reason(reply: Reply) -> str:
    """The part in brackets of `failed (exit 3)`."""
    words = reply.error.partition(":")[0]
    return words.partition("(")[2].rpartition(")")[0]


def _was_cancelled(run: PlanRun, step: StepRecord) -> bool:
    outcome = step.outcome
    return (
        run.plan.cancel_requested and outcome is not None and (outcome.cancelled or outcome is Outcome.LOST)
    )
