"""Futures of plans: resolved when a plan comes to rest, whichever executor brought it there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from datetime import timedelta
from uuid import UUID

from mcoflow.domain.records import PlanRecord
from mcoflow.domain.view import PlanView
from mcoflow.engine.poller import Poller
from mcoflow.errors import PlanNotFoundError, WaitTimeoutError
from mcoflow.ports.store import Store


class PlanFuture:
    """The rest of a plan, stopped or paused, that is yet to come."""

    def __init__(self, plan_id: UUID, outcome: Future[PlanView]) -> None:
        self.plan_id = plan_id
        self._outcome = outcome

    def wait(self, timeout: timedelta | None = None) -> PlanView:
        """Return the plan once it is stopped or paused.

        Raises:
            WaitTimeoutError: it is not within `timeout`; it goes on all the same.
            PlanNotFoundError: it was deleted meanwhile.
        """
        try:
            return self._outcome.result(None if timeout is None else timeout.total_seconds())
        except FutureTimeoutError:
            raise WaitTimeoutError(
                f"plan {self.plan_id} has not come to rest within {timeout}; it goes on, wait for it again"
            ) from None

    def done(self) -> bool:
        """Whether it has come to rest."""
        return self._outcome.done()

    def on_done(self, callback: Callable[[PlanFuture], None]) -> None:
        """Have `callback` called once with this future; at once if it is done. It must not block."""
        self._outcome.add_done_callback(lambda _: callback(self))


class Futures:
    """Those that are waited for in this process.

    Commits of our own executor resolve them without a query. While there are any, a thread asks the database
    each second for what other executors did, with one statement for all of them.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waited: dict[UUID, Future[PlanView]] = {}
        self._stored: set[UUID] = set()
        self._lock = threading.Lock()
        self._seen: dict[UUID, int] = {}
        self._poller = Poller("plan-futures", waits=lambda: bool(self._stored), look=self._look_at_changed)

    def of(self, plan_id: UUID) -> PlanFuture:
        """Return the future of a plan; equal plans share one.

        Ask for it before the plan is stored, lest its end is missed, and call `stored` afterwards.
        """
        with self._lock:
            return PlanFuture(plan_id, self._waited.setdefault(plan_id, Future()))

    def stored(self, plan_id: UUID) -> None:
        """From now on look for the plan in the database too."""
        with self._lock:
            if plan_id in self._waited:
                self._stored.add(plan_id)
        self._poller.wake()

    def committed(self, plans: Iterable[PlanRecord]) -> None:
        """Resolve those that came to rest; called after each commit."""
        if self._waited:
            for plan in plans:
                if plan.id in self._waited:
                    self._look_at(PlanView.of(plan))

    def look(self, plan_id: UUID) -> None:
        """Ask the database about one plan: it may have been at rest all along."""
        try:
            self._look_at(PlanView.of(self._store.plan(plan_id)))
        except PlanNotFoundError as missing:
            outcome = self.forget(plan_id)
            if outcome is not None:
                outcome.set_exception(missing)

    def forget(self, plan_id: UUID) -> Future[PlanView] | None:
        """Wait no more for a plan: it is at rest, or not there; return what was waited on."""
        with self._lock:
            self._stored.discard(plan_id)
            return self._waited.pop(plan_id, None)

    def close(self) -> None:
        """Ask no more; what is not resolved by then stays so."""
        self._poller.stop()

    def _look_at(self, view: PlanView) -> None:
        outcome = self.forget(view.id) if view.at_rest else None
        if outcome is not None:
            outcome.set_result(view)

    def _look_at_changed(self) -> None:
        with self._lock:
            waited = list(self._stored)
        versions = dict(self._store.versions(waited))
        for plan_id in waited:
            if plan_id not in versions or versions[plan_id] != self._seen.get(plan_id):
                self.look(plan_id)
        self._seen = versions
