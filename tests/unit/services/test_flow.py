"""The nested notation of a plan's order."""

from random import Random
from typing import Any

import pytest

from mcoflow.domain.graph import Graph
from mcoflow.services.flow import finalize_flow, run_flow


@pytest.mark.parametrize(
    ("needs", "flow"),
    [
        ({}, ["C"]),
        ({2: ()}, 2),
        ({3: (), 5: (), 7: (3, 5)}, ["S", ["C", 3, 5], 7]),
        ({3: (), 5: (), -1: (3, 5), 7: (-1,), 9: (-1,)}, ["S", ["C", 3, 5], ["C", 7, 9]]),
        ({2: (), 4: (2,), 6: (4,)}, ["S", 2, 4, 6]),
        ({3: (), 7: (3,), 5: (), 9: (5,)}, ["C", ["S", 3, 7], ["S", 5, 9]]),
        ({3: (), 5: (), 7: (3,), 9: (5,), 11: (3, 5)}, ["S", ["C", 3, 5], ["C", 7, 9, 11]]),
    ],
)
def test_the_nesting_that_the_author_wrote_is_found_again(needs: dict[int, Any], flow: Any) -> None:
    """H-007: one step is a bare number, none `["C"]`, two together and then one `["S", ["C", 3, 5], 7]`."""
    assert run_flow(Graph(needs), [node for node in needs if node > 0]) == flow


def test_the_finalize_flow_is_always_a_sequence() -> None:
    """H-007: `["S"]` or `["S", n]`."""
    assert finalize_flow([]) == ["S"]
    assert finalize_flow([4]) == ["S", 4]


def test_each_step_occurs_once_and_after_what_it_needs() -> None:
    """H-008: for 1,000 random graphs; gates are nowhere in it."""
    chance = Random(8)
    for _ in range(1000):
        graph = random_graph(chance)
        flow = run_flow(graph, list(graph.steps))
        order, before = spelled_out(flow)
        assert sorted(order) == sorted(graph.steps)
        for step in graph.steps:
            assert real_needs(graph, step) <= before[step]


def test_a_wide_plan_takes_no_time() -> None:
    wide = dict.fromkeys(range(1, 2001), ()) | {-1: tuple(range(1, 2001))}
    wide |= dict.fromkeys(range(2001, 4001), (-1,))
    flow = run_flow(Graph(wide), range(1, 4001))
    assert [len(part) for part in flow[1:]] == [2001, 2001]


def random_graph(chance: Random) -> Graph:
    """Return a graph of up to 14 steps and gates; every node waits for some that were drawn before it."""
    needs: dict[int, tuple[int, ...]] = {}
    gates = iter(range(-1, -99, -1))
    for step in range(1, chance.randint(1, 14) + 1):
        node = next(gates) if needs and chance.random() < 0.15 else step
        drawn = chance.sample(list(needs), k=min(len(needs), chance.choice([0, 0, 1, 1, 2, 3])))
        needs[node] = tuple(drawn)
    return Graph(needs)


def real_needs(graph: Graph, step: int) -> set[int]:
    """Return all steps before one, by walking the edges."""
    found: set[int] = set()
    waiting = list(graph.needs[step])
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting.extend(graph.needs[node])
    return {node for node in found if node > 0}


def spelled_out(flow: Any) -> tuple[list[int], dict[int, set[int]]]:
    """Return the steps of a flow, and for each those that the flow puts before it."""
    if isinstance(flow, int):
        return [flow], {flow: set()}
    steps: list[int] = []
    before: dict[int, set[int]] = {}
    for part in flow[1:]:
        inner, needs = spelled_out(part)
        done = set(steps) if flow[0] == "S" else set()
        before |= {step: needs[step] | done for step in inner}
        steps += inner
    return steps, before
