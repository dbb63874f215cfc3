"""What a batch did, told after its commit: to the log, and to the observer if there is one."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Final

from mcoflow.domain.records import PlanDraft, PlanRecord, StepRecord
from mcoflow.domain.states import FINAL_STEP_STATES, Phase, PlanResult, PlanState, StepState
from mcoflow.engine.batch import Batch, Fact
from mcoflow.engine.plan_run import PlanRun
from mcoflow.engine.post import Receipted
from mcoflow.ports import measures as m
from mcoflow.ports.measures import Key
from mcoflow.ports.observer import NOBODY, Observer

log = logging.getLogger("mcoflow.engine")

_ENDED: Final = FINAL_STEP_STATES | {StepState.ERROR}
_EVENTS: Final[Mapping[str, str]] = {
    "delivered": "event.delivered",
    "refused": "event.refused",
    "dropped": "event.dropped",
}


class Observing:
    """Counts what batches did, in the director's thread. Without an observer nothing is looked at by step."""

    def __init__(self, observer: Observer = NOBODY) -> None:
        self._observer = observer
        self._observed = observer is not NOBODY
        self._counts: defaultdict[Key, int] = defaultdict(int)
        self._values: defaultdict[Key, list[float]] = defaultdict(list)

    def facts(self) -> list[Fact] | None:
        """Where a new batch notes what its changes do not show; None if nobody wants to know."""
        return [] if self._observed or log.isEnabledFor(logging.DEBUG) else None

    def written(self, batch: Batch, seconds: float) -> None:
        """A batch was committed in so many seconds; its plans still know which of their steps changed."""
        _log_written(batch)
        if not self._observed:
            return
        self._values[m.COMMIT_SECONDS,].append(seconds)
        for plan_id, run in batch.touched.items():
            if plan_id not in batch.dropped:
                self._run(run)
        for plan_id, draft in chain(batch.drafts.items(), batch.planned.items()):
            if plan_id not in batch.dropped:
                self._draft(draft, taken=plan_id in batch.touched)
        for caller_id, draft in batch.children:
            if caller_id not in batch.dropped:
                self._draft(draft, taken=False)
        self._messages(batch)

    def turned(self, batch: Batch, letters: Sequence[object], waits: Iterable[tuple[str, float]]) -> None:
        """A turn is over, and its effects can be seen. `waits`: how long jobs waited, by queue."""
        if log.isEnabledFor(logging.DEBUG):
            _log_turned(batch, letters)
        if not self._observed:
            return
        self._facts(batch)
        if letters:
            self._values[m.BATCH_EVENTS,].append(len(letters))
        for letter in letters:
            if type(letter) is Receipted:
                self._counts[m.PUBLISHES, letter.receipt] += 1
        for queue, seconds in waits:
            self._values[m.QUEUE_WAIT_SECONDS, queue].append(seconds)
        self._hand_over()

    def stored(self, draft: PlanDraft) -> None:
        """A plan was stored without the director, for whichever executor takes it up."""
        _log_planned(draft)
        if self._observed:
            observing = Observing(self._observer)  # its own counts: this is the thread of a caller
            observing._draft(draft, taken=False)
            observing._hand_over()

    def halted(self, plan: PlanRecord) -> None:
        """A plan was stopped behind the director's back."""
        observing = Observing(self._observer)  # as above
        observing._plan(plan)
        observing._hand_over()

    @property
    def observed(self) -> bool:
        """Whether anybody listens."""
        return self._observed

    def _hand_over(self) -> None:
        if self._counts:
            self._observer.counted(self._counts)
            self._counts = defaultdict(int)
        if self._values:
            self._observer.measured(self._values)
            self._values = defaultdict(list)

    def _run(self, run: PlanRun) -> None:
        for step_id, seen in run.changed.items():
            step = run.steps[step_id]
            if step.state in _ENDED and step.state is not seen:
                self._step(step)
        if run.plan.state is PlanState.STOPPED:
            self._plan(run.plan)

    def _step(self, step: StepRecord) -> None:
        self._counts[m.STEPS_ENDED, step.action, step.phase, step.state] += 1
        if step.started_at is not None and step.ended_at is not None and step.state in _RAN:
            self._values[m.STEP_RUN_SECONDS, step.action, step.phase].append(step.execution_time)
            if step.phase in _SLEEPING:
                took = step.ended_at - step.started_at
                self._values[m.STEP_REAL_SECONDS, step.action, step.phase].append(took)

    def _plan(self, plan: PlanRecord) -> None:
        self._counts[m.PLANS_ENDED, plan.action, plan.result] += 1
        if plan.caller_plan_id is not None:
            self._counts[m.SUB_PLANS, plan.result] += 1
        if plan.started_at is not None and plan.ended_at is not None and plan.result in _RAN_OUT:
            took = plan.ended_at - plan.started_at
            self._values[m.PLAN_SECONDS, plan.action, plan.result].append(took)

    def _draft(self, draft: PlanDraft, *, taken: bool) -> None:
        """Count the plan steps of a plan that is new; `taken`: it is in our hands, and its run counted."""
        for step in draft.steps:
            if step.phase is Phase.PLAN and step.state in _ENDED:
                self._counts[m.STEPS_ENDED, step.action, step.phase, step.state] += 1
        if taken:
            self._counts[m.LEASES, "taken"] += 1
        elif draft.plan.state is PlanState.STOPPED:
            self._plan(draft.plan)

    def _messages(self, batch: Batch) -> None:
        counts = self._counts
        for event in batch.new_events:
            if event.plan_id not in batch.dropped:
                counts[m.EVENTS, event.kind, "stored"] += 1
        for message in batch.evidence:
            counts[m.REPLIES, message.why] += 1
        if batch.sent_on:
            counts[m.REPLIES, "forwarded"] += batch.sent_on
        applied = len(batch.settled()) - len(batch.evidence) - batch.sent_on if batch.deliveries else 0
        if applied > 0:
            counts[m.REPLIES, "applied"] += applied

    def _facts(self, batch: Batch) -> None:
        for fact in batch.kept_facts():
            if fact.key[0].kind is m.Kind.HISTOGRAM:
                self._values[fact.key].append(fact.value)
            else:
                self._counts[fact.key] += 1


