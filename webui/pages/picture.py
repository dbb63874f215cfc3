"""The step graph as shapes: geometry stands in SVG attributes, never in a style."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mcoflow.domain.states import Phase
from mcoflow.services.graph_layout import Edge, Layout, Node

WIDTH: Final = 260
HEIGHT: Final = 52
GAP_X: Final = 56
GAP_Y: Final = 14
MARGIN: Final = 12
BAND: Final = 26
"""Height of the line above the nodes that names the phase."""


@dataclass(frozen=True, slots=True)
class Box:
    """A node at its place."""

    node: Node
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Line:
    """An edge as an SVG path."""

    path: str
    carries: bool


@dataclass(frozen=True, slots=True)
class Band:
    """The columns of one phase."""

    phase: Phase
    x: int
    width: int


@dataclass(frozen=True, slots=True)
class Picture:
    """All shapes, and the size they need."""

    boxes: Sequence[Box]
    lines: Sequence[Line]
    bands: Sequence[Band]
    width: int
    height: int
    node_width: int
    node_height: int
    left_out: int


def draw(layout: Layout) -> Picture:
    """Return the shapes of a graph, columns centred on the tallest."""
    heights = _heights(layout)
    boxes = {node.first: _box(node, heights[node.column], layout.rows) for node in layout.nodes}
    return Picture(
        boxes=list(boxes.values()),
        lines=[_line(edge, boxes) for edge in layout.edges],
        bands=_bands(layout),
        width=_x(layout.columns) - GAP_X + MARGIN,
        height=BAND + _y(layout.rows) - GAP_Y + MARGIN,
        node_width=WIDTH,
        node_height=HEIGHT,
        left_out=layout.left_out,
    )


def _heights(layout: Layout) -> list[int]:
    heights = [0] * layout.columns
    for node in layout.nodes:
        heights[node.column] = max(heights[node.column], node.row + 1)
    return heights


def _box(node: Node, height: int, tallest: int) -> Box:
    middle = (tallest - height) * (HEIGHT + GAP_Y) // 2
    return Box(node, _x(node.column), BAND + _y(node.row) + middle)


def _x(column: int) -> int:
    return MARGIN + column * (WIDTH + GAP_X)


def _y(row: int) -> int:
    return MARGIN + row * (HEIGHT + GAP_Y)


def _line(edge: Edge, boxes: dict[int, Box]) -> Line:
    start, end = boxes[edge.before], boxes[edge.after]
    x1, y1 = start.x + WIDTH, start.y + HEIGHT // 2
    x2, y2 = end.x, end.y + HEIGHT // 2
    bend = GAP_X // 2
    if y1 == y2:
        return Line(f"M{x1} {y1}H{x2}", edge.carries)
    turn = x2 - bend  # straight on as long as possible, so that long edges stay in the gaps
    return Line(f"M{x1} {y1}H{turn - bend}C{turn} {y1} {turn} {y2} {x2} {y2}", edge.carries)


def _bands(layout: Layout) -> list[Band]:
    bands = []
    for phase in (Phase.RUN, Phase.FINALIZE):
        columns = [node.column for node in layout.nodes if node.phase is phase]
        if columns:
            first, last = min(columns), max(columns)
            bands.append(Band(phase, _x(first), _x(last) + WIDTH - _x(first)))
    return bands
