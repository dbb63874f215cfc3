"""The nesting that an author writes, and the graph that comes of it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from mcoflow.domain.graph import Graph
from mcoflow.domain.rollout import Branches

Ends = tuple[list[int], list[int]]
"""The steps (or gates) with which a part begins, and those with which it ends."""


@dataclass(slots=True, eq=False)
class Block:
    """A sequence ("S") or concurrence ("C") of steps and blocks; if `kept`, GraphMaker notes its ends."""

    kind: str
    parts: list[Block | int] = field(default_factory=list)
    kept: bool = False
    ends: Ends = ([], [])


class GraphMaker:
    """Turns blocks into edges; a gate stands wherever it saves edges."""

    def __init__(self) -> None:
        self._needs: dict[int, list[int]] = {}
        self._gates = 0

    def add(self, block: Block) -> None:
        """Add the order that a block says."""
        self._ends(block)

    def order(self, first: Block, then: Block) -> None:
        """Let all of a block that was added wait for all of another; both were marked as `kept`."""
        exits, entries = first.ends[1], then.ends[0]
        self._join(exits, entries)
        for entry in entries:
            self._needs[entry] = list(dict.fromkeys(self._needs[entry]))

    def chain_after_all(self, steps: list[int]) -> None:
        """Let these steps run one by one after everything added so far."""
        before = self._exits_of_all()
        for step in steps:
            self._needs[step] = []
            self._join(before, [step])
            before = [step]

    def reference(self, producer: int, consumer: int) -> None:
        """Add the edge along which data passes, unless it is there."""
        if producer not in self._needs[consumer]:
            self._needs[consumer].append(producer)

    def graph(
        self,
        references: frozenset[tuple[int, int]] = frozenset(),
        optional: frozenset[tuple[int, int]] = frozenset(),
        rollouts: tuple[Branches, ...] = (),
    ) -> Graph:
        """Return the graph, checked for cycles."""
        needs = {node: tuple(needs) for node, needs in self._needs.items()}
        made = Graph(needs, references, optional, rollouts)
        made.check()
        return made

    def _ends(self, part: Block | int) -> Ends:
        """Return entries and exits of a part; both empty if there is no step in it."""
        if isinstance(part, int):
            self._needs[part] = []
            return [part], [part]
        found = self._ends_of_block(part)
        if part.kept:
            part.ends = found
        return found

    def _ends_of_block(self, part: Block) -> Ends:
        ends = [each for each in map(self._ends, part.parts) if each[0]]
        if part.kind == "C":
            return [n for entries, _ in ends for n in entries], [n for _, exits in ends for n in exits]
        for (_, exits), (entries, _) in itertools.pairwise(ends):
            self._join(exits, entries)
        return (ends[0][0], ends[-1][1]) if ends else ([], [])

    def _join(self, exits: list[int], entries: list[int]) -> None:
        if len(exits) * len(entries) > len(exits) + len(entries):
            self._gates += 1
            gate = -self._gates
            self._needs[gate] = list(exits)
            exits = [gate]
        for entry in entries:
            self._needs[entry].extend(exits)

    def _exits_of_all(self) -> list[int]:
        needed = {each for needs in self._needs.values() for each in needs}
        return [node for node in self._needs if node not in needed]
