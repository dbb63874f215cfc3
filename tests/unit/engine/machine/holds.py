"""What must hold after each step of a story: the invariants, as far as they are the engine's."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any
from uuid import UUID

from sqlalchemy import Table, select

from mcoflow.domain.graph import Graph
from mcoflow.domain.outcome import Outcome
from mcoflow.domain.requests import RequestState
from mcoflow.domain.states import DONE_STEP_STATES, Phase, PlanState, StepState
from mcoflow.ports.bus import Delivery, Replies, Shared
from mcoflow.ports.store import Changes
from mcoflow.storage.between_tables import locks
from mcoflow.storage.later_tables import schedules
from mcoflow.storage.tables import blueprints, events, evidence, plans, requests, steps, timers
from mcoflow.testing import Ground
from mcoflow.wire.envelope import decode
from mcoflow.wire.messages import AcceptedBody, ResultBody
from tests.unit.engine.machine.ledger import Ledger

NOT_RUN = {Outcome.NO_SUCH_HOST, Outcome.REJECTED}
"""Words that say that nothing was executed."""
AT_REST = (PlanState.PAUSED, PlanState.STOPPED)
LIVE = (StepState.RUNNING, StepState.SUSPENDED)
WAITS_FOR_EVER = ("zoo.sleeper",)


class Seen:
    """Looks at the database, and remembers what must not change."""

    def __init__(self, ground: Ground, ledger: Ledger) -> None:
        self._ground = ground
        self._database = ground.store._database
        self._snapshot = ground.store.snapshot
        self._ledger = ledger
        self._ended: dict[UUID, Any] = {}
        self._words: dict[tuple[UUID, int, int], Outcome] = {}
        self._epochs: dict[UUID, int] = {}
        self._graphs: dict[UUID, Graph] = {}
        self.states: set[tuple[UUID, str]] = set()
        self.lost: list[str] = []
        self.stale: list[str] = []

    def look(self) -> None:
        """Check all of it."""
        self.plans = {row.id: row for row in self.rows(plans)}
        self.steps: dict[UUID, list[Any]] = {each: [] for each in self.plans}
        for row in self.rows(steps):
            if row.phase != Phase.PLAN:
                self.steps[row.plan_id].append(row)
        self.what_has_ended_does_not_change()
        self.nothing_is_executed_twice()
        self.nothing_acknowledged_is_lost()
        self.who_sleeps_is_woken()
        self.epochs_rise()
        self.at_rest_nothing_is_held()
        self.steps_keep_their_order()
        self.locks_exclude()
        self.children_are_single()

    # -- I-1 … I-7 ----------------------------------------------------------------------------------------

    def what_has_ended_does_not_change(self) -> None:
        """I-1: neither a plan, nor the word of a host-step."""
        for plan_id, plan in self.plans.items():
            self.states.add((plan_id, plan.state))
            if plan.state == PlanState.STOPPED:
                states = [(step.id, step.state) for step in self.steps[plan_id]]
                shown = (plan.result, plan.explanation, plan.reverted, sorted(states))
                before = self._ended.setdefault(plan_id, shown)
                assert before == shown, f"I-1: {plan_id} was {before}, is {shown}"
                assert plan.result != "pending", f"I-1: {plan}"
            for step in self.steps[plan_id]:
                if step.outcome is not None:
                    key = (plan_id, step.id, step.attempt)
                    assert self._words.setdefault(key, step.outcome) == step.outcome, f"I-1: {key} {step}"

    def nothing_is_executed_twice(self) -> None:
        """I-2, I-3, I-9; and no code of one attempt of a step."""
        effects = self._ground.hosts.effects
        assert set(effects.values()) <= {1}, f"I-2: {effects}"
        for row in self.rows(requests):
            if row.state == RequestState.ENDED:
                assert row.outcome != Outcome.OK or effects[row.id] == 1, f"I-2: {row}"
                assert row.outcome not in NOT_RUN or not effects[row.id], f"I-3: {row}"
        assert not self._ledger.doubled(), f"I-2: code was called twice: {self._ledger.doubled()}"

    def acked(self, delivery: Delivery) -> None:
        """I-4: look for what a reply has done, now that it is acknowledged."""
        if not isinstance(delivery.source, Replies) and delivery.source not in (Shared.STRAY, Shared.DEAD):
            return
        envelope = decode(delivery.body)
        if not isinstance(envelope.body, AcceptedBody | ResultBody):
            return
        wanted = envelope.request
        found = [row for row in self.rows(requests) if row.id == wanted]
        ended = not isinstance(envelope.body, AcceptedBody)
        there = [row for row in found if row.state == "ended" or (not ended and row.state == "accepted")]
        noted = [row for row in self.rows(evidence) if row.request_id == wanted]
        if not (there or noted or self._is_elsewhere(delivery)):
            self.lost.append(f"{type(envelope.body).__name__} of {wanted}: {found}")

    def nothing_acknowledged_is_lost(self) -> None:
        """I-4."""
        assert not self.lost, f"I-4: {self.lost}"

    def who_sleeps_is_woken(self) -> None:
        """I-6: every suspended step has a timer, a request, an event, or waits for a person."""
        awaited = {(row.plan_id, row.step_id) for table in (timers, events) for row in self.rows(table)}
        open_ones = [row for row in self.rows(requests) if row.state != RequestState.ENDED]
        awaited |= {(row.plan_id, row.step_id) for row in open_ones}
        for plan_id, its_steps in self.steps.items():
            for step in its_steps:
                if step.state == StepState.SUSPENDED and step.action not in WAITS_FOR_EVER:
                    assert (plan_id, step.id) in awaited, f"I-6: {step} of {self.plans[plan_id]}"

    def epochs_rise(self) -> None:
        """I-7."""
        assert not self.stale, f"I-7: {self.stale}"
        for plan_id, plan in self.plans.items():
            assert plan.epoch >= self._epochs.get(plan_id, 0), f"I-7: {plan_id}"
            self._epochs[plan_id] = plan.epoch

    def committed(self, changes: Changes) -> None:
        """I-7: what was just written of plans was written under the epoch that they have."""
        now = {row.id: row.epoch for row in self.rows(plans)} if changes.plans else {}
        for plan in changes.plans:
            if plan.id in now and plan.epoch != now[plan.id]:
                self.stale.append(f"{plan.id} has epoch {now[plan.id]}, written under {plan.epoch}")

    # -- I-12 ---------------------------------------------------------------------------------------------

    def at_rest_nothing_is_held(self) -> None:
        """I-12: a plan at rest has no owner, live step or open request; a stopped one nothing at all."""
        for plan_id, plan in self.plans.items():
            if plan.state in AT_REST:
                live = [step for step in self.steps[plan_id] if step.state in LIVE]
                assert plan.owner is None, f"I-12: {plan}"
                assert not live, f"I-12: {live} of {plan}"
        for row in self.rows(requests):
            if row.state != RequestState.ENDED and row.plan_id in self.plans:
                assert self.plans[row.plan_id].state not in AT_REST, f"I-12: {row}"
        for table in (timers, events):
            for row in self.rows(table):
                assert row.plan_id in self.plans, f"I-12: {row} of no plan"
                assert self.plans[row.plan_id].state != PlanState.STOPPED, f"I-12: {row}"

    def locks_exclude(self) -> None:
        """Held by plans that are planned or running only, and by one of them if exclusive."""
        holders: dict[str, list[Any]] = {}
        for row in self.rows(locks):
            state = self.plans[row.plan_id].state if row.plan_id in self.plans else "gone"
            assert state in (PlanState.PLANNED, PlanState.RUNNING), (
                f"I-12: lock {row} of a plan that is {state}"
            )
            if row.held:
                holders.setdefault(row.name, []).append(row)
        for name, rows in holders.items():
            exclusive = {row.plan_id for row in rows if row.mode == "exclusive"}
            others = {row.plan_id for row in rows}
            kin = any(self.plans[each].caller_plan_id for each in others)
            assert not exclusive or others == exclusive == {rows[0].plan_id} or kin, f"lock {name}: {rows}"

    # -- order, children ----------------------------------------------------------------------------------

    def steps_keep_their_order(self) -> None:
        """No step begins before those that it follows are done, finalize steps after all run steps."""
        for plan_id, its_steps in self.steps.items():
            begun = [step for step in its_steps if _has_begun(step)]
            states = {step.id: step.state for step in its_steps}
            done = {each for each, state in states.items() if state in DONE_STEP_STATES}
            undone = [step for step in its_steps if step.phase == Phase.RUN and step.id not in done]
            for step in begun:
                if step.phase == Phase.FINALIZE:
                    assert not undone, f"order: {step} before {undone}"
                if step.phase != Phase.REVERT:
                    for need in self._needs(plan_id, step.id):
                        assert need in done, f"order: {step} before {need} ({states.get(need)})"

    def children_are_single(self) -> None:
        """One child for each key of a step with sub-plans."""
        args = {row.plan_id: row.args for row in self.rows(blueprints)}
        found = [each for each in self.plans.values() if (each.caller_action_id or 0) > 0]
        for parent in {(each.caller_plan_id, each.caller_action_id) for each in found}:
            mine = [each for each in found if (each.caller_plan_id, each.caller_action_id) == parent]
            if parent[0] not in self.plans:
                continue
            kids = _kids_of(self.action_input(*parent))
            had = Counter(json.dumps(json.loads(args[each.id])["*"][0]) for each in mine)
            wanted = Counter(json.dumps(kid) for kid in kids)
            assert had <= wanted, f"children: {had - wanted} too many of {parent}"

    # -- in the end ---------------------------------------------------------------------------------------

    def nobody_is_forgotten(self) -> None:
        """Once everything has been done that can be: whoever goes on waits for something."""
        self.look()
        waits_for_lock = {row.plan_id for row in self.rows(locks) if not row.held}
        scheduled = {row.plan_id: row for row in self.rows(schedules)}
        now = self._ground.clock.now().timestamp()
        for plan_id, plan in self.plans.items():
            its_steps = self.steps[plan_id]
            match PlanState(plan.state):
                case PlanState.RUNNING:
                    asleep = [step for step in its_steps if step.state == StepState.SUSPENDED]
                    busy = [step for step in its_steps if step.state == StepState.RUNNING]
                    assert asleep, f"I-12: forgotten: {plan}: {its_steps}"
                    assert not busy, f"I-12: nobody works at {busy} of {plan}"
                case PlanState.PLANNED:
                    assert plan_id in waits_for_lock or not plan.ordered, f"I-12: forgotten: {plan}"
                case PlanState.SCHEDULED:
                    row = scheduled[plan_id]
                    waits = row.frozen or row.unmet or (row.start_at or 0) > now
                    assert waits, f"I-12: forgotten: {plan} {row}"
                case PlanState.PLANNING:
                    raise AssertionError(f"I-12: nobody plans {plan}")

    def hooks_were_called(self) -> None:
        """At least once for each state in which a plan was seen that has hooks."""
        for plan_id, state in self.states:
            plan = self.plans.get(plan_id)
            if plan is None or plan.action != "zoo.watched" or state in ("planning", "pending"):
                continue
            assert self._ledger.hooks[plan_id, state], f"hooks: {state} of {plan} was not told"

    # -- parts --------------------------------------------------------------------------------------------

    def rows(self, table: Table) -> list[Any]:
        """All rows of a table."""
        with self._database.reading() as connection:
            return list(connection.execute(select(table)))

    def action_input(self, plan_id: UUID, action_id: int) -> dict[str, Any]:
        """The input of an action."""
        data = type(self._ground.store).action_data(self._ground.store, [(plan_id, action_id)])
        return dict(json.loads(data[plan_id, action_id][0]))

    def _needs(self, plan_id: UUID, step_id: int) -> set[int]:
        """The steps that a step follows, through gates."""
        if plan_id not in self._graphs:
            self._graphs[plan_id] = type(self._ground.store).snapshot(self._ground.store, plan_id).graph
        needs = self._graphs[plan_id].needs
        found: set[int] = set()
        left = list(needs.get(step_id, ()))
        while left:
            each = left.pop()
            if each < 0:
                left += needs.get(each, ())
            else:
                found.add(each)
        return found

    def _is_elsewhere(self, delivery: Delivery) -> bool:
        """Whether the same message waits in a queue, having been sent on."""
        broker = self._ground.broker
        waiting = [each for queue in broker.waiting.values() for each in queue]
        return any(each.body == delivery.body for each in [*waiting, *broker.unsettled()])


def _has_begun(step: Any) -> bool:
    return step.state in (StepState.RUNNING, StepState.SUSPENDED, StepState.SUCCESS)


def _kids_of(given: dict[str, Any]) -> list[Any]:
    return list(given.get("kids", ()))
