"""The order of a plan's steps: a directed acyclic graph with gates.

Nodes are positive step ids and negative gate ids. A gate runs nothing: it joins wide groups, so that two
groups of 1,000 steps in sequence cost 2,000 edges and not 1,000,000.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from mcoflow.domain.rollout import Branches
from mcoflow.errors import PlanningError


@dataclass(frozen=True)
class Graph:
    """Steps (and gates) with the nodes that have to be done before each.

    Args:
        needs: node → nodes it waits for; every node is a key, those without needs map to ().
        references: (producer, consumer) pairs of steps between which data passes; all are edges in `needs`.
        optional: those of the references that name what to take if the producer was skipped.
        rollouts: which steps take turns, host by host.
    """

    needs: Mapping[int, tuple[int, ...]]
    references: frozenset[tuple[int, int]] = frozenset()
    optional: frozenset[tuple[int, int]] = frozenset()
    rollouts: tuple[Branches, ...] = ()

    @cached_property
    def required(self) -> frozenset[tuple[int, int]]:
        """The references without which the consumer cannot run."""
        return self.references - self.optional

    @cached_property
    def readers(self) -> Mapping[int, Sequence[int]]:
        """Step → steps that cannot run without its output."""
        found: dict[int, list[int]] = {}
        for producer, consumer in self.required:
            found.setdefault(producer, []).append(consumer)
        return found

    @cached_property
    def followers(self) -> Mapping[int, tuple[int, ...]]:
        """Node → nodes that wait for it."""
        after: dict[int, list[int]] = {node: [] for node in self.needs}
        for node, before in self.needs.items():
            for each in before:
                after[each].append(node)
        return {node: tuple(nodes) for node, nodes in after.items()}

    @property
    def steps(self) -> Iterable[int]:
        """The step ids, gates left out."""
        return (node for node in self.needs if node > 0)

    def check(self) -> None:
        """Raise PlanningError naming the steps of a cycle, or an edge to an unknown node."""
        for node, before in self.needs.items():
            for each in before:
                if each not in self.needs:
                    raise PlanningError(f"step {node} waits for step {each}, which is not in the plan")
        rest = self._unordered()
        if rest:
            names = ", ".join(str(node) for node in sorted(self._circle(rest)) if node > 0)
            raise PlanningError(f"steps {names} wait for each other: a cycle, no order can run them")

    def order(self) -> list[int]:
        """Return all nodes, each after what it needs; smallest id first where there is a choice."""
        ready = self._ready()
        ranks = self._ranks(ready)
        gates = {node: place for place, node in enumerate(ready) if node < 0}  # one may wait for another
        return sorted(self.needs, key=lambda node: (ranks[node], node > 0, gates.get(node, node)))

    def ranks(self) -> dict[int, int]:
        """Return the length of the longest path to each node; gates add nothing to it."""
        return self._ranks(self._ready())

    def _ranks(self, ready: Iterable[int]) -> dict[int, int]:
        ranks = dict.fromkeys(self.needs, 0)
        for node in ready:
            rank = ranks[node] + (node > 0)
            for after in self.followers[node]:
                ranks[after] = max(ranks[after], rank)
        return ranks

    def _circle(self, rest: set[int]) -> Iterable[int]:
        """Return one cycle among nodes that cannot be ordered: each of them needs another one of them."""
        node, seen = min(rest), dict[int, int]()
        while node not in seen:
            seen[node] = len(seen)
            node = next(each for each in self.needs[node] if each in rest)
        return list(seen)[seen[node] :]

    def _unordered(self) -> set[int]:
        return set(self.needs) - set(self._ready())

    def _ready(self) -> list[int]:
        """Return the nodes in the order in which they become ready; those of a cycle never do."""
        unmet = {node: len(before) for node, before in self.needs.items()}
        ready = [node for node, count in unmet.items() if count == 0]
        for node in ready:
            for after in self.followers[node]:
                unmet[after] -= 1
                if unmet[after] == 0:
                    ready.append(after)
        return ready
