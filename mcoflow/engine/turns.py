"""Noting, while a plan is made, which of its steps are the work of which host of a rollout."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
    order = graph.order() if graph.rollouts else ()
    for rollout in graph.rollouts:
        branches = enumerate(zip(rollout.firsts, rollout.lasts, strict=True))
        ids = ((number, step) for number, (first, last) in branches for step in range(first, last + 1))
        branch_of = {step: number for number, step in ids if steps[step - 1].phase is Phase.RUN}
        waited_for: dict[int, dict[int, int]] = {}
        for node in order:
            found = _branches_before(graph.needs[node], branch_of, waited_for)
            own = branch_of.get(node)
            if own is None:
                waited_for[node] = found
                continue
            other = next((step for branch, step in found.items() if branch != own), None)
            if other is not None:
                raise PlanningError(
                    f"step {node} waits for step {other}, the work of another host of the same rollout: "
                    "hosts that take turns must not wait for each other"
                )


def _branches_before(
    needs: Sequence[int], branch_of: Mapping[int, int], waited_for: Mapping[int, Mapping[int, int]]
) -> dict[int, int]:
    """Return two of the branches at most that are waited for, each with one of its steps.

    Whatever is in no branch passes on what it waits for.
    """
    found: dict[int, int] = {}
    for each in needs:
        branch = branch_of.get(each)
        for number, step in ((branch, each),) if branch is not None else waited_for[each].items():
            found.setdefault(number, step)
            if len(found) > 1:
                return found
    return found
