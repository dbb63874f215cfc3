"""What one turn of the loop decides, and what is let out of the agent once that is on disk."""

import logging
import sqlite3
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from mcoflow.agent.entry import Entry
from mcoflow.agent.journal import Journal
from mcoflow.agent.journal_rows import Batch, Row
from mcoflow.agent.loop import Loop
from mcoflow.agent.outgoing import Outgoing, Then
from mcoflow.agent.reserve import Reserve, is_full
from mcoflow.clock import Clock
from mcoflow.faults import faultpoint
from mcoflow.ports.bus import AgentConnector, Delivery, Parcel, Verdict

log = logging.getLogger(__name__)

RETRY_COMMIT: Final = 1.0
LOOK_FOR_SPACE: Final = 2.0
LAZY: Final = 1.0
"""Seconds that the note of a reply's arrival may wait for another reason to commit."""


class Desk:
    """The requests in hand and the effects that wait for the commit; used on the loop's thread only.

    If the commit fails nothing is let out, and it is tried again each second. When it failed for want of
    space the reserve is freed, and until there is room again `no_space` has new requests refused.
    """

    def __init__(
        self, loop: Loop, connector: AgentConnector, journal: Journal, reserve: Reserve, clock: Clock
    ) -> None:
        self.loop = loop
        self.clock = clock
        self.journal = journal
        self.entries: dict[UUID, Entry] = {}
        self.fresh: dict[UUID, Row] = {}  #: rows that this turn made or ended
        self.batch = Batch()
        self.outgoing = Outgoing(connector, loop)
        self._connector = connector
        self._acks: list[Delivery] = []
        self._rejects: list[Delivery] = []
        self._after: list[tuple[Callable[..., None], tuple[Any, ...]]] = []
        self._lazy_at: float | None = None
        self._reserve = reserve
        self.no_space = False
        if not reserve.fill():
            self._take_no_more()

    # -- what waits for the commit ---------------------------------------------------------------------

    def ack(self, delivery: Delivery) -> None:
        """Let the broker forget it."""
        self._acks.append(delivery)

    def reject(self, delivery: Delivery) -> None:
        """Send it to the dead letters."""
        self._rejects.append(delivery)

    def after(self, call: Callable[..., None], *args: Any) -> None:
        """Have it called after the commit."""
        self._after.append((call, args))

    def send(self, parcel: Parcel, then: Then | None = None) -> None:
        """Publish it after the commit; see Outgoing.send."""
        self._after.append((self.outgoing.send, (parcel, then)))

    # -- rows ------------------------------------------------------------------------------------------

    def insert(self, row: Row) -> None:
        """Write a row that is new, or replaces a tombstone."""
        self.fresh[row.id] = row
        self.batch.insert(row, self.clock.now().timestamp())

    def end(self, row: Row) -> None:
        """Write the result of a row that is there."""
        self.fresh[row.id] = row
        self.batch.end(row, self.clock.now().timestamp())

    def replied(self, request_id: UUID) -> None:
        """Write that the broker has the result."""
        faultpoint("agent.result_confirmed")
        self.batch.reply(request_id, self.clock.now().timestamp())

    # -- the end of a turn -----------------------------------------------------------------------------

    def close_turn(self) -> None:
        """Commit what was decided, then let its effects out."""
        if self._must_commit():
            try:
                self.journal.commit(self.batch)
            except sqlite3.OperationalError as error:
                self._not_written(error)
                return
            self.batch = Batch()
            self.fresh.clear()
            faultpoint("agent.journaled")
        self._let_out()

    def _not_written(self, error: sqlite3.OperationalError) -> None:
        log.error("journal.not_written", extra={"why": str(error)})
        if is_full(error) and not self.no_space:
            self._reserve.free()
            self._take_no_more()
            self.loop.later(0, _nothing)
        else:
            self.loop.later(RETRY_COMMIT, _nothing)

    def _take_no_more(self) -> None:
        self.no_space = True
        self.loop.later(LOOK_FOR_SPACE, self._look_for_space)

    def _look_for_space(self) -> None:
        if self._reserve.fill():
            self.no_space = False
        else:
            self.loop.later(LOOK_FOR_SPACE, self._look_for_space)

    def _must_commit(self) -> bool:
        if self.batch.urgent:
            self._lazy_at = None
            return True
        if not self.batch:
            return False
        now = self.clock.monotonic()
        if self._lazy_at is None:
            self._lazy_at = now + LAZY
            self.loop.later(LAZY, _nothing)
        if now < self._lazy_at:
            return False
        self._lazy_at = None
        return True

    def _let_out(self) -> None:
        if self._acks:
            self._connector.settle(self._acks, Verdict.ACK)
            self._acks = []
            faultpoint("agent.acked")
        if self._rejects:
            self._connector.settle(self._rejects, Verdict.REJECT)
            self._rejects = []
        calls, self._after = self._after, []
        for call, args in calls:
            call(*args)
        self.outgoing.flush()


def _nothing() -> None:
    """Wake the loop: there is something to do at the end of the turn."""
