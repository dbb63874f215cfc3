"""Asks the broker many things that do not depend on each other: several clerks side by side."""

from collections.abc import Callable, Sequence
from itertools import cycle
from typing import Final

from connectors.amqp.clerk import Clerk, Job, Step
from connectors.amqp.failures import Failure
from connectors.amqp.pika_wire import Wire

_CLERKS: Final = 8
"""A durable declaration takes the broker some milliseconds, in which it serves other channels too. Measured:
the queues of 1,000 hosts take 8 to 12 s on one channel, 4 s on four, 3 s on eight and no less on more."""


class Clerks:
    """Clerks on channels of their own, which are opened when there is the first work. For the thread only."""

    def __init__(self) -> None:
        self._clerks = [Clerk() for _ in range(_CLERKS)]

    def link_up(self, wire: Wire) -> None:
        """Work on this connection."""
        for clerk in self._clerks:
            clerk.link_up(wire)

    def link_down(self, why: str) -> None:
        """Fail what waits."""
        for clerk in self._clerks:
            clerk.link_down(why)

    def submit(
        self,
        errands: Sequence[Sequence[Step]],
        done: Callable[[], None],
        failed: Callable[[Failure, str], None],
    ) -> None:
        """Do each errand's steps in order; one call when all have ended, `failed` with the first refusal."""
        refused: list[tuple[Failure, str]] = []
        left = len(errands)

        def ended() -> None:
            nonlocal left
            left -= 1
            if left == 0:
                failed(*refused[0]) if refused else done()

        def not_done(failure: Failure, what: str) -> None:
            refused.append((failure, what))
            ended()

        for clerk, steps in zip(cycle(self._clerks), errands, strict=False):
            clerk.submit(Job(steps, ended, not_done))
