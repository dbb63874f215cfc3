"""W-042, W-043: graphs of large plans are kept, and never pass for newer than they are."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from mcoflow.domain.states import PlanState
from mcoflow.services.graph_cache import KEPT, LARGE, PATIENCE, GraphCache
from mcoflow.services.graph_layout import Layout
from mcoflow.services.plans import Graph
from mcoflow.services.present import plan_view
from mcoflow.testing import ManagedClock
from mcoflow.testing.contracts.samples import draft

COST = 0.5
EMPTY = Layout((), (), 1, 1, 0)


class Maker:
    """Makes graphs of a version, which takes half a second; counts them."""

    def __init__(self, clock: ManagedClock, *, steps: int, state: PlanState) -> None:
        self.clock, self.steps, self.made, self.version = clock, steps, 0, 1
        self.view = plan_view(replace(draft().plan, state=state), (), 0.0)

    def __call__(self) -> Graph:
        self.made += 1
        self.clock.advance(timedelta(seconds=COST))
        steps: Any = [None] * self.steps
        return Graph(replace(self.view, version=self.version), EMPTY, steps)

    def asked(self, cache: GraphCache, plan_id: UUID) -> int:
        """The version of the graph that is shown."""
        return cache.get(plan_id, 0, lambda: self.version, self).plan.version


def world(
    *, steps: int = LARGE, state: PlanState = PlanState.STOPPED
) -> tuple[ManagedClock, GraphCache, Maker]:
    clock = ManagedClock()
    return clock, GraphCache(clock), Maker(clock, steps=steps, state=state)


def test_the_graph_of_a_large_plan_at_rest_is_made_once() -> None:
    clock, cache, maker = world()
    plan = uuid4()

    shown = [maker.asked(cache, plan)]
    clock.advance(timedelta(hours=1))
    shown.append(maker.asked(cache, plan))
    maker.version = 2
    shown.append(maker.asked(cache, plan))

    assert (shown, maker.made) == ([1, 1, 2], 2)


def test_of_one_that_moves_it_may_be_a_moment_old() -> None:
    clock, cache, maker = world(state=PlanState.RUNNING)
    plan = uuid4()
    maker.asked(cache, plan)

    maker.version = 2
    at_once = maker.asked(cache, plan)
    clock.advance(timedelta(seconds=PATIENCE * COST))

    assert (at_once, maker.asked(cache, plan)) == (1, 2)


def test_small_ones_are_never_kept_and_of_large_ones_only_the_last() -> None:
    _, cache, small = world(steps=LARGE - 1)
    plan = uuid4()
    assert [small.asked(cache, plan) for _ in range(3)] == [1, 1, 1]
    assert small.made == 3

    _, cache, large = world()
    for _ in range(KEPT + 1):
        large.asked(cache, uuid4())
    assert len(cache._kept) == KEPT
