"""The order in which steps are undone. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Collection

from mcoflow.domain.graph import Graph
from mcoflow.domain.records import StepRecord
from mcoflow.domain.states import Phase


def undo_graph(graph: Graph, steps: Collection[StepRecord]) -> Graph:
    """Turn all edges round; what is not undone becomes a gate, so that the order passes through it.

    The references stay those of the plan: they say which outputs an input refers to.
    """
    of_action = {step.action_id: step.id for step in steps if step.phase is Phase.REVERT}
    undoes = {step.id: of_action.get(step.action_id) for step in steps if step.phase is Phase.RUN}
    gates = itertools.count(min(0, *graph.needs, 0) - 1, -1)
    place = {node: undoes.get(node) or (node if node < 0 else next(gates)) for node in graph.needs}
    needs = {place[node]: tuple(place[each] for each in graph.followers[node]) for node in graph.needs}
    return Graph(needs, graph.references, graph.optional)
