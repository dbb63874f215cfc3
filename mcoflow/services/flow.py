"""The nested notation of a plan's order: `["S", ["C", 3, 5], 7]`, derived from its graph.

A number is a step, S a sequence, C a concurrence (HTTP specification, 2.3). Sets of steps are integers
with one bit per step, which makes a plan of thousands of steps a matter of milliseconds.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mcoflow.domain.graph import Graph

Flow = Any
"""A step id, or a list that begins with S or C."""
EMPTY_RUN_FLOW: Final[Sequence[str]] = ("C",)


def run_flow(graph: Graph, steps: Sequence[int]) -> Flow:
    """Return the notation for these steps: each once, and before whatever waits for it."""
    if not steps:
        return list(EMPTY_RUN_FLOW)
    wanted = set(steps)
    order = [node for node in graph.order() if node in wanted]
    return _Deriver.of(graph, order).flow((1 << len(order)) - 1)


def finalize_flow(steps: Sequence[int]) -> Flow:
    """Return the notation for finalize steps, always a sequence."""
    return ["S", *sorted(steps)]


@dataclass(frozen=True, slots=True)
class _Deriver:
    """Bit i stands for order[i]; `above[i]` and `below[i]` are the steps before and after it."""

    order: Sequence[int]
    above: Sequence[int]
    below: Sequence[int]

    @classmethod
    def of(cls, graph: Graph, order: Sequence[int]) -> "_Deriver":
        place = {node: index for index, node in enumerate(order)}
        every = graph.order()
        above = _closure(every, graph.needs, place)
        below = _closure(reversed(every), graph.followers, place)
        return cls(order, [above[node] for node in order], [below[node] for node in order])

    def flow(self, part: int) -> Flow:
        """Return the notation of a part, by its parts."""
        if part & (part - 1) == 0:
            return self.order[part.bit_length() - 1]
        beside = self._independent(part)
        if len(beside) > 1:
            return ["C", *(self.flow(each) for each in sorted(beside, key=self._smallest))]
        return ["S", *(self.flow(each) for each in self._consecutive(part) or self._layers(part))]

    def _independent(self, part: int) -> list[int]:
        """Return the parts between which there is no order at all."""
        found, rest = [], part
        while rest:
            piece = edge = rest & -rest
            while edge:
                near = 0
                for index in _bits(edge):
                    near |= self.above[index] | self.below[index]
                edge = near & rest & ~piece
                piece |= edge
            found.append(piece)
            rest &= ~piece
        return found

    def _consecutive(self, part: int) -> list[int]:
        """Return the pieces of which each lies wholly before the next; nothing if no cut divides the part."""
        indexes = list(_bits(part))
        common = [part] * (len(indexes) + 1)  # what all from here on have before them
        for place in range(len(indexes) - 1, -1, -1):
            common[place] = common[place + 1] & self.above[indexes[place]]
        pieces, piece, done = [], 0, 0
        for place, index in enumerate(indexes):
            if piece and common[place] & done == done:
                pieces.append(piece)
                piece = 0
            piece |= 1 << index
            done |= 1 << index
        return [*pieces, piece] if pieces else []

    def _layers(self, part: int) -> list[int]:
        """Return the steps by the length of the longest path that leads to them."""
        layers: list[int] = []
        rest = part
        while rest:
            layer = 0
            for index in _bits(rest):
                if not self.above[index] & rest:
                    layer |= 1 << index
            layers.append(layer)
            rest &= ~layer
        return layers

    def _smallest(self, part: int) -> int:
        return min(self.order[index] for index in _bits(part))


def _closure(
    order: Iterable[int], near: Mapping[int, Sequence[int]], place: Mapping[int, int]
) -> dict[int, int]:
    """Return for each node all steps beyond it, gates looked through; `order` has what is near first."""
    beyond: dict[int, int] = {}
    for node in order:
        found = 0
        for each in near[node]:
            found |= beyond[each] | (1 << place[each] if each in place else 0)
        beyond[node] = found
    return beyond


def _bits(part: int) -> Iterator[int]:
    """Yield the places of the bits that are set, smallest first."""
    while part:
        lowest = part & -part
        yield lowest.bit_length() - 1
        part ^= lowest
