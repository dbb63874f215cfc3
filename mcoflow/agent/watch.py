"""Looks at what is in hand twice a second: time-outs, graces, expiry, and a word now and then."""

from typing import Final

from mcoflow.agent import results
from mcoflow.agent.admission import check_expiry
from mcoflow.agent.desk import Desk
from mcoflow.agent.entry import Entry, Stop
from mcoflow.agent.execution import RefusedError
from mcoflow.agent.journal_rows import State
from mcoflow.agent.life import Life

PERIOD: Final = 0.5
REPORT_EVERY: Final = 30.0
"""Seconds between two words of progress; after 90 the server asks."""


class Watch:
    """Sleeps while nothing is in hand; used on the loop's thread only."""

    def __init__(self, desk: Desk, life: Life) -> None:
        self._desk = desk
        self._life = life
        self._armed = False

    def arm(self) -> None:
        """See to it that what is in hand is looked at; call it once in a turn."""
        if self._desk.entries and not self._armed:
            self._armed = True
            self._desk.loop.later(PERIOD, self._look)

    def _look(self) -> None:
        self._armed = False
        now = self._desk.clock.monotonic()
        for entry in list(self._desk.entries.values()):
            if entry.state is State.EXECUTING:
                self._look_at_running(entry, now)
            else:
                self._look_at_waiting(entry)
            if now >= entry.report_at and entry.accepted is None:
                entry.report_at = now + REPORT_EVERY
                self._life.report(entry)

    def _look_at_running(self, entry: Entry, now: float) -> None:
        if entry.kill_at is not None and now >= entry.kill_at:
            self._life.kill(entry)
        elif now >= entry.run_until and entry.stop is None and not entry.overdue:
            self._life.stop(entry, Stop.TIMEOUT)

    def _look_at_waiting(self, entry: Entry) -> None:
        now = self._desk.clock.now()
        try:
            check_expiry(entry.body, now)
        except RefusedError as error:
            entry.report_at = float("inf")
            self._life.end(entry, results.refused(error, now))
