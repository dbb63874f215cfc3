"""Futures of events: resolved when a step has taken them, whichever executor gave them to it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

from mcoflow.domain.requests import CommandRecord, DroppedEvent, EventFate
from mcoflow.domain.states import PlanState
from mcoflow.engine.people import ALLOWED
from mcoflow.engine.poller import Poller
from mcoflow.errors import (
    CommandRefusedError,
    EventDroppedError,
    McoflowError,
    PlanNotFoundError,
    StoreUnavailableError,
    WaitTimeoutError,
)
from mcoflow.ports.store import Store

log = logging.getLogger("mcoflow.futures")
_NOBODY: Final = (CommandRefusedError, EventDroppedError, PlanNotFoundError)
"""What becomes of an event that finds nobody; for an optional one that is all right."""


@dataclass(slots=True)
class Sent:
    """An event that somebody waits for."""

    plan_id: UUID
    optional: bool
    outcome: Future[None] = field(default_factory=Future)

    def end(self, error: McoflowError | None) -> None:
        """Tell who waits what became of it."""
        if error is not None and self.optional and isinstance(error, _NOBODY):
            log.debug("event.refused", extra={"plan": str(self.plan_id), "reason": str(error)})
            error = None
        if error is None:
            self.outcome.set_result(None)
        else:
            self.outcome.set_exception(error)


class EventFuture:
    """The delivery of an event that is yet to come. Nothing is watched before somebody asks for it."""

    def __init__(self, event_id: UUID, outcome: Callable[[], Future[None]]) -> None:
        """Take the id of the event, and what begins to watch."""
        self.event_id = event_id
        self._outcome = outcome

    def wait(self, timeout: timedelta | None = None) -> None:
        """Return once the step has taken the event, and what it made of it is stored.

        An optional event that nobody took is no error.

        Raises:
            EventDroppedError: the step does not take it, or ended before it could be delivered.
            CommandRefusedError: its plan does not run.
            PlanNotFoundError: there is no such plan, or it was deleted meanwhile.
            WaitTimeoutError: none of it within `timeout`; the event stays stored.
        """
        try:
            self._outcome().result(None if timeout is None else timeout.total_seconds())
        except FutureTimeoutError:
            raise WaitTimeoutError(
                f"no step has taken the event {self.event_id} within {timeout}; it stays stored, wait again"
            ) from None

    def done(self) -> bool:
        """Whether it was taken, refused or dropped."""
        return self._outcome().done()

    def on_done(self, callback: Callable[[EventFuture], None]) -> None:
        """Have `callback` called once with this future; at once if it is done. It must not block."""
        self._outcome().add_done_callback(lambda _: callback(self))


class EventFutures:
    """Those that are waited for in this process.

    Commits of our own executor resolve them without a query. While there are any, a thread asks the database
    each second for what other executors did, with one statement for all of them.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waited: dict[UUID, Sent] = {}
        self._lock = threading.Lock()
        self._poller = Poller("event-futures", waits=lambda: bool(self._waited), look=self.look)

    def of(self, command: CommandRecord) -> EventFuture:
        """Return the future of an event that is stored, or left for its plan's owner with a command."""
        sent = Sent(command.plan_id, bool(command.args.get("optional")))
        return self._future(command.id, lambda: self._watch(command.id, sent))

    def refused(self, command: CommandRecord, error: McoflowError) -> EventFuture:
        """Return the future of an event that was refused at once."""
        sent = Sent(command.plan_id, bool(command.args.get("optional")))
        sent.end(error)
        return self._future(command.id, lambda: sent.outcome)

    def committed(self, consumed: Iterable[UUID], dropped: Iterable[DroppedEvent]) -> None:
        """Resolve those that ended; called after each commit."""
        if self._waited:
            for event in dropped:
                self._end(event.id, EventDroppedError(event.reason))
            for event_id in consumed:
                self._end(event_id, None)

    def look(self, plan_id: UUID | None = None) -> None:
        """Ask the database what became of them; of those for one plan only, if it is named."""
        with self._lock:
            waited = {
                event_id: sent.plan_id
                for event_id, sent in self._waited.items()
                if plan_id in (None, sent.plan_id)
            }
        if waited:
            self._look_at(waited)

    def close(self) -> None:
        """Ask no more; what is not resolved by then stays so."""
        self._poller.stop()

    def _future(self, event_id: UUID, outcome: Callable[[], Future[None]]) -> EventFuture:
        return EventFuture(event_id, outcome)

    def _watch(self, event_id: UUID, sent: Sent) -> Future[None]:
        """Resolve it from now on; at once if its fate is known. Asked again, there is no query."""
        if sent.outcome.done():
            return sent.outcome
        with self._lock:
            known = self._waited.get(event_id)
            self._waited.setdefault(event_id, sent)
        if known is not None:
            return known.outcome
        try:
            self._look_at({event_id: sent.plan_id})
        except StoreUnavailableError as error:
            log.info("futures.without_store", extra={"reason": str(error)})
        if not sent.outcome.done():
            self._poller.wake()
        return sent.outcome

    def _look_at(self, waited: Mapping[UUID, UUID]) -> None:
        for fate in self._store.event_fates(waited):
            if fate.plan is None or fate.code or not fate.waits:
                self._end(fate.id, _error(fate))

    def _end(self, event_id: UUID, error: McoflowError | None) -> None:
        with self._lock:
            sent = self._waited.pop(event_id, None)
        if sent is not None:
            sent.end(error)


def _error(fate: EventFate) -> McoflowError | None:
    """Return what an event ended with; None if it was delivered."""
    if fate.plan is None:
        return PlanNotFoundError(fate.plan_id)
    if not fate.code:
        return None
    if fate.code == EventDroppedError.__name__:
        return EventDroppedError(fate.reason)
    return CommandRefusedError(fate.reason, fate.plan_id, PlanState(fate.plan), ALLOWED[fate.plan])
