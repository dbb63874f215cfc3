"""The picture of a plan: bounded, complete, in order."""

from mcoflow.domain.graph import Graph
from mcoflow.domain.records import StepRecord
from mcoflow.domain.states import Phase, StepState
from mcoflow.services.graph_layout import MAX_NODES, lay_out
from mcoflow.services.present import step_view
from mcoflow.services.views import StepView


def step(
    number: int, host: str, *, action: str = "install", state: StepState = StepState.SUCCESS
) -> StepView:
    """Return a run step."""
    return step_view(StepRecord(number, number, Phase.RUN, action, state, host), 0.0)


def test_few_steps_are_shown_each_in_its_rank() -> None:
    layout = lay_out(
        Graph({1: (), 2: (), 3: (1, 2)}, frozenset({(1, 3)})), [step(n, f"h{n}") for n in (1, 2, 3)]
    )
    assert [(node.first, node.column) for node in layout.nodes] == [(1, 0), (2, 0), (3, 1)]
    assert [(edge.before, edge.after, edge.carries) for edge in layout.edges] == [(1, 3, True), (2, 3, False)]


def test_equal_steps_on_different_hosts_fold_into_stacks_whose_counts_add_up() -> None:
    """W-030: two packages and a restart on 3,000 hosts are three stacks."""
    hosts, needs, steps = range(3000), {}, []
    for host in hosts:
        one, two, then = 3 * host + 1, 3 * host + 2, 3 * host + 3
        needs |= {one: (), two: (), then: (one, two)}
        state = StepState.ERROR if host % 3 == 0 else StepState.SUCCESS
        steps += [
            step(one, f"h{host}"),
            step(two, f"h{host}"),
            step(then, f"h{host}", action="restart", state=state),
        ]
    layout = lay_out(Graph(needs), steps)
    assert [(node.title, len(node.steps), node.column) for node in layout.nodes] == [
        ("Install", 3000, 0),
        ("Install", 3000, 0),
        ("Restart", 3000, 1),
    ]
    assert dict(layout.nodes[2].marks) == {"error": 1000, "success": 2000}
    assert layout.nodes[2].mark == "error"
    assert len(layout.edges) == 2


def test_a_gate_is_looked_through() -> None:
    layout = lay_out(Graph({1: (), 2: (), -1: (1, 2), 3: (-1,)}), [step(n, f"h{n}") for n in (1, 2, 3)])
    assert {(edge.before, edge.after) for edge in layout.edges} == {(1, 3), (2, 3)}


def test_what_does_not_fit_is_counted() -> None:
    steps = [step(number, "same", action=f"a{number}") for number in range(1, 501)]
    layout = lay_out(Graph({each.id: () for each in steps}), steps)
    assert len(layout.nodes) == MAX_NODES
    assert layout.left_out == 300


def test_finalize_steps_stand_one_by_one_behind_all_others() -> None:
    last = step_view(StepRecord(5, 1, Phase.FINALIZE, "install", StepState.PENDING), 0.0)
    layout = lay_out(Graph({1: (), 2: (1,)}), [step(1, "h"), step(2, "h"), last])
    assert [(node.first, node.column) for node in layout.nodes] == [(1, 0), (2, 1), (5, 2)]
