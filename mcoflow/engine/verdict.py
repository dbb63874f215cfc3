"""What became of a plan: its result by the first rule that matches, and the line that explains it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from mcoflow.domain.records import PlanRecord, StepRecord
from mcoflow.domain.rollout import Tally
from mcoflow.domain.states import PlanResult, StepState
from mcoflow.domain.told import in_one_line


def result_of(plan: PlanRecord, steps: Collection[StepRecord]) -> PlanResult:
    """Return the result of a plan at rest: cancelled, error, warning, success, whichever comes first."""
    counts = plan.counts
    if counts.get(StepState.CANCELLED) or (plan.cancel_requested and not steps):
        return PlanResult.CANCELLED
    if counts.get(StepState.ERROR):
        return PlanResult.ERROR
    if counts.get(StepState.SKIPPED) or any(step.warnings for step in steps):
        return PlanResult.WARNING
    return PlanResult.SUCCESS


def explanation_of(steps: Iterable[StepRecord]) -> str:
    """Name up to three steps that failed, warned, or were cancelled with an outcome of their own."""
    told = [text for step in steps if (text := _told(step))]
    rest = f" and {len(told) - 3} more" if len(told) > 3 else ""
    return ("; ".join(told[:3]) + rest)[:500]


def paused_on_request(plan: PlanRecord, *, held: int = 0) -> str:
    """Say how much of a plan that somebody paused has not begun, in hosts where those take turns.

    `held` steps have: they wait for their next try.
    """
    tallies = plan.rollout.tallies if plan.rollout is not None else ()
    tally = next((each for each in tallies if each.not_begun or each.under_way), None)
    if tally is not None:
        cut = tally.under_way
        told = [f"{cut} {'host is' if cut == 1 else 'hosts are'} interrupted"] if cut else []
        told += [_left(tally)] if tally.not_begun else []
        return f"paused on request in wave {tally.wave} of {tally.waves}: {', '.join(told)}"
    left = plan.counts[StepState.PENDING] - held
    told = [f"{left} {'step has' if left == 1 else 'steps have'} not begun"] if left else []
    told += [f"{held} {'is' if held == 1 else 'are'} to be tried again"] if held else []
    return f"paused on request: {', '.join(told)}"


def exceeded_in_words(tally: Tally, failures: str) -> str:
    """`failure limit of 5 % passed: 7 of 120 hosts failed, 13 hosts have not begun (web7: failed …)`."""
    failed = f"{tally.failed} of {tally.hosts} {'host' if tally.hosts == 1 else 'hosts'} failed"
    return f"{tally.exceeded}: {failed}, {_left(tally)} ({failures}"[:499] + ")"


def _left(tally: Tally) -> str:
    return f"{tally.not_begun} {'host has' if tally.not_begun == 1 else 'hosts have'} not begun"


def _told(step: StepRecord) -> str:
    where = f"{step.host}: " if step.host else ""
    if step.error is not None and step.state in (StepState.ERROR, StepState.SKIPPED):
        return f"{where}{in_one_line(step.error.message)}"
    if step.warnings:
        return f"{where}{'; '.join(map(in_one_line, step.warnings))}"
    if step.state is StepState.CANCELLED and step.outcome is not None:
        return f"{where}{step.outcome.words(step.reason)}"
    return ""
