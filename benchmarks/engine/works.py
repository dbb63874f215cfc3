"""The actions that the engine is measured with: they do next to nothing."""

from collections.abc import Iterable
from typing import ClassVar

import psutil

from mcoflow.action import FOREVER, Action, Event, SubPlan, WithSubPlans
from mcoflow.domain.events import SubPlanFinished


class Nothing(Action):
    """One step that does nothing."""

    name = "bench.nothing"

    def run(self) -> None:
        """Do nothing."""


class Await(Action):
    """One step that sleeps until an event comes."""

    name = "bench.await"
    accepts = (str,)

    def run(self, event: Event | None) -> None:
        """Sleep once."""
        if event is None:
            self.suspend(patience=FOREVER)


class AwaitQuietly(Action):
    """One step that sleeps for an hour."""

    name = "bench.await-quietly"

    def run(self, event: Event | None) -> None:
        """Sleep once."""
        if event is None:
            self.suspend()


class Many(Action):
    """Many steps, all at the same time."""

    name = "bench.many"

    def plan(self, count: int) -> None:
        """Plan them."""
        for number in range(count):
            self.plan_action(Nothing, number=number)


class ManyAwait(Action):
    """Many steps that sleep."""

    name = "bench.many-await"

    def plan(self, count: int) -> None:
        """Plan them."""
        for number in range(count):
            self.plan_action(AwaitQuietly, number=number)


class Parent(WithSubPlans):
    """Many sub-plans of one step each; notes how often they were counted, and the memory of its process."""

    name = "bench.parent"
    counts: ClassVar[int] = 0
    most_memory: ClassVar[int] = 0

    def total_count(self) -> int:
        """As many as its input says."""
        return int(self.input["count"])

    def sub_plans(self, start: int, size: int) -> Iterable[SubPlan]:
        """All alike."""
        return [SubPlan(Nothing, kwargs={"number": each}) for each in range(start, start + size)]

    def sub_plans_changed(self, signal: SubPlanFinished) -> None:
        """Note, and go on."""
        Parent.counts += signal.counts is not None
        Parent.most_memory = max(Parent.most_memory, psutil.Process().memory_info().rss)
        super().sub_plans_changed(signal)
