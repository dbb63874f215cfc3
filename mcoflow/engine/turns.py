"""Noting, while a plan is made, which of its steps are the work of which host of a rollout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from mcoflow.domain.graph import Graph
from mcoflow.domain.records import StepRecord
from mcoflow.domain.rollout import Branches, Rollout
from mcoflow.domain.states import Phase
from mcoflow.errors import PlanningError


@dataclass(slots=True)
class _Rollout:
    how: Rollout
    firsts: list[int] = field(default_factory=list)
    lasts: list[int] = field(default_factory=list)


class Turns:
    """Keeps the rollouts of one planning."""

    def __init__(self) -> None:
        self._done: list[_Rollout] = []
        self._current: _Rollout | None = None
        self._in_branch = False

    @contextmanager
    def rollout(self, how: Rollout) -> Iterator[None]:
        """Open a rollout; one within another is part of it, and takes no turns of its own."""
        if self._current is not None:
            yield
            return
        self._current = _Rollout(how)
        yield
        self._done.append(self._current)
        self._current = None

    @contextmanager
    def branch(self, steps: Sequence[StepRecord]) -> Iterator[None]:
        """Open the work of one host."""
        if self._current is None:
            raise PlanningError("branch() is for inside of a rollout(): nothing takes turns here")
        if self._in_branch:
            yield
            return
        first, self._in_branch = len(steps) + 1, True
        yield
        self._in_branch = False
        if len(steps) >= first:
            self._current.firsts.append(first)
            self._current.lasts.append(len(steps))

    def planned(self) -> tuple[Branches, ...]:
        """Return the rollouts that have anything to do."""
        return tuple(
            Branches(each.how, tuple(each.firsts), tuple(each.lasts)) for each in self._done if each.firsts
        )


def check_apart(graph: Graph, steps: Sequence[StepRecord]) -> None:
    """Raise PlanningError if a host of a rollout waits for another one: its turn may never come."""
    for rollout in graph.rollouts:
        branches = enumerate(zip(rollout.firsts, rollout.lasts, strict=True))
        ids = ((number, step) for number, (first, last) in branches for step in range(first, last + 1))
        branch_of = {step: number for number, step in ids if steps[step - 1].phase is Phase.RUN}
        for node, branch in branch_of.items():
            for step in _waited_for(graph, node):
                if branch_of.get(step, branch) != branch:
                    raise PlanningError(
                        f"step {node} waits for step {step}, the work of another host of the same rollout: "
                        "hosts that take turns must not wait for each other"
                    )


def _waited_for(graph: Graph, node: int) -> Iterator[int]:
    """Yield the steps right before a node, gates looked through."""
    for each in graph.needs[node]:
        if each < 0:
            yield from _waited_for(graph, each)
        else:
            yield each
