"""What people do in a story: plans of every kind, commands of every kind."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from mcoflow.action import Action
from mcoflow.domain.recurrence import Recurrence
from mcoflow.domain.requests import CommandKind, Cover
from mcoflow.domain.schedule import Schedule
from mcoflow.domain.states import StepState
from tests.unit.engine.machine.drawn import Node, trees
from tests.unit.engine.machine.stage import Stage
from tests.unit.engine.machine.zoo import Watched, Zoo

which_world = st.integers(0, 1)
any_number = st.integers(0, 50)
SHORT = timedelta(seconds=1)
GIVEN = (
    CommandKind.CANCEL,
    CommandKind.ABORT,
    CommandKind.PAUSE,
    CommandKind.RESUME,
    CommandKind.RESUME,
    CommandKind.REVERT,
)


class People(Stage):
    """The rules of people."""

    @rule(which=which_world, tree=trees, watched=st.booleans())
    def trigger(self, which: int, tree: Node, watched: bool) -> None:
        if world := self.living(which):
            self.attempt(lambda: world.trigger(self._kind(watched), tree))

    @rule(which=which_world, tree=trees, ordered=st.booleans())
    def plan_only(self, which: int, tree: Node, ordered: bool) -> None:
        if world := self.living(which):
            made: list[Any] = []
            self.attempt(lambda: made.append(world.plan(Zoo, tree)))
            if ordered and made:
                self.attempt(lambda: world.execute(made[0].plan_id))

    @rule(
        which=which_world,
        tree=trees,
        start=st.sampled_from([None, 5, 300]),
        before=st.sampled_from([None, None, 400]),
        frozen=st.booleans(),
        watched=st.booleans(),
    )
    def delay(
        self, which: int, tree: Node, start: int | None, before: int | None, frozen: bool, watched: bool
    ) -> None:
        if world := self.living(which):
            now = self.ground.clock.now()
            schedule = Schedule(
                None if start is None else now + timedelta(seconds=start),
                None if before is None else now + timedelta(seconds=before),
                frozen,
            )
            self.attempt(lambda: world.delay(schedule, self._kind(watched), tree))

    @rule(which=which_world, tree=trees, after=st.lists(any_number, min_size=1, max_size=2))
    def chain(self, which: int, tree: Node, after: list[int]) -> None:
        world, ids = self.living(which), [self.any_plan(number) for number in after]
        if world and ids[0] is not None:
            self.attempt(lambda: world.chain([each for each in ids if each], Zoo, tree))

    @rule(which=which_world, tree=trees, overlap=st.sampled_from(["skip", "allow", "queue"]))
    def recur(self, which: int, tree: Node, overlap: Any) -> None:
        if world := self.living(which):
            every = Recurrence("*/20 * * * *", max_runs=3, overlap=overlap)
            self.attempt(lambda: world.recur(every, Zoo, tree))

    @rule(which=which_world, number=any_number, kind=st.sampled_from(GIVEN))
    def command(self, which: int, number: int, kind: CommandKind) -> None:
        world, plan_id = self.living(which), self.any_plan(number)
        if world and plan_id:
            self.attempt(lambda: world.command(plan_id, kind, {}, actor="bob", wait=SHORT))

    @rule(which=which_world, number=any_number, cover=st.sampled_from(Cover), resume=st.booleans())
    def skip(self, which: int, number: int, cover: Cover, resume: bool) -> None:
        world, failed = self.living(which), self._steps(StepState.ERROR)
        if world and failed:
            plan_id, step_id = failed[number % len(failed)]
            self.attempt(lambda: world.skip(plan_id, step_id, cover=cover))
            if resume:
                self.attempt(lambda: world.command(plan_id, CommandKind.RESUME, {}, actor="bob", wait=SHORT))

    @rule(which=which_world, number=any_number, once=st.booleans())
    def send_an_event(self, which: int, number: int, once: bool) -> None:
        world, asleep = self.living(which), self._steps(StepState.SUSPENDED)
        if world and asleep:
            plan_id, step_id = asleep[number % len(asleep)]
            self.told += 1 if once else 2
            self.attempt(lambda: world.event(plan_id, step_id, self.told))

    @rule(which=which_world, number=any_number, resume=st.booleans())
    def amend(self, which: int, number: int, resume: bool) -> None:
        world, failed = self.living(which), self._steps(StepState.ERROR)
        if world and failed:
            plan_id, step_id = failed[number % len(failed)]
            step = self.stored.steps(plan_id)[step_id]
            given = self.seen.action_input(plan_id, step.action_id)
            given.update(run=0, finalize=False, revert=False, on_skip=False)
            self.attempt(lambda: world.amend_input(plan_id, step.action_id, given))
            if resume:
                self.attempt(lambda: world.command(plan_id, CommandKind.RESUME, {}, actor="bob", wait=SHORT))

    @rule(which=which_world, number=any_number)
    def halt(self, which: int, number: int) -> None:
        world, plan_id = self.living(which), self.any_plan(number)
        if world and plan_id:
            self.attempt(lambda: world.halt(plan_id, reason="enough"))

    @rule(which=which_world, number=any_number)
    def delete(self, which: int, number: int) -> None:
        world, plan_id = self.living(which), self.any_plan(number)
        if world and plan_id:
            self.attempt(lambda: world.delete(plan_id))

    @rule(which=which_world, number=any_number, thaw=st.booleans())
    def freeze_or_unfreeze(self, which: int, number: int, thaw: bool) -> None:
        world, plan_id = self.living(which), self.any_plan(number)
        if world and plan_id:
            self.attempt(lambda: world.unfreeze(plan_id) if thaw else world.freeze(plan_id))

    @staticmethod
    def _kind(watched: bool) -> type[Action]:
        return Watched if watched else Zoo

    def _steps(self, state: StepState) -> list[Any]:
        return [
            (plan_id, step.id)
            for plan_id in self.stored.ids()
            for step in self.stored.steps(plan_id).values()
            if step.state is state
        ]
