"""The actions that the engine is measured with: they do next to nothing."""

from mcoflow.action import FOREVER, Action, Event


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
