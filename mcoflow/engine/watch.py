"""Waiting for the store to change: a bell within the process, a poll across processes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from mcoflow.clock import Clock

T = TypeVar("T")


class Watch:
    """Lets threads wait for something that a commit brings about."""

    def __init__(self, clock: Clock, *, poll: float) -> None:
        self._clock = clock
        self._poll = poll
        self._changed = threading.Condition()
        self._rings = 0

    def ring(self) -> None:
        """Something was committed."""
        with self._changed:
            self._rings += 1
            self._changed.notify_all()

    def until(self, look: Callable[[], T | None], *, wait: float) -> T | None:
        """Return the first answer of `look` that is not None; None after `wait` seconds.

        It is asked after each ring, and every `poll` seconds because another process rings no bell here.
        """
        end = self._clock.monotonic() + wait
        while True:
            heard = self._rings
            found = look()
            left = end - self._clock.monotonic()
            if found is not None or left <= 0:
                return found
            with self._changed:
                if self._rings == heard:
                    self._changed.wait(min(left, self._poll))
