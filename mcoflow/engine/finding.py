"""Who there is, as methods of the world: groups of hosts, and asking them."""

from __future__ import annotations

from abc import ABC

from mcoflow.clock import Clock
from mcoflow.engine.discoveries import Discoveries
from mcoflow.engine.executor import Executor
from mcoflow.engine.targets import Groups
from mcoflow.engine.watch import Watch
from mcoflow.ports.store import Store


class Finding(ABC):
    """The part of a world that is about its hosts."""

    _store: Store
    _clock: Clock
    _watch: Watch
    _executor: Executor | None

    @property
    def groups(self) -> Groups:
        """See Engine.groups."""
        return Groups(self._store, self._clock)

    @property
    def discoveries(self) -> Discoveries:
        """See Engine.discoveries."""
        return Discoveries(self._store, self._clock, self._watch, self._ring_discoveries)

    def _ring_discoveries(self) -> None:
        """Say that somebody is to be asked; unheard, it is found within a quarter of a second."""
        if self._executor is not None:
            self._executor.discoverer.ring()
