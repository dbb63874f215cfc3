"""What each host would go through, step by step, before anything is stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from mcoflow.action.host_action import HostAction
from mcoflow.action.naming import subject_of_step
from mcoflow.action.registry import REGISTERED, Registry
from mcoflow.domain.records import PlanDraft, StepRecord
from mcoflow.domain.states import Phase, PlanState
from mcoflow.ports.engine import Engine
from mcoflow.services.fields import Order
from mcoflow.services.offers import first_of
from mcoflow.services.present import json_object, title_of

REHEARSED: Final = 20
"""Hosts whose steps are planned to be told; the others are taken to be like them."""
_WHERE: Final = frozenset({"target", "limit", "one", "seed", "rollout"})
"""Input that says where and in which portions."""


@dataclass(frozen=True, slots=True)
class Course:
    """What some hosts go through alike, in order; equal steps that follow one another are one, counted."""

    hosts: Sequence[str]
    steps: Sequence[str]

    @property
    def where(self) -> str:
        """`web1, web2 and 3 more`."""
        return first_of(self.hosts)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What an order would do on each of some hosts.

    `rest`: steps that are of no host. `problem`: why it cannot be planned. `asked`: the operations that hosts
    are asked for.
    """

    title: str
    courses: Sequence[Course] = ()
    rest: Sequence[str] = ()
    problem: str = ""
    asked: frozenset[str] = frozenset()


class Rehearsals:
    """Plans orders for some of their hosts, and looks at what comes out."""

    def __init__(self, engine: Engine, registry: Registry = REGISTERED) -> None:
        self._engine, self._registry = engine, registry

    def of(self, order: Order, hosts: Sequence[str]) -> Rehearsal:
        """Tell what the order would do on these hosts. It runs the plan methods and stores nothing.

        Raises:
            InputInvalidError, UnknownActionError: it would be refused.
        """
        kept = {key: value for key, value in order.arguments.items() if key not in _WHERE}
        draft = self._engine.rehearse(order.action, {**kept, "hosts": list(hosts[:REHEARSED])})
        title = title_of(order.action)
        if draft.plan.state is PlanState.STOPPED:
            return Rehearsal(title, problem=draft.plan.explanation)
        given = {action.id: json_object(action.input) for action in draft.actions}
        steps = _run_steps(draft)
        told = {step.id: _told(step, given[step.action_id]) for step in steps}
        asked = frozenset(self._asked(step, given[step.action_id]) for step in steps)
        return Rehearsal(
            title,
            courses=_courses(steps, told),
            rest=_folded([told[step.id] for step in steps if step.host is None]),
            asked=asked - {""},
        )

    def _asked(self, step: StepRecord, given: Mapping[str, Any]) -> str:
        """Return the operation that a step asks its host for."""
        action = self._registry.find(step.action)
        return action.asks_for(given) if step.host and issubclass(action, HostAction) else ""


def _run_steps(draft: PlanDraft) -> Sequence[StepRecord]:
    """Return the steps that are run, each after those that it waits for."""
    by_id = {step.id: step for step in draft.steps if step.phase is not Phase.PLAN}
    return [by_id[node] for node in draft.graph.order() if node in by_id]


def _told(step: StepRecord, given: Mapping[str, Any]) -> str:
    return f"{title_of(step.action)} {subject_of_step(given)}".rstrip()


def _courses(steps: Sequence[StepRecord], told: Mapping[int, str]) -> Sequence[Course]:
    """Return who goes through the same, those first that come first."""
    by_host: dict[str, list[str]] = {}
    for step in steps:
        if step.host is not None:
            by_host.setdefault(step.host, []).append(told[step.id])
    alike: dict[tuple[str, ...], list[str]] = {}
    for host, lines in by_host.items():
        alike.setdefault(tuple(_folded(lines)), []).append(host)
    return [Course(hosts, lines) for lines, hosts in alike.items()]


def _folded(lines: Sequence[str]) -> Sequence[str]:
    return list(_counted(lines))


def _counted(lines: Sequence[str]) -> Iterator[str]:
    for line, equal in groupby(lines):
        number = len(list(equal))
        yield line if number == 1 else f"{line} \u00d7{number}"
