"""Waiting for the store to change: a bell within the process, a poll across processes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from typing import Final, TypeVar
from uuid import UUID

from mcoflow.clock import Clock

T = TypeVar("T")
_REMEMBERED: Final = 10_000


class Watch:
    """Lets threads wait for something that a commit brings about to some plans.

    `poll` is how often, in seconds, the store is asked all the same: another process rings no bell here.
    """

    def __init__(self, clock: Clock, *, poll: float) -> None:
        self._clock = clock
        self._poll = poll
        self._changed = threading.Condition()
        self._number = 0
        self._rung: dict[UUID, int] = {}

    def ring(self, plan_ids: Collection[UUID]) -> None:
        """These plans were committed."""
        with self._changed:
            self._number += 1
            for plan_id in plan_ids:
                self._rung.pop(plan_id, None)  # so that the dict stays in order of the last ring
                self._rung[plan_id] = self._number
            while len(self._rung) > _REMEMBERED:
                del self._rung[next(iter(self._rung))]
            self._changed.notify_all()

    def until(self, look: Callable[[], T | None], about: Collection[UUID], *, wait: float) -> T | None:
        """Return the first answer of `look` that is not None; None after `wait` seconds.

        It is asked at once, after each ring for one of the plans it is about, and every `poll` seconds.
        """
        end = self._clock.monotonic() + wait
        while True:
            heard = self._number
            found = look()
            left = end - self._clock.monotonic()
            if found is not None or left <= 0:
                return found
            with self._changed:
                self._changed.wait_for(lambda: self._rang(about, heard), min(left, self._poll))  # noqa: B023

    def _rang(self, about: Collection[UUID], heard: int) -> bool:
        rung = self._rung
        return any(rung.get(plan_id, 0) > heard for plan_id in about)
