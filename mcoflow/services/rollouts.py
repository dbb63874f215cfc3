"""How far a rollout over many hosts is, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from mcoflow.domain.records import PlanRecord
from mcoflow.domain.rollout import Tally
from mcoflow.domain.states import PlanState
from mcoflow.services.times import moment


@dataclass(frozen=True, slots=True)
class RolloutView:
    """A rollout in numbers of hosts; `wave` counts from 1.

    `interrupted` are those of a paused task that are in the middle of their work: a resume goes on with them.
    `opens_at`: when that wave begins, if it waits. `pauses`: the task pauses when it has ended.
    `exceeded`: too many failed, in words; empty if not. `warned` are those of the ok with warnings.
    """

    hosts: int
    waves: int
    wave: int
    under_way: int
    interrupted: int
    ok: int
    failed: int
    skipped: int
    cancelled: int
    answered: int
    offline: int
    silent: int
    not_begun: int
    opens_at: datetime | None
    pauses: bool
    exceeded: str = ""
    warned: int = 0

    @property
    def counts(self) -> str:
        """`100 ok · 7 failed · 13 not begun`; what is zero is left out."""
        told = (
            (self.ok - self.warned, "ok"),
            (self.warned, "warned"),
            (self.failed, "failed"),
            (self.skipped, "skipped"),
            (self.cancelled, "cancelled"),
            (self.under_way, "under way"),
            (self.interrupted, "interrupted"),
            (self.not_begun, "not begun"),
        )
        return " · ".join(f"{count} {word}" for count, word in told if count) or "no host"

    @property
    def census(self) -> str:
        """Who was expected and what became of them; it adds up, so that nobody is left out in silence."""
        rest = (
            (self.under_way, "under way"),
            (self.interrupted, "interrupted"),
            (self.unheard, self._why_unheard),
            (self.not_begun, "not begun"),
        )
        return census_of(self.hosts, (self.answered, self.offline, self.silent), rest)

    @property
    def unheard(self) -> int:
        """Hosts that ended and never said how: cancelled or skipped, or it failed before they were asked."""
        ended = self.ok + self.failed + self.skipped + self.cancelled
        return ended - self.answered - self.offline - self.silent

    @property
    def _why_unheard(self) -> str:
        if self.unheard <= self.cancelled and not self.skipped:
            return "cancelled"
        if self.unheard <= self.skipped and not self.cancelled:
            return "skipped"
        return "without an answer" if self.cancelled or self.skipped else "failed here"

    @property
    def words(self) -> str:
        """`wave 2 of 5; the next begins at 10:43:10 UTC`; empty if all hosts are in one wave."""
        wave = f"wave {self.wave} of {self.waves}" if self.waves > 1 else ""
        parts = [
            wave,
            f"it begins at {self.opens_at:%H:%M:%S} UTC" if self.opens_at is not None else "",
            "then it pauses" if self.pauses else "",
        ]
        return ", ".join(part for part in parts if part)


def census_of(expected: int, heard: tuple[int, int, int], rest: Iterable[tuple[int, str]]) -> str:
    """`5 expected · 1 answered · 0 offline · 1 silent · 3 not begun`.

    `heard`: answered, offline and silent, which are always told; of the `rest` what is zero is left out.
    """
    told = [f"{count} {word}" for count, word in zip(heard, ("answered", "offline", "silent"), strict=True)]
    told += [f"{count} {word}" for count, word in rest if count]
    return " · ".join([f"{expected} expected", *told])


def rollouts_of(plan: PlanRecord) -> tuple[RolloutView, ...]:
    """Return the rollouts of a plan, in the order in which they were planned."""
    if plan.rollout is None:
        return ()
    return tuple(_view(_ended(tally, plan), plan) for tally in plan.rollout.tallies)


def _ended(tally: Tally, plan: PlanRecord) -> Tally:
    """Of a stopped plan no host is under way: a halt, or a cancel, came amid its work."""
    if plan.state is not PlanState.STOPPED or not tally.under_way:
        return tally
    return replace(tally, under_way=0, cancelled=tally.cancelled + tally.under_way)


def _view(tally: Tally, plan: PlanRecord) -> RolloutView:
    goes_on, rests = plan.state is PlanState.RUNNING, plan.state is PlanState.PAUSED
    pauses = goes_on and plan.rollout is not None and plan.rollout.pause_after_wave
    return RolloutView(
        hosts=tally.hosts,
        waves=tally.waves,
        wave=tally.wave,
        under_way=0 if rests else tally.under_way,
        interrupted=tally.under_way if rests else 0,
        ok=tally.ok,
        failed=tally.failed,
        skipped=tally.skipped,
        cancelled=tally.cancelled,
        answered=tally.answered,
        offline=tally.offline,
        silent=tally.silent,
        not_begun=tally.not_begun,
        opens_at=moment(tally.opens_at) if goes_on else None,
        pauses=pauses and tally.not_begun > 0,
        exceeded=tally.exceeded_words,
        warned=tally.warned,
    )
