"""The order of steps."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcoflow.domain.graph import Graph
from mcoflow.errors import PlanningError


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Graphs whose steps only need earlier ones, gates among them."""
    count = draw(st.integers(1, 12))
    names = [-(n + 1) if draw(st.booleans()) and n else n + 1 for n in range(count)]
    needs = {
        name: tuple(draw(st.lists(st.sampled_from(names[:at]), unique=True, max_size=4))) if at else ()
        for at, name in enumerate(names)
    }
    return Graph(needs)


@given(graphs())
def test_every_node_comes_once_and_after_what_it_needs(graph: Graph) -> None:
    order = graph.order()

    assert sorted(order) == sorted(graph.needs)
    place = {node: at for at, node in enumerate(order)}
    ranks = graph.ranks()
    for node, needs in graph.needs.items():
        for each in needs:
            assert ranks[each] <= ranks[node]
            assert node < 0 or each < 0 or place[each] < place[node]


@given(graphs())
def test_followers_are_needs_seen_from_the_other_side(graph: Graph) -> None:
    graph.check()
    forward = {(each, node) for node, needs in graph.needs.items() for each in needs}

    assert {(node, each) for node, after in graph.followers.items() for each in after} == forward


def test_a_cycle_is_refused_and_its_steps_are_named() -> None:
    """E-008: naming the steps of the cycle."""
    with pytest.raises(PlanningError, match="steps 2, 3 wait for each other"):
        Graph({1: (), 2: (1, 3), 3: (2,), 4: (1,)}).check()


def test_a_need_of_an_unknown_step_is_refused_and_named() -> None:
    """E-009: an unknown step."""
    with pytest.raises(PlanningError, match="step 2 waits for step 9"):
        Graph({1: (), 2: (9,)}).check()


@settings(max_examples=20)
@given(st.integers(2, 200), st.integers(2, 200))
def test_a_gate_costs_the_sum_and_not_the_product(first: int, second: int) -> None:
    """E-005: edges."""
    from mcoflow.engine.flow import Block, GraphMaker

    maker = GraphMaker()
    left, right = list(range(1, first + 1)), list(range(first + 1, first + second + 1))
    maker.add(Block("S", [Block("C", [*left]), Block("C", [*right])]))
    graph = maker.graph()

    edges = sum(len(needs) for needs in graph.needs.values())
    assert edges == min(first + second, first * second)
    assert list(graph.steps) == left + right
