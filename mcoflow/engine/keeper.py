"""The heartbeat of a world, and the periodic look for what died or was forgotten."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from uuid import UUID

from mcoflow.clock import Clock
from mcoflow.domain.requests import WorldRecord
from mcoflow.engine.liveness import proven_dead
from mcoflow.engine.settings import WorldSettings
from mcoflow.errors import BusError, StoreUnavailableError
from mcoflow.faults import faultpoint
from mcoflow.ports.bus import ExecutorConnector, Inlet, Replies
from mcoflow.ports.store import Store

log = logging.getLogger("mcoflow.keeper")
REPLIES_PREFETCH = 500


class Keeper:
    """Prolongs the lease of one world, buries dead ones and takes over their reply queues.

    `on_expired` is called, on this thread, when the world was declared dead by others: its plans may be
    theirs by now.
    """

    def __init__(
        self,
        store: Store,
        connector: ExecutorConnector,
        clock: Clock,
        world: WorldRecord,
        settings: WorldSettings,
        *,
        inlet: Inlet,
        on_found: Callable[[], None],
        on_expired: Callable[[], None],
    ) -> None:
        self._store = store
        self._connector = connector
        self._clock = clock
        self._world = world
        self._settings = settings
        self._inlet = inlet
        self._on_found = on_found
        self._on_expired = on_expired
        self._stopping = threading.Event()
        self._adopted: dict[UUID, str] = {}
        self._read: set[UUID] = set()  # whose reply queues were found empty
        self._thread = threading.Thread(target=self._loop, name="keeper", daemon=True)

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def stop(self) -> None:
        """Beat no more."""
        self._stopping.set()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()
        for token in self._adopted.values():
            self._connector.stop_consuming(Replies(token))

    def _loop(self) -> None:
        reconcile_at = self._clock.monotonic() + self._settings.reconcile.total_seconds()
        while not self._stopping.wait(self._settings.heartbeat.total_seconds()):
            try:
                if not self._store.heartbeat(self._world.id, lease=self._settings.lease.total_seconds()):
                    log.warning("world.expired", extra={"world": str(self._world.id)})
                    self._on_expired()
                    return
                if self._adopted or self._clock.monotonic() >= reconcile_at or self._somebody_died():
                    self.reconcile()
                    reconcile_at = self._clock.monotonic() + self._settings.reconcile.total_seconds()
            except (StoreUnavailableError, BusError) as error:
                log.warning("keeper.waits", extra={"reason": str(error)})
            except Exception:  # whatever it is, the heart has to go on beating
                log.exception("keeper.failed")

    def _somebody_died(self) -> bool:
        """Whether a lease has run out: its plans are taken over at once, so its replies are needed soon."""
        return any(not world.alive for world in self._store.worlds())

    def reconcile(self) -> None:
        """Look for dead executors: expire them, read their replies, and forget them when nothing is left."""
        found = False
        worlds = self._store.worlds()
        for world in worlds:
            if world.alive and world.id != self._world.id and proven_dead(world.meta):
                self._store.expire_world(world.id)
                log.warning("world.dead", extra={"world": str(world.id), "meta": world.meta})
                found = True
                faultpoint("reconciler.mid")
        if found:
            worlds = self._store.worlds()
        dead = [world for world in worlds if not world.alive]
        if dead and self._is_eldest(worlds):
            awaited = self._store.awaited([world.token for world in dead])
            for world in dead:
                self._bury(world, awaited=world.token in awaited)
        if found:
            self._on_found()

    def _is_eldest(self, worlds: Sequence[WorldRecord]) -> bool:
        """Whether we bury the dead: of two who do, one could make a queue anew that nobody reads."""
        living = [world.id for world in worlds if world.alive and world.kind == self._world.kind]
        return living[:1] == [self._world.id]

    def _bury(self, world: WorldRecord, *, awaited: bool) -> None:
        """Read the reply queue until nothing awaited can come; then no longer, and a look later delete it.

        That a queue is empty says nothing of the message that gets into it at this moment: the broker
        confirms it to the agent and deletes it along. So as long as an open request names the queue, it stays
        and is read. What may be lost after that is the second copy of a reply that is in the database.
        What was under way when the reading ended goes back into the queue before it is looked at again.
        """
        replies = Replies(world.token)
        try:
            if world.id in self._adopted:
                if not awaited and self._empty(world.token):
                    self._connector.stop_consuming(replies)
                    del self._adopted[world.id]
                    self._read.add(world.id)
            elif not awaited and world.id in self._read and self._connector.retire_executor(world.token):
                self._store.unregister_world(world.id)
                self._read.discard(world.id)
            else:
                self._adopted[world.id] = world.token
                self._connector.consume(replies, self._inlet, prefetch=REPLIES_PREFETCH)
                faultpoint("recovery.queue_taken")
        except BusError as error:
            log.info("world.burial_waits", extra={"world": str(world.id), "reason": str(error)})

    def _empty(self, token: str) -> bool:
        census = self._connector.census(Replies(token))
        return census is None or census.messages == 0

    @property
    def adopted(self) -> list[str]:
        """The reply queues of dead executors that are read here."""
        return list(self._adopted.values())
