"""Random plans, people, time, crashes and take-overs (reliability 3.6): I-1 to I-7, I-9 and I-12 hold."""

from __future__ import annotations

import os
from datetime import timedelta

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant

from mcoflow.domain.recurrence import RecurrenceState
from mcoflow.domain.requests import CommandKind
from mcoflow.domain.states import PlanState
from mcoflow.testing.leftovers import leftovers
from tests.unit.engine.machine.drawn import Node, trees
from tests.unit.engine.machine.misfortune import Misfortune
from tests.unit.engine.machine.people import SHORT, People
from tests.unit.engine.machine.zoo import Watched, Zoo

QUICK = 20
EXAMPLES = int(os.environ.get("MCOFLOW_MACHINE", QUICK))
"""How many stories are told: more of them, each of other chance, before a release."""


class Engine(People, Misfortune):
    """Two worlds on one ground, and whatever may happen to them."""

    @initialize(seed=st.integers(0, 2**32), some=st.lists(trees, min_size=1, max_size=3))
    def begin(self, seed: int, some: list[Node]) -> None:
        self.set_up(seed)
        for number, tree in enumerate(some):
            self.worlds[number % 2].trigger(Watched if number else Zoo, tree)

    @invariant()
    def all_holds(self) -> None:
        """After each step."""
        self.seen.look()
        assert not self.complaints.heard, "\n".join(self.complaints.heard)

    def teardown(self) -> None:
        """I-1, I-12: in the end all is over, and nothing is left."""
        if not hasattr(self, "held"):
            return
        with self.held:
            self._end()

    def _end(self) -> None:
        self.clear_up()
        self.seen.nobody_is_forgotten()
        self.ground.clock.advance(timedelta(hours=3))
        self.seen.nobody_is_forgotten()
        for each in self.worlds[0].recurrences.find(RecurrenceState.ACTIVE):
            self.worlds[0].recurrences.cancel(each.id)
        for _ in range(2):  # the end of one may be the beginning of another
            self._cancel_all()
        self.seen.look()
        plans = self.seen.plans
        running = [plan for plan in plans.values() if plan.state != PlanState.STOPPED]
        worlds = [(each.id, each.alive) for each in self.ground.store.worlds()]
        assert not running, f"I-1: {[(plan, self.seen.steps[plan.id]) for plan in running]} {worlds}"
        self.seen.hooks_were_called()
        left = leftovers(self.worlds[0])
        left.pop("future", None)
        assert not left, f"I-12: {left}"
        assert self.ground.broker.unsettled() == [], "I-12: unsettled"
        assert not self.complaints.heard, "\n".join(self.complaints.heard)
        for world in self.worlds:
            world.close()

    def _cancel_all(self) -> None:
        for plan_id in self.stored.ids():
            self.attempt(
                lambda plan_id=plan_id: self.worlds[0].command(  # type: ignore[misc]
                    plan_id, CommandKind.CANCEL, {}, actor="bob", wait=SHORT
                )
            )
        self.ground.drain()
        self.ground.clock.fire_all()
        self.ground.clock.advance(timedelta(seconds=30))


TestEngine = Engine.TestCase
TestEngine.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=25,
    deadline=None,
    derandomize=EXAMPLES == QUICK,
    phases=(Phase.explicit, Phase.generate),  # a story is told in a second: shrinking one takes an hour
    print_blob=True,
)
