"""Graphs of large plans, kept for a while: laying ten thousand steps out takes a good part of a second."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from mcoflow.clock import Clock

if TYPE_CHECKING:
    from mcoflow.services.plans import Graph

LARGE: Final = 1000
"""Steps from which on a graph is kept."""
KEPT: Final = 2
PATIENCE: Final = 10.0
"""While a plan moves, its graph is as old at the most as it took to make it, times this: so pages of a large
running plan take a tenth of one processor, whatever the number of those who look."""


@dataclass(frozen=True, slots=True)
class _Kept:
    graph: Graph
    made_at: float
    cost: float


class GraphCache:
    """Keeps the graphs of the large plans that were looked at last. A graph says itself how old it is."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[tuple[UUID, int], _Kept] = OrderedDict()

    def get(self, plan_id: UUID, after: int, version: Callable[[], int], make: Callable[[], Graph]) -> Graph:
        """Return the graph as it is now, or of a large plan that moves as it was a moment ago.

        `version` is only asked if there is a graph.
        """
        key, began = (plan_id, after), self._clock.monotonic()
        kept = self._kept.get(key)
        if kept is not None:
            fresh = not kept.graph.plan.at_rest and began - kept.made_at < PATIENCE * kept.cost
            if fresh or kept.graph.plan.version == version():
                return kept.graph
        made = make()
        now = self._clock.monotonic()
        if len(made.steps) >= LARGE:
            self._kept[key] = _Kept(made, now, now - began)
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return made
