"""Random plans, people, time, crashes and take-overs (reliability 3.6): I-1 to I-7 and I-12 hold."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from mcoflow.domain.outcome import Outcome
from mcoflow.domain.requests import CommandKind, RequestState
from mcoflow.domain.states import PlanState, StepState
from mcoflow.errors import CommandRefusedError, EventDroppedError, WaitTimeoutError
from mcoflow.ports.bus import Replies
from mcoflow.storage.tables import requests, timers
from mcoflow.testing import Ground, ManagedClock, OneThreadWorld, only
from mcoflow.testing.hosts import accepted
from mcoflow.testing.leftovers import leftovers
from mcoflow.testing.stored import Stored
from mcoflow.testing.world import NotReachedError
from tests.unit.engine.test_one_thread import as_list
from tests.unit.testing.actions import Approve, Install
from tests.unit.testing.trees import Node, Tree, furnish, trees

POINTS = (
    "director.before_commit",
    "director.after_commit",
    "outbox.before_publish",
    "outbox.after_publish",
    "outbox.after_receipt",
    "reply.received",
    "reply.committed",
    "reply.acked",
    "run.mid",
    "recovery",
    "recovery.plan_taken",
    "lease.before_take",
    "lease.after_take",
    "command.committed",
    "timer.fired",
    "plan.before_commit",
    "plan.after_commit",
)
NOT_RUN = {Outcome.NO_SUCH_HOST, Outcome.REJECTED}
"""Words that say that nothing was executed."""
QUICK = 20
EXAMPLES = int(os.environ.get("MCOFLOW_MACHINE", QUICK))
"""How many stories are told: more of them, each of other chance, before a release."""


class Engine(RuleBasedStateMachine):
    """Two worlds on one ground, and whatever may happen to them."""

    @initialize(seed=st.integers(0, 1000))
    def begin(self, seed: int) -> None:
        self.ground = Ground(ManagedClock(), order=Random(seed))
        furnish(self.ground)
        self.ground.hosts.answers["mute"] = only(accepted())
        self.stored = Stored(self.ground.store)
        self.worlds = [OneThreadWorld(ground=self.ground).start() for _ in range(2)]
        self.ended: dict[UUID, Any] = {}
        self.words: dict[tuple[UUID, int, int], Outcome] = {}
        self.epochs: dict[UUID, int] = {}

    # -- what happens ---------------------------------------------------------------------------------------

    @rule(which=st.integers(0, 1), tree=trees)
    def trigger(self, which: int, tree: Node) -> None:
        self._try(lambda: self.worlds[which].trigger(Tree, as_list(tree)))

    @rule(which=st.integers(0, 1), host=st.sampled_from(["mute", "good"]))
    def ask_a_host(self, which: int, host: str) -> None:
        self._try(lambda: self.worlds[which].trigger(Install, host=host, package="nginx"))

    @rule(which=st.integers(0, 1))
    def ask_a_person(self, which: int) -> None:
        self._try(lambda: self.worlds[which].trigger(Approve))

    @rule(moves=st.integers(1, 12))
    def go_on(self, moves: int) -> None:
        for _ in range(moves):
            self.ground.step()

    @rule()
    def drain(self) -> None:
        self.ground.drain()

    @rule(seconds=st.sampled_from([0.3, 5.0, 60.0, 700.0, 4000.0]))
    def pass_time(self, seconds: float) -> None:
        self.ground.clock.advance(timedelta(seconds=seconds))

    @rule(which=st.integers(0, 1), number=st.integers(0, 50), kind=st.sampled_from(CommandKind))
    def command(self, which: int, number: int, kind: CommandKind) -> None:
        ids = self.stored.ids()
        if not ids or self.worlds[which].executor is None:
            return
        plan_id = ids[number % len(ids)]
        arguments: dict[str, Any] = {}
        steps = [each for each in self.stored.steps(plan_id).values() if each.state is not StepState.SUCCESS]
        if kind in (CommandKind.SKIP, CommandKind.EVENT):
            if not steps:
                return
            arguments = {"step_id": steps[number % len(steps)].id}
        if kind is CommandKind.EVENT:
            arguments["value"] = "yes" if number % 2 else "later"
        self._try(
            lambda: self.worlds[which].command(
                plan_id, kind, arguments, actor="bob", wait=timedelta(seconds=1)
            )
        )

    @rule(number=st.integers(0, 50))
    def hear_a_reply_again(self, number: int) -> None:
        said = [each for each, _ in self.ground.broker.settled if isinstance(each.source, Replies)]
        if said:
            again = said[number % len(said)]
            self.ground.broker.deliver(again.source, again.body)

    @rule(which=st.integers(0, 1))
    def crash(self, which: int) -> None:
        if self.worlds[which].executor is not None:
            self.worlds[which].crash()

    @rule(which=st.integers(0, 1), point=st.sampled_from(POINTS), hit=st.integers(1, 3))
    def crash_at(self, which: int, point: str, hit: int) -> None:
        world = self.worlds[which]
        if world.executor is None:
            return
        with suppress(NotReachedError), world.crash_at(point, hit=hit):
            world.trigger(Tree, ["S", [["do", "well"], ["host", "good"], ["nap", 1]]])
            self.ground.drain()

    @rule(which=st.integers(0, 1))
    def restart(self, which: int) -> None:
        self.worlds[which].restart()

    @precondition(lambda self: all(world.executor for world in self.worlds))
    @rule(which=st.integers(0, 1))
    def freeze(self, which: int) -> None:
        """R-009: declared dead by the other, and still writing."""
        executor = self.worlds[which].executor
        assert executor is not None
        self.ground.store.expire_world(executor.world.id)
        other = self.worlds[1 - which].executor
        assert other is not None
        other.ring()

    # -- what must hold -------------------------------------------------------------------------------------

    @invariant()
    def what_has_ended_does_not_change(self) -> None:
        """I-1: neither a plan, nor the word of a host-step."""
        for plan_id in self.stored.ids():
            plan = self.stored.plan(plan_id)
            if plan.state is PlanState.STOPPED:
                shown = (plan.result, plan.explanation, self.stored.states(plan_id))
                assert self.ended.setdefault(plan_id, shown) == shown, f"I-1: {plan_id}"
            for step in self.stored.steps(plan_id).values():
                if step.outcome is not None:
                    key = (plan_id, step.id, step.attempt)
                    assert self.words.setdefault(key, step.outcome) is step.outcome, f"I-1: {key}"

    @invariant()
    def nothing_is_executed_twice(self) -> None:
        """I-2, I-3."""
        hosts = self.ground.hosts
        assert set(hosts.effects.values()) <= {1}, f"I-2: {hosts.effects}"
        rows = self._rows(select(requests).where(requests.c.state == RequestState.ENDED))
        for row in rows:
            done = hosts.effects[row.id]
            assert row.outcome != Outcome.OK or done == 1, f"I-2: {row}"
            assert row.outcome not in NOT_RUN or done == 0, f"I-3: {row}"

    @invariant()
    def who_sleeps_is_woken(self) -> None:
        """I-6: every suspended step has a timer, a request, an event, or waits for a person."""
        awaited = {(row.plan_id, row.step_id) for row in self._rows(select(timers))}
        open_ones = select(requests).where(requests.c.state != RequestState.ENDED)
        awaited |= {(row.plan_id, row.step_id) for row in self._rows(open_ones)}
        for plan_id in self.stored.ids():
            for step in self.stored.steps(plan_id).values():
                if step.state is StepState.SUSPENDED and step.action not in (Approve.name, "kit.tree.nap"):
                    assert (plan_id, step.id) in awaited, f"I-6: {step} of {plan_id}"

    @invariant()
    def epochs_rise(self) -> None:
        """I-7."""
        for plan_id in self.stored.ids():
            epoch = self.stored.plan(plan_id).epoch
            assert epoch >= self.epochs.get(plan_id, 0), f"I-7: {plan_id}"
            self.epochs[plan_id] = epoch

    def teardown(self) -> None:
        """I-1, I-12: in the end all is over, and nothing is left."""
        if not hasattr(self, "ground"):
            return
        for world in self.worlds:
            world.restart()
        self.ground.drain()
        for plan_id in self.stored.ids():
            self._try(lambda plan_id=plan_id: self._cancel(plan_id))  # type: ignore[misc]
        self.ground.drain()
        self.ground.clock.fire_all()
        states = {plan_id: self.stored.plan(plan_id).state for plan_id in self.stored.ids()}
        running = {plan_id for plan_id, state in states.items() if state is not PlanState.STOPPED}
        assert not running, f"I-1: {[(self.stored.plan(e), self.stored.steps(e)) for e in running]}"
        self.what_has_ended_does_not_change()
        self.nothing_is_executed_twice()
        left = leftovers(self.worlds[0])
        assert not left, f"I-12: {left}"
        assert self.ground.broker.unsettled() == [], "I-12: unsettled"
        for world in self.worlds:
            world.close()
        self.ground.close()

    # -- parts ----------------------------------------------------------------------------------------------

    def _cancel(self, plan_id: UUID) -> None:
        self.worlds[0].command(plan_id, CommandKind.CANCEL, {}, actor="bob", wait=timedelta(seconds=1))

    def _try(self, what: Callable[[], object]) -> None:
        with suppress(CommandRefusedError, EventDroppedError, WaitTimeoutError):
            what()

    def _rows(self, query: Any) -> list[Any]:
        with self.ground.store._database.reading() as connection:
            return list(connection.execute(query))


TestEngine = Engine.TestCase
TestEngine.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=25,
    deadline=None,
    derandomize=EXAMPLES == QUICK,
    phases=(Phase.explicit, Phase.generate),  # a story is told in a second: shrinking one takes an hour
    print_blob=True,
)
