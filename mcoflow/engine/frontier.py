"""Where a plan's graph opens: what each step still waits for, in the graph and for its host's turn.

Pure, as the plan itself; finishing a step costs as much as it has successors.
"""

from __future__ import annotations

from collections.abc import Mapping

from mcoflow.domain.graph import Graph
from mcoflow.domain.records import StepRecord
from mcoflow.domain.states import DONE_STEP_STATES, StepState
from mcoflow.engine.waves import Waves

_BEFORE_THE_END = frozenset({StepState.PENDING, StepState.RUNNING, StepState.SUSPENDED})


class Frontier:
    """Counts what the nodes of a graph wait for. `waves` let hosts take turns."""

    __slots__ = ("_steps", "_unmet", "graph", "waves")

    def __init__(self, graph: Graph, steps: Mapping[int, StepRecord]) -> None:
        self.graph = graph
        self.waves = tuple(Waves(each, steps) for each in graph.rollouts)
        self._steps = steps
        self._unmet: dict[int, int] = {}

    def open_all(self) -> list[int]:
        """Count anew; return the pending steps that wait for nothing."""
        self._unmet = {}
        ready: list[int] = []
        open_nodes: set[int] = set()
        for node in self.graph.order():
            unmet = sum(each not in open_nodes for each in self.graph.needs[node])
            if unmet:
                self._unmet[node] = unmet
            elif node < 0 or self._steps[node].state in DONE_STEP_STATES:
                open_nodes.add(node)
            elif self._steps[node].state is StepState.PENDING:
                ready.append(node)
        for waves in self.waves:
            ready = waves.begin(ready)
        return ready

    def open_after(self, node: int) -> list[int]:
        """Note that a step is done; return the pending steps that wait for nothing because of it."""
        ready: list[int] = []
        opened = [node]
        for each in opened:
            for after in self.graph.followers[each]:
                self._unmet[after] -= 1
                if not self._unmet[after]:
                    del self._unmet[after]
                    if after < 0 or self._steps[after].state in DONE_STEP_STATES:
                        opened.append(after)
                    elif self._steps[after].state is StepState.PENDING:
                        ready.append(after)
        for waves in self.waves:
            ready = waves.let(ready)
        return ready

    def is_open(self, step_id: int) -> bool:
        """Whether a step waits for no other."""
        return step_id not in self._unmet

    def close(self, step_id: int) -> None:
        """Let a step wait until all is counted anew."""
        self._unmet[step_id] = 1

    def ended(self, step: StepRecord, seen: StepState) -> None:
        """Tell those who take turns that a step, seen in that state before, has ended."""
        if seen in _BEFORE_THE_END and self.is_open(step.id):
            for waves in self.waves:
                waves.ended(step)
