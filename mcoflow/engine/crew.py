"""Who does the work of a world: by default, threads of its own."""

from __future__ import annotations

from mcoflow.clock import Clock
from mcoflow.engine.event_futures import EventFutures
from mcoflow.engine.executor import Executor
from mcoflow.engine.fleet import Fleet
from mcoflow.engine.futures import Futures
from mcoflow.engine.watch import Watch
from mcoflow.ports.store import Store


class Crew:
    """Makes the parts of a world that have threads, or wait for them; the testing kit has one without."""

    fleet = Fleet
    executor = Executor

    def watch(self, clock: Clock, *, poll: float) -> Watch:
        """Return what waits for commits."""
        return Watch(clock, poll=poll)

    def futures(self, store: Store) -> Futures:
        """Return what waits for plans to come to rest."""
        return Futures(store)

    def event_futures(self, store: Store) -> EventFutures:
        """Return what waits for events to be taken."""
        return EventFutures(store)
