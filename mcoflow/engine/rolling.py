"""Letting the hosts of a rollout have their turn, wave after wave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from mcoflow.domain.outcome import Outcome
from mcoflow.domain.presence import Presence, presence_of
from mcoflow.domain.records import ErrorRecord, StepRecord
from mcoflow.domain.rollout import Offline, RolloutRecord
from mcoflow.domain.states import PlanState, StepState
from mcoflow.engine.batch import Batch
from mcoflow.engine.memory import Memory
from mcoflow.engine.patient import PatientStore
from mcoflow.engine.plan_run import PlanRun
from mcoflow.engine.waves import Waves

_NAMES: Final = 1000
"""Hosts that are looked up by one statement."""
_AWAY: Final = "offline"
"""The reason of a step that was not begun because its host was not there."""


class Rolling:
    """Looks after the plans of a batch that have rollouts; the others cost nothing."""

    def __init__(self, memory: Memory, store: PatientStore) -> None:
        self._memory = memory
        self._store = store

    def take_turns(self, batch: Batch) -> None:
        """Open whatever may start by now because other hosts have ended, or a wait is over."""
        for run in list(batch.touched.values()):
            if run.waves and run.id not in batch.dropped:
                self._take_turns(batch, run)

    def _take_turns(self, batch: Batch, run: PlanRun) -> None:
        if not all(waves.begun for waves in run.waves):
            return  # a plan at rest, of which something else is to be written: what is told of it stands
        for waves in run.waves:
            while self._take_turn(batch, run, waves):
                pass  # those left out may have been the last ones of their wave
        stored = run.plan.rollout
        run.plan.rollout = RolloutRecord(
            tuple(waves.tally for waves in run.waves), stored is not None and stored.pause_after_wave
        )

    def _take_turn(self, batch: Batch, run: PlanRun, waves: Waves) -> bool:
        """Let those hosts begin whose turn it is; return whether some of them were left out instead."""
        plan, stored = run.plan, run.plan.rollout
        if waves.settle(batch.now) and stored is not None and stored.pause_after_wave:
            plan.pause_requested = True
            plan.rollout = RolloutRecord(stored.tallies)
        if plan.state is not PlanState.RUNNING or plan.pause_requested or plan.cancel_requested:
            return False
        turns = waves.next_hosts(batch.now)
        away = self._away(batch, waves, turns)
        for branch in turns:
            if branch not in away:
                batch.open(run, waves.admit(branch))
        self._leave_out(batch, run, waves, away)
        opens_at = waves.tally.opens_at
        if opens_at is not None and opens_at != waves.alarm:
            waves.alarm = opens_at
            self._memory.agenda.add(opens_at, run.id)
        return bool(away)

    def _away(self, batch: Batch, waves: Waves, turns: Sequence[int]) -> Mapping[int, str]:
        """Say of each of these branches whose host is not online what is known of it."""
        if waves.offline is Offline.WAIT or not turns:
            return {}
        hosts = {branch: waves.host_of(branch) for branch in turns}
        online: dict[str, str] = {}
        names = sorted(set(hosts.values()))
        for start in range(0, len(names), _NAMES):
            for host in self._store.hosts_named(names[start : start + _NAMES]):
                there = presence_of(host, batch.now) is Presence.ONLINE
                ago = round(batch.now - host.last_seen)
                online[host.identity] = "" if there else f"offline, last heard of {ago} s ago"
        told = {branch: online.get(host, "never heard of") for branch, host in hosts.items() if host}
        return {branch: why for branch, why in told.items() if why}

    def _leave_out(self, batch: Batch, run: PlanRun, waves: Waves, away: Mapping[int, str]) -> None:
        passed: list[StepRecord] = []
        for branch, why in away.items():
            batch.touch(run)
            ready = [run.steps[each] for each in waves.admit(branch)]
            fails = waves.offline is Offline.FAIL
            left = ready if fails else [step for step in waves.steps_of(branch) if _is_to_come(step)]
            for step in left:
                step.outcome, step.reason = Outcome.NOT_PICKED_UP, _AWAY
                if fails:
                    error = ErrorRecord("HostError", f"{Outcome.NOT_PICKED_UP.words()}: {why}")
                    run.fail(step, error, batch.now)
            if not fails:
                ready[0].warnings += (f"left out: {why}",)
                passed += left
        if passed:
            batch.open(run, run.pass_over(passed, batch.now))


def _is_to_come(step: StepRecord) -> bool:
    return step.state is StepState.PENDING
