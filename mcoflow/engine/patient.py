"""The director's view of the store: it waits while the database is away, instead of failing half-way."""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from mcoflow.errors import StoreUnavailableError
from mcoflow.ports.measures import STORE_ERRORS
from mcoflow.ports.observer import NOBODY, Observer
from mcoflow.ports.store import Store

log = logging.getLogger("mcoflow.store")
P = ParamSpec("P")
R = TypeVar("R")
_WAITS = (0.1, 0.2, 0.5, 1.0)


class PatientStore:
    """Calls the store's methods again until they succeed, or until give_up().

    A batch that is half applied in memory must not fail on a read: it could not be applied again.
    """

    def __init__(self, store: Store, observer: Observer = NOBODY) -> None:
        self._observer = observer
        self._given_up = threading.Event()
        self._away = ""
        self._back = threading.Event()
        self._back.set()
        self.commit = self._patiently(store.commit)
        self.waiting = self._patiently(store.waiting)
        self.claim = self._patiently(store.claim)
        self.rung = self._patiently(store.rung)
        self.count_sub_plans = self._patiently(store.count_sub_plans)
        self.known_sub_plans = self._patiently(store.known_sub_plans)
        self.give_up_unplanned = self._patiently(store.give_up_unplanned)
        self.command_sub_plans = self._patiently(store.command_sub_plans)
        self.release = self._patiently(store.release)
        self.lock_waiters = self._patiently(store.lock_waiters)
        self.action_data = self._patiently(store.action_data)
        self.open_requests = self._patiently(store.open_requests)
        self.request_bodies = self._patiently(store.request_bodies)
        self.requests = self._patiently(store.requests)
        self.timers = self._patiently(store.timers)
        self.events = self._patiently(store.events)
        self.chunks = self._patiently(store.chunks)
        self.claim_gaps = self._patiently(store.claim_gaps)
        self.outline = self._patiently(store.outline)
        self.worlds = self._patiently(store.worlds)
        self.adopt_hooks = self._patiently(store.adopt_hooks)
        self.plan = self._patiently(store.plan)
        self.snapshot = self._patiently(store.snapshot)
        self.hosts_named = self._patiently(store.hosts_named)

    def give_up(self) -> None:
        """Let calls fail with StoreUnavailableError from now on: the process ends."""
        self._given_up.set()

    def still_away(self) -> str:
        """Why the latest call waits, after it had time to be tried once more; empty when none does."""
        return "" if self._back.wait(2 * _WAITS[-1]) else self._away

    def _patiently(self, method: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(method)
        def call(*args: Any, **fields: Any) -> R:
            tries = 0
            while True:
                try:
                    answer = method(*args, **fields)
                except StoreUnavailableError as error:
                    self._away = str(error)
                    self._back.clear()
                    self._observer.counted({(STORE_ERRORS, "away"): 1})
                    log.warning("store.away", extra={"reason": str(error), "tries": tries})
                    if self._given_up.wait(_WAITS[min(tries, len(_WAITS) - 1)]):
                        raise
                    tries += 1
                else:
                    if tries:
                        self._back.set()
                        log.warning("store.back", extra={"tries": tries})
                    return answer

        return call