_RAN: Final = frozenset({StepState.SUCCESS, StepState.ERROR, StepState.CANCELLED})
"""States in which a step may have been inside its code; a skipped one was not."""
_SLEEPING: Final = frozenset({Phase.RUN, Phase.REVERT})
"""Phases in which a step may suspend: in the others its real time is that inside its code."""
_RAN_OUT: Final = frozenset({PlanResult.SUCCESS, PlanResult.WARNING, PlanResult.ERROR})
"""Results of plans that took as long as they take; how long the others took, somebody decided."""


def _log_written(batch: Batch) -> None:
    """Log what a commit changed: failures from `info` on, every move from `debug` on."""
    if not log.isEnabledFor(logging.INFO):
        return
    for run in batch.touched.values():
        if run.plan.counts.get(StepState.ERROR) and run.id not in batch.dropped:
            _log_failed(run)
    for draft in chain(batch.drafts.values(), batch.planned.values()):
        if draft.plan.id not in batch.dropped:
            _log_planned(draft)
    if batch.children:
        _log_children(batch)
    for line in batch.history:
        if line.name == "rescue" and line.plan_id not in batch.dropped:
            log.info("plan.rescued", extra={"plan": str(line.plan_id), "detail": line.detail})
    if log.isEnabledFor(logging.DEBUG):
        _log_moves(batch)


def _log_children(batch: Batch) -> None:
    made = Counter(caller_id for caller_id, _ in batch.children if caller_id not in batch.dropped)
    for caller_id, count in made.items():
        log.info("sub_plans.batch", extra={"plan": str(caller_id), "count": count})
    for caller_id, draft in batch.children:
        if caller_id in made:
            _log_planned(draft)


def _log_planned(draft: PlanDraft) -> None:
    plan = draft.plan
    failed = plan.state is PlanState.STOPPED
    if failed or log.isEnabledFor(logging.DEBUG):
        where = {"plan": str(plan.id), "action": plan.action, "error": plan.explanation if failed else ""}
        log.log(logging.INFO if failed else logging.DEBUG, "plan.planned", extra=where)


def _log_failed(run: PlanRun) -> None:
    for step_id, seen in run.changed.items():
        step = run.steps[step_id]
        if step.state is StepState.ERROR and seen is not StepState.ERROR:
            kind = step.error.kind if step.error is not None else ""
            where = {"plan": str(run.id), "step": step.id, "action": step.action, "error": kind}
            log.info("step.failed", extra=where)


def _log_moves(batch: Batch) -> None:
    for line in batch.history:
        log.debug("plan.moved", extra={"plan": str(line.plan_id), "what": line.name, "detail": line.detail})
    for run in batch.touched.values():
        for step_id, seen in run.changed.items():
            step = run.steps[step_id]
            where = {"plan": str(run.id), "step": step.id, "from": seen.value, "to": step.state.value}
            log.debug("step.moved", extra=where)
            if step.state is StepState.SUSPENDED and step.error is not None:
                log.debug("step.retried", extra={"plan": str(run.id), "step": step.id, "tries": step.tries})
    for event in batch.new_events:
        extra = {"plan": str(event.plan_id), "step": event.step_id, "kind": event.kind}
        log.debug("event.stored", extra=extra)


def _log_turned(batch: Batch, letters: Sequence[object]) -> None:
    """Log what came from hosts and the broker, and what became of events."""
    for letter in letters:
        if type(letter) is Receipted and letter.receipt == "confirmed":
            trace = dict(letter.parcel.headers).get("traceparent", "")
            log.debug("request.published", extra={"request": str(letter.parcel.message_id), "trace": trace})
    for plan_id, delivery in batch.deliveries:
        if plan_id is not None and plan_id not in batch.dropped:
            trace = dict(delivery.headers).get("traceparent", "")
            extra = {"plan": str(plan_id), "bytes": len(delivery.body), "trace": trace}
            log.debug("reply.applied", extra=extra)
    for fact in batch.kept_facts():
        measure, *labels = fact.key
        if measure is m.EVENTS:
            where = {"plan": str(fact.plan_id), "step": fact.step, "kind": labels[0]}
            log.debug(_EVENTS[labels[1]], extra=where)
