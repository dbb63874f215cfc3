"""What became of a plan: its result by the first rule that matches, and the line that explains it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from mcoflow.domain.records import PlanRecord, StepRecord
from mcoflow.domain.rollout import Tally
from mcoflow.domain.states import PlanResult, StepState
from mcoflow.domain.told import in_one_line, says, together


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
    """Tell up to three things that went wrong, each once with its hosts: errors, then warnings and cancels.

    What an error of the same host says as well is left out.
    """
    failed, others = list[tuple[str, str]](), list[tuple[str, str]]()
    for step in steps:
        if text := _told(step):
            (failed if step.error is not None else others).append((step.host or "", text))
    errors: dict[str, str] = {}
    for host, text in failed:
        errors[host] = f"{errors[host]}; {text}" if host in errors else text
    rest = [(host, text) for host, text in others if not says(errors.get(host, ""), text)]
    return together([*failed, *rest], most=3, named=3)[:500]


def paused_on_request(plan: PlanRecord, *, held: int = 0) -> str:
    """Say how much of a plan that somebody paused has not begun, in hosts where those take turns.

    `held` steps have: they wait for their next try.
    """
    tallies = plan.rollout.tallies if plan.rollout is not None else ()
    tally = next((each for each in tallies if each.not_begun or each.under_way), None)
    if tally is not None:
        cut = tally.under_way
        told = [f"{cut} {'host is' if cut == 1 else 'hosts are'} interrupted"] if cut else []
        told += [tally.left_words] if tally.not_begun else []
        return f"paused on request in wave {tally.wave} of {tally.waves}: {', '.join(told)}"
    left = plan.counts[StepState.PENDING] - held
    told = [f"{left} {'step has' if left == 1 else 'steps have'} not begun"] if left else []
    told += [f"{held} {'is' if held == 1 else 'are'} to be tried again"] if held else []
    return f"paused on request: {', '.join(told)}"


def exceeded_in_words(tally: Tally, failures: str) -> str:
    """`failure limit of 5 % passed: 7 of 120 hosts failed, 13 hosts have not begun (web7: failed …)`."""
    return f"{tally.exceeded_words} ({failures}"[:499] + ")"


def _told(step: StepRecord) -> str:
    if step.error is not None and step.state in (StepState.ERROR, StepState.SKIPPED):
        return in_one_line(step.error.message)
    if step.warnings:
        return "; ".join(map(in_one_line, step.warnings))
    if step.state is StepState.CANCELLED and step.outcome is not None:
        return step.outcome.words(step.reason)
    return ""
