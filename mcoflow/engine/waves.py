"""A rollout in the memory of its plan's owner: which hosts have their turn. Pure, as the plan itself.

Nothing of it but the counts is stored: where each host stands follows from its steps.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from enum import IntEnum
from itertools import accumulate
from typing import Final

from mcoflow.domain.outcome import Outcome
from mcoflow.domain.records import StepRecord
from mcoflow.domain.rollout import Branches, Offline, OnExceed, Tally
from mcoflow.domain.states import Phase, StepState

_LIVE: Final = frozenset({StepState.RUNNING, StepState.SUSPENDED})
_FAILED: Final = frozenset({StepState.ERROR, StepState.SKIPPING})
_BROKEN: Final = frozenset({*_FAILED, StepState.CANCELLED})
_NOT_THERE: Final = frozenset({Outcome.NO_SUCH_HOST, Outcome.NOT_PICKED_UP})
_NOT_SAID: Final = frozenset({None, Outcome.CANCELLED})
_CALLED_BACK: Final = frozenset({None, Outcome.OK, Outcome.CANCELLED, Outcome.CANCELLED_KILLED})
"""Outcomes of steps of which a host did not say how they ended; of those that a cancel may leave behind."""


class _Turn(IntEnum):
    """Where a host stands."""

    TO_COME = 0
    UNDER_WAY = 1
    ENDED = 2


class Waves:
    """The branches of one rollout, a branch being the steps of one host.

    What may start in a branch whose turn has not come is held back. `tally` is told to people, once it
    has `begun`. `alarm`: the time for which somebody has set one.
    """

    __slots__ = (
        "_bounds",
        "_ended",
        "_held",
        "_line",
        "_open",
        "_planned",
        "_steps",
        "_turns",
        "_unsettled",
        "_wave_ended_at",
        "alarm",
        "begun",
        "tally",
    )

    def __init__(self, planned: Branches, steps: Mapping[int, StepRecord]) -> None:
        self._planned = planned
        self._steps = steps
        count = len(planned.firsts)
        self._bounds = list(accumulate(planned.how.waves(count)))
        self.tally = Tally(hosts=count, waves=len(self._bounds))
        self.begun = False
        self._reset()

    @property
    def stops(self) -> bool:
        """Whether the plan is over, rather than paused, when too many hosts have failed."""
        return self._planned.how.on_exceed is OnExceed.STOP

    @property
    def offline(self) -> Offline:
        """What becomes of hosts that are not online."""
        return self._planned.how.offline

    # -- what the plan tells ------------------------------------------------------------------------------

    def begin(self, ready: Iterable[int]) -> list[int]:
        """See anew where each host stands; return those of the steps that are not held back."""
        self._reset()
        self.begun = True
        for branch in range(self.tally.hosts):
            live = sum(step.state in _LIVE for step in self.steps_of(branch))
            if live:
                self._turns[branch] = _Turn.UNDER_WAY
                self._open[branch] = live
                self.tally.under_way += 1
        free = self.let(ready)
        for branch in range(self.tally.hosts):
            if self._turns[branch] == _Turn.TO_COME and branch not in self._held and self._is_done(branch):
                self._end(branch)
        self._pass_waves(now=None)
        return free

    def let(self, ready: Iterable[int]) -> list[int]:
        """Return those of the steps that may start now; the others are held back until their host's turn.

        A host that has failed had its turn: what waited there for other things may start.
        """
        free = []
        for step_id in ready:
            branch = self._branch_of(step_id)
            if branch is None or self._turns[branch] == _Turn.ENDED:
                free.append(step_id)
            elif self._turns[branch] == _Turn.UNDER_WAY:
                self._open[branch] += 1
                free.append(step_id)
            else:
                self._hold(branch, step_id)
        return free

    def ended(self, step: StepRecord) -> None:
        """Note that a step of a branch under way has ended, in whatever way."""
        branch = self._branch_of(step.id)
        if branch is not None and self._turns[branch] == _Turn.UNDER_WAY:
            self._open[branch] -= 1
            if not self._open[branch]:
                self._unsettled.add(branch)

    # -- taking turns -------------------------------------------------------------------------------------

    def settle(self, now: float) -> bool:
        """Count the hosts that have ended; return whether a wave ended with them, and others are to come."""
        if not self._unsettled:
            return False
        for branch in sorted(self._unsettled):
            if not self._open[branch] and self._is_done(branch):
                self.tally.under_way -= 1
                del self._open[branch]
                self._end(branch)
        self._unsettled.clear()
        return self._pass_waves(now)

    def next_hosts(self, now: float) -> list[int]:
        """Return the branches whose turn has come: call `admit` for each of them."""
        tally = self.tally
        if tally.exceeded or tally.wave > tally.waves or not self._line:
            return []
        if tally.opens_at is not None:
            if now < tally.opens_at:
                return []
            tally.opens_at = None
        room = len(self._line)
        if self._planned.how.concurrency is not None:
            room = self._planned.how.concurrency - tally.under_way
        bound = self._bounds[tally.wave - 1]
        found: list[int] = []
        while self._line and self._line[0] < bound and len(found) < room:
            found.append(heapq.heappop(self._line))
        return found

    def is_stuck(self, step_id: int) -> bool:
        """Whether a step is held back for a turn that does not come while nothing of the plan is under way.

        A host of the wave waits for what is not of the rollout, and that has failed.
        """
        branch, tally = self._branch_of(step_id), self.tally
        if branch is None or branch not in self._held or tally.exceeded or tally.opens_at is not None:
            return False
        return self._line[0] >= self._bounds[tally.wave - 1] and not any(self._open.values())

    def admit(self, branch: int) -> list[int]:
        """Give a host its turn; return the steps that may start."""
        ready = self._held.pop(branch)
        self._turns[branch] = _Turn.UNDER_WAY
        self._open[branch] = len(ready)
        self.tally.under_way += 1
        return ready

    def host_of(self, branch: int) -> str:
        """Return the host of a branch, "" if its steps name none."""
        return next((step.host for step in self.steps_of(branch) if step.host), "")

    def steps_of(self, branch: int) -> list[StepRecord]:
        """Return what a host has to run."""
        ids = range(self._planned.firsts[branch], self._planned.lasts[branch] + 1)
        found = (self._steps.get(each) for each in ids)
        return [step for step in found if step is not None and step.phase is Phase.RUN]

    # -- parts --------------------------------------------------------------------------------------------

    def _reset(self) -> None:
        fresh = Tally(hosts=self.tally.hosts, waves=self.tally.waves, wave=min(1, self.tally.waves))
        self.tally = fresh
        self._turns = bytearray(fresh.hosts)
        self._open: dict[int, int] = {}
        self._held: dict[int, list[int]] = {}
        self._line: list[int] = []
        self._unsettled: set[int] = set()
        self._ended = [0] * fresh.waves
        self._wave_ended_at = 0.0
        self.alarm: float | None = None

    def _hold(self, branch: int, step_id: int) -> None:
        if branch not in self._held:
            self._held[branch] = []
            heapq.heappush(self._line, branch)
        self._held[branch].append(step_id)

    def _branch_of(self, step_id: int) -> int | None:
        place = bisect_right(self._planned.firsts, step_id) - 1
        if place < 0 or step_id > self._planned.lasts[place]:
            return None
        return place if self._steps[step_id].phase is Phase.RUN else None

    def _is_done(self, branch: int) -> bool:
        """Whether a branch of which nothing may start is over: or else it waits for what is not of it."""
        states = {step.state for step in self.steps_of(branch)}
        return StepState.PENDING not in states or not states.isdisjoint(_BROKEN)

    def _end(self, branch: int) -> None:
        """Count a host by how its steps ended; the worst of them decides."""
        tally, steps = self.tally, self.steps_of(branch)
        states = {step.state for step in steps}
        outcomes = {step.outcome for step in steps} - _NOT_SAID
        self._turns[branch] = _Turn.ENDED
        self._ended[bisect_right(self._bounds, branch)] += 1
        ends = (step.ended_at for step in steps if step.ended_at is not None)
        self._wave_ended_at = max(self._wave_ended_at, max(ends, default=0.0))
        if not states.isdisjoint(_FAILED):
            tally.failed += 1
            if branch < self._planned.how.canary and not tally.exceeded:
                tally.exceeded = "the canary failed"
        elif StepState.CANCELLED in states:
            lost = any(step.outcome not in _CALLED_BACK for step in steps)
            tally.failed, tally.cancelled = tally.failed + lost, tally.cancelled + (not lost)
        elif StepState.SKIPPED in states:
            tally.skipped += 1
        else:
            tally.ok += 1
            tally.warned += any(step.warned for step in steps)
        if outcomes & _NOT_THERE:
            tally.offline += 1
        elif Outcome.LOST in outcomes:
            tally.silent += 1
        elif outcomes or StepState.SUCCESS in states:
            tally.answered += 1
        self._judge()

    def _judge(self) -> None:
        tally, how = self.tally, self._planned.how
        if not tally.exceeded and how.exceeded(tally.failed, tally.failed + tally.ok, tally.hosts):
            tally.exceeded = f"failure limit of {how.max_failures} passed"

    def _pass_waves(self, now: float | None) -> bool:
        """Go on to the first wave of which not all hosts have ended; return whether that is another one."""
        tally, before = self.tally, self.tally.wave
        while tally.wave and tally.wave <= tally.waves and self._is_over(tally.wave):
            tally.wave += 1
        if tally.wave == before or tally.wave > tally.waves:
            tally.wave = min(tally.wave, tally.waves)
            return False
        if self._planned.how.wait:
            ended_at = self._wave_ended_at or now or 0.0
            tally.opens_at = ended_at + self._planned.how.wait.total_seconds()
        return True

    def _is_over(self, wave: int) -> bool:
        size = self._bounds[wave - 1] - (self._bounds[wave - 2] if wave > 1 else 0)
        return self._ended[wave - 1] == size
