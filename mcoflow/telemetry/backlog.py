"""How the database stands, as gauges."""

from __future__ import annotations

import logging
import threading
from typing import Final

from mcoflow.clock import Clock
from mcoflow.domain.states import PlanState
from mcoflow.errors import StoreError
from mcoflow.ports import measures as m
from mcoflow.ports.backlog import Backlog
from mcoflow.ports.measures import Key
from mcoflow.ports.store import Reader

log = logging.getLogger("mcoflow.telemetry")
KEPT: Final = 5.0
"""Seconds for which an answer is shown again: whoever asks more often does not burden the database."""


class BacklogGauges:
    """A source of gauges. While the database is away it has none, so that nobody takes old ones for new."""

    def __init__(self, reader: Reader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock
        self._lock = threading.Lock()
        self._shown: list[tuple[Key, float]] = []
        self._again_at = 0.0

    def __call__(self) -> list[tuple[Key, float]]:
        """Return the gauges."""
        with self._lock:
            now = self._clock.monotonic()
            if now >= self._again_at:
                self._shown, self._again_at = self._look(), now + KEPT
            return self._shown

    def _look(self) -> list[tuple[Key, float]]:
        try:
            return _gauges(self._reader.backlog(), self._clock.now().timestamp())
        except StoreError as error:
            log.warning("backlog.unknown", extra={"reason": str(error)})
            return []


def _gauges(backlog: Backlog, now: float) -> list[tuple[Key, float]]:
    oldest = backlog.outbox_oldest
    plans: list[tuple[Key, float]] = [((m.PLANS, state), backlog.plans.get(state, 0)) for state in PlanState]
    return [
        *plans,
        ((m.PLANS_WITHOUT_OWNER,), backlog.without_owner),
        ((m.OUTBOX_ROWS,), backlog.outbox),
        ((m.OUTBOX_OLDEST,), 0.0 if oldest is None else max(0.0, now - oldest)),
        ((m.INBOX_ROWS,), backlog.inbox),
        ((m.TIMERS,), backlog.timers),
    ]
