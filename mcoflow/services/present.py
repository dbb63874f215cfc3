"""From stored records to views: words, marks and titles."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from mcoflow.action.naming import spoken
from mcoflow.action.registry import REGISTERED
from mcoflow.domain.outcome import Effect, Outcome
from mcoflow.domain.records import HistoryRecord, JsonObject, PlanRecord, StepRecord
from mcoflow.domain.requests import CommandKind, EvidenceRecord
from mcoflow.domain.schedule import ScheduleRecord
from mcoflow.domain.states import PlanResult, PlanState, StepState
from mcoflow.errors import UnknownActionError
from mcoflow.services.rollouts import rollouts_of
from mcoflow.services.times import certain_moment, moment, span
from mcoflow.services.views import Counters, EvidenceView, HistoryView, Mark, PlanView, ScheduleView, StepView

_STEP_MARKS: Final[Mapping[StepState, Mark]] = {
    StepState.PENDING: Mark.PENDING,
    StepState.RUNNING: Mark.RUNNING,
    StepState.SUSPENDED: Mark.WAITING,
    StepState.SUCCESS: Mark.SUCCESS,
    StepState.ERROR: Mark.ERROR,
    StepState.SKIPPING: Mark.SKIPPED,
    StepState.SKIPPED: Mark.SKIPPED,
    StepState.CANCELLED: Mark.CANCELLED,
}
_RESULT_MARKS: Final[Mapping[PlanResult, Mark]] = {
    PlanResult.PENDING: Mark.PENDING,
    PlanResult.SUCCESS: Mark.SUCCESS,
    PlanResult.WARNING: Mark.WARNING,
    PlanResult.ERROR: Mark.ERROR,
    PlanResult.CANCELLED: Mark.CANCELLED,
    PlanResult.HALTED: Mark.CANCELLED,
}
_STEP_WORDS: Final[Mapping[StepState, str]] = {
    StepState.PENDING: "pending",
    StepState.RUNNING: "running",
    StepState.SUSPENDED: "waiting for a reply",
    StepState.SUCCESS: "success",
    StepState.ERROR: "error",
    StepState.SKIPPING: "skipped on resume",
    StepState.SKIPPED: "skipped",
    StepState.CANCELLED: "cancelled",
}
_WITH_OUTCOME: Final = (StepState.ERROR, StepState.CANCELLED)


def title_of(action: str) -> str:
    """Return what people call an action; of one that is not registered (any more), its name."""
    try:
        found = REGISTERED.find(action)
    except UnknownActionError:
        return spoken(action)
    return found.title or spoken(action)


def plan_view(plan: PlanRecord, allowed: Sequence[CommandKind], now: float) -> PlanView:
    """Return the view of a plan; `now` ends the duration of one that has not ended."""
    mark, word = standing(plan)
    return PlanView(
        id=plan.id,
        title=plan.label if plan.label != plan.action else title_of(plan.action),
        action=plan.action,
        state=plan.state,
        result=plan.result,
        mark=mark,
        word=word,
        explanation=plan.explanation,
        user=plan.user,
        hosts=plan.hosts,
        simulated=plan.simulated,
        counters=replace(counters(plan.counts), warned=plan.warned),
        arguments=arguments_of(plan.args),
        created_at=certain_moment(plan.created_at),
        started_at=moment(plan.started_at),
        ended_at=moment(plan.ended_at),
        duration=span(plan.started_at, plan.ended_at, now),
        cancel_requested=plan.cancel_requested,
        pause_requested=plan.pause_requested,
        version=plan.version,
        allowed=tuple(allowed),
        progress=plan.progress,
        caller=plan.caller_plan_id,
        rollouts=rollouts_of(plan),
    )


def schedule_view(schedule: ScheduleRecord, now: float) -> ScheduleView:
    """Return the view of what a scheduled task waits for."""
    before = moment(schedule.start_before)
    parts = [
        "somebody to unfreeze it" if schedule.frozen else "",
        f"{schedule.unmet} other {'task' if schedule.unmet == 1 else 'tasks'}" if schedule.unmet else "",
        "its time" if schedule.start_at is not None and schedule.start_at > now else "",
    ]
    words = " and ".join(part for part in parts if part) or "an executor"
    if before is not None:
        words += f"; not later than {before:%Y-%m-%d %H:%M:%S} UTC"
    return ScheduleView(moment(schedule.start_at), before, schedule.frozen, schedule.unmet, words)


def counters(counts: Mapping[StepState, int]) -> Counters:
    """Return the counters of a plan from its numbers of steps by state."""
    return Counters(
        total=sum(counts.values()),
        done=counts.get(StepState.SUCCESS, 0),
        failed=counts.get(StepState.ERROR, 0),
        waiting=counts.get(StepState.SUSPENDED, 0),
        running=counts.get(StepState.RUNNING, 0),
        pending=counts.get(StepState.PENDING, 0),
        cancelled=counts.get(StepState.CANCELLED, 0),
        skipped=counts.get(StepState.SKIPPED, 0) + counts.get(StepState.SKIPPING, 0),
    )


def step_view(step: StepRecord, now: float, subject: str = "", *, over: bool = False) -> StepView:
    """Return the view of a step; `subject`: what it works on, if known; `over`: its plan has stopped."""
    return StepView(
        id=step.id,
        phase=step.phase,
        action=step.action,
        title=title_of(step.action),
        subject=subject,
        host=step.host,
        state=step.state,
        mark=_step_mark(step),
        words=step_words(step, over=over),
        unknown_effect=step.outcome is not None and step.outcome.effect is Effect.UNKNOWN,
        attempt=step.attempt,
        progress=step.progress,
        error=step.error.message if step.error else "",
        warnings=step.warnings,
        started_at=moment(step.started_at),
        ended_at=moment(step.ended_at),
        duration=span(step.started_at, step.ended_at, now),
        outcome=step.outcome or "",
        action_id=step.action_id,
    )


def step_words(step: StepRecord, *, over: bool = False) -> str:
    """Return the exact words for where a step stands: its outcome on the host if it has one."""
    if over and step.state is StepState.PENDING:
        return "not run"
    if step.outcome is not None and (step.state in _WITH_OUTCOME or _was_borne(step)):
        return step.outcome.words(step.reason)
    if step.state is StepState.SUCCESS and step.warnings:
        return "success, warned"
    far = "" if step.progress is None else f", {step.progress:.0%}"
    if step.state is StepState.SUSPENDED and step.reason not in ("", "a reply"):
        return f"waits for {step.reason}{far}"
    if step.state in (StepState.RUNNING, StepState.SUSPENDED):
        return f"{_STEP_WORDS[step.state]}{far}"
    return _STEP_WORDS[step.state]


def history_view(line: HistoryRecord) -> HistoryView:
    """Return the view of a line of history."""
    return HistoryView(certain_moment(line.at), line.name, line.actor, line.world, line.detail)


def evidence_view(kept: EvidenceRecord) -> EvidenceView:
    """Return the view of a message that changed nothing; its bytes as text, cut after 4 KiB."""
    text = kept.body[:4096].decode("utf-8", "replace")
    return EvidenceView(certain_moment(kept.at), kept.why, kept.host, kept.request_id, kept.detail, text)


def json_object(text: str) -> JsonObject:
    """Return stored JSON text as an object; anything else, under the key `value`."""
    value = json.loads(text) if text else {}
    return value if isinstance(value, dict) else {"value": value}


def arguments_of(args: str) -> JsonObject:
    """Return the keyword arguments with which a plan was submitted."""
    value: Any = json.loads(args) if args else {}
    if isinstance(value, list):  # positional ones first, the keyword arguments last
        value = next((each for each in reversed(value) if isinstance(each, dict)), {})
    return value if isinstance(value, dict) else {}


def standing(plan: PlanRecord) -> tuple[Mark, str]:
    """Return mark and word of a plan: its state while it lives, its result once it has stopped."""
    match plan.state:
        case PlanState.STOPPED:
            reverted = ", reverted" if plan.reverted else ""
            return _RESULT_MARKS[plan.result], f"{plan.result}{reverted}"
        case PlanState.PAUSED:
            return Mark.PAUSED, "paused"
        case PlanState.PENDING | PlanState.SCHEDULED:
            return Mark.PENDING, str(plan.state)
        case PlanState.PLANNING:
            return Mark.RUNNING, "planning"
        case PlanState.PLANNED:
            return Mark.PENDING, "waiting"
        case PlanState.RUNNING:
            return Mark.RUNNING, _running_word(plan)


def _running_word(plan: PlanRecord) -> str:
    if plan.cancel_requested:
        return "aborting" if plan.abort_requested else "cancelling"
    return "pausing" if plan.pause_requested else "running"


def _was_borne(step: StepRecord) -> bool:
    """Whether the host failed, and the action made a warning of it."""
    return step.state is StepState.SUCCESS and step.outcome not in (None, Outcome.OK)


def _step_mark(step: StepRecord) -> Mark:
    unknown = step.outcome is not None and step.outcome.effect is Effect.UNKNOWN
    if unknown and (step.state is StepState.ERROR or _was_borne(step)):
        return Mark.UNKNOWN
    if step.state is StepState.SUCCESS and (step.warnings or _was_borne(step)):
        return Mark.WARNING
    return _STEP_MARKS[step.state]
