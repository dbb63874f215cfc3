"""Where the steps of a plan stand in a picture: ranks from left to right, equal steps folded into stacks."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mcoflow.domain.graph import Graph
from mcoflow.domain.states import Phase
from mcoflow.services.views import Mark, StepView

MAX_NODES: Final = 200
SINGLE_UP_TO: Final = 12
"""A plan of so few steps shows each by itself."""
MAX_EDGES: Final = 400
"""More lines than that only blacken the picture; the list of steps has the order too."""


@dataclass(frozen=True, slots=True)
class Node:
    """One step, or a stack of equal ones. `column` counts ranks from 0, `row` places from the top.

    `first` is the smallest step id in it. `marks` are numbers of steps by mark. `mark` is the worst of them.
    """

    first: int
    steps: tuple[int, ...]
    title: str
    subject: str
    hosts: tuple[str, ...]
    phase: Phase
    column: int
    row: int
    mark: Mark
    marks: tuple[tuple[Mark, int], ...]
    words: str

    @property
    def stacked(self) -> bool:
        """Whether it stands for several steps."""
        return len(self.steps) > 1


@dataclass(frozen=True, slots=True)
class Edge:
    """A line between two nodes, named by their first steps. `carries` says that data passes."""

    before: int
    after: int
    carries: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """The picture. Nodes are in the order of the plan."""

    nodes: Sequence[Node]
    edges: Sequence[Edge]
    columns: int
    rows: int
    left_out: int

    def node_of(self, step_id: int) -> Node | None:
        """Return the node that a step is in."""
        return next((node for node in self.nodes if step_id in node.steps), None)


_WORST_FIRST: Final = (
    Mark.UNKNOWN,
    Mark.ERROR,
    Mark.RUNNING,
    Mark.WAITING,
    Mark.WARNING,
    Mark.PENDING,
    Mark.CANCELLED,
    Mark.SKIPPED,
    Mark.SUCCESS,
)


def lay_out(graph: Graph, steps: Sequence[StepView]) -> Layout:
    """Return the picture of the run and finalize steps, at most 200 nodes."""
    shown = {step.id: step for step in steps if step.phase in (Phase.RUN, Phase.FINALIZE)}
    ranks = _ranks(graph, shown)
    ordered = sorted(shown.values(), key=lambda step: (ranks[step.id], step.id))
    before = _steps_before(graph, shown)
    groups = _fold(ordered, ranks, before)
    kept, left_out = groups[:MAX_NODES], sum(map(len, groups[MAX_NODES:]))
    home = {step.id: group[0].id for group in kept for step in group}
    edges = _edges(home, before, graph.references)
    rows = _rows(kept, ranks, edges)
    nodes = [_node(group, ranks[group[0].id], rows[group[0].id]) for group in kept]
    width = 1 + max((node.column for node in nodes), default=0)
    height = 1 + max((node.row for node in nodes), default=0)
    return Layout(nodes, edges, width, height, left_out)


def _ranks(graph: Graph, shown: Mapping[int, StepView]) -> dict[int, int]:
    """Return columns: the longest path for run steps; finalize steps one by one after the last of them."""
    known = graph.ranks()
    ranks = {step.id: known.get(step.id, 0) for step in shown.values() if step.phase is Phase.RUN}
    last = max(ranks.values(), default=-1)
    final = sorted(step.id for step in shown.values() if step.phase is Phase.FINALIZE)
    return ranks | {step: last + 1 + place for place, step in enumerate(final)}


def _steps_before(graph: Graph, shown: Mapping[int, StepView]) -> dict[int, frozenset[int]]:
    """Return for each step the steps and gates right before it, a gate standing for those before it."""
    through: dict[int, frozenset[int]] = {}
    for node in graph.order():
        found = (through[each] if each < 0 else frozenset({each}) for each in graph.needs[node])
        through[node] = frozenset().union(*found)
    return {step: through.get(step, frozenset()).intersection(shown) for step in shown}


def _fold(
    ordered: Sequence[StepView], ranks: Mapping[int, int], before: Mapping[int, frozenset[int]]
) -> list[list[StepView]]:
    """Group equal steps: same action, same place, different host; few steps stay single."""
    if len(ordered) <= SINGLE_UP_TO:
        return [[step] for step in ordered]
    groups: dict[object, list[StepView]] = {}
    numbers: dict[object, int] = {}
    home: dict[int, int] = {}
    places: Counter[object] = Counter()
    homes_of: dict[frozenset[int], frozenset[int]] = {}  # those behind one gate share one set
    for step in ordered:
        behind = before[step.id]
        if behind not in homes_of:
            homes_of[behind] = frozenset(home[each] for each in behind if each in home)
        kind = (step.phase, step.action, ranks[step.id], homes_of[behind])
        place = places[kind, step.host]  # the second package of a host is another stack than the first
        places[kind, step.host] += 1
        key = (kind, place)
        home[step.id] = numbers.setdefault(key, len(numbers))
        groups.setdefault(key, []).append(step)
    return list(groups.values())


def _edges(
    home: Mapping[int, int], before: Mapping[int, frozenset[int]], references: Iterable[tuple[int, int]]
) -> list[Edge]:
    """Return lines between nodes, each once."""
    carrying = {(home[a], home[b]) for a, b in references if a in home and b in home}
    pairs = {
        (home[each], home[step])
        for step, behind in before.items()
        if step in home
        for each in behind
        if each in home
    }
    found = [Edge(a, b, (a, b) in carrying) for a, b in sorted(pairs) if a != b]
    return found[:MAX_EDGES]


def _rows(
    groups: Sequence[Sequence[StepView]], ranks: Mapping[int, int], edges: Sequence[Edge]
) -> dict[int, int]:
    """Place each node near the middle of those before it, so that few lines cross."""
    behind: dict[int, list[int]] = defaultdict(list)
    for edge in edges:
        behind[edge.after].append(edge.before)
    columns: dict[int, list[int]] = defaultdict(list)
    for group in groups:
        columns[ranks[group[0].id]].append(group[0].id)
    rows: dict[int, int] = {}
    for column in sorted(columns):
        wished = sorted(columns[column], key=lambda node: (_middle(rows, behind[node]), node))
        rows.update({node: row for row, node in enumerate(wished)})
    return rows


def _middle(rows: Mapping[int, int], nodes: Sequence[int]) -> float:
    placed = [rows[node] for node in nodes if node in rows]
    return sum(placed) / len(placed) if placed else 0.0


def _node(group: Sequence[StepView], column: int, row: int) -> Node:
    counted = Counter(step.mark for step in group)
    marks = tuple((mark, counted[mark]) for mark in _WORST_FIRST if counted[mark])
    first = group[0]
    return Node(
        first=first.id,
        steps=tuple(step.id for step in group),
        title=first.title,
        subject=first.subject,
        hosts=tuple(step.host for step in group if step.host),
        phase=first.phase,
        column=column,
        row=row,
        mark=marks[0][0],
        marks=marks,
        words=first.words if len(group) == 1 else ", ".join(f"{number} {mark}" for mark, number in marks),
    )
