"""One world: the queues, bindings and takers of all connectors of one prefix in this process."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import ClassVar, Final

from connectors.kombu.kombu_wire import Taken, Wire
from mcoflow.errors import TopologyMismatchError
from mcoflow.ports.bus import Census, Inlet, Parcel, Receipt, Source
from mcoflow.wire.topology import Argument, Arguments, Binding, Exchange, Queue, Route

_MAX_LENGTH: Final = "x-max-length"


@dataclass(slots=True, eq=False)
class Tap:
    """Who takes from a queue. `ring` is called when there may be something, from any thread."""

    queue: str
    source: Source
    inlet: Inlet
    prefetch: int
    ring: Callable[["Tap"], None]
    held: int = 0  #: unsettled
    rung: bool = False  #: a ring is under way


@dataclass(slots=True)
class _Known:
    """A declared queue."""

    arguments: Arguments
    keys: set[tuple[str, str]] = field(default_factory=set)


class World:
    """A register beside kombu's queues. Every method may be called from any thread."""

    _all: ClassVar[dict[str, "World"]] = {}
    _all_lock: ClassVar = threading.Lock()

    def __init__(self, prefix: str) -> None:
        self._prefix, self._members = prefix, 0
        self._lock = threading.RLock()
        self._wire = Wire()
        self._exchanges: dict[str, Exchange] = {}
        self._queues: dict[str, _Known] = {}
        self._bound: dict[tuple[str, str], dict[str, None]] = {}
        self._taps: dict[str, list[Tap]] = {}

    @classmethod
    def enter(cls, prefix: str) -> "World":
        """Join the world of this prefix; the first to come makes it."""
        with cls._all_lock:
            world = cls._all.get(prefix) or cls(prefix)
            cls._all[prefix] = world
            world._members += 1
            return world

    def leave(self) -> None:
        """Leave; the last to go takes the queues with it, as the end of the process would."""
        with self._all_lock:
            self._members -= 1
            if self._members:
                return
            del self._all[self._prefix]
        self.delete(list(self._queues))
        self._wire.close()

    # -- the register ------------------------------------------------------------------------------------

    def declare(
        self, exchanges: Iterable[Exchange], queues: Iterable[Queue], bindings: Iterable[Binding]
    ) -> None:
        """Declare; TopologyMismatchError when something exists with other arguments."""
        with self._lock:
            for exchange in exchanges:
                self._exchanges[exchange.name] = exchange
            fresh = [queue.name for queue in queues if self._declare(queue)]
            for binding in bindings:
                self._bound.setdefault((binding.exchange, binding.key), {})[binding.queue] = None
                self._queues[binding.queue].keys.add((binding.exchange, binding.key))
            for name in fresh:
                self.ring(name)

    def delete(self, names: Iterable[str]) -> None:
        """Delete queues and what is in them."""
        with self._lock:
            for name in names:
                known = self._queues.pop(name, None)
                for key in known.keys if known else ():
                    self._bound[key].pop(name, None)
                self._wire.delete(name)
                self.ring(name)

    def has(self, queue: str) -> bool:
        """Tell whether a queue is declared."""
        return queue in self._queues

    def census(self, queue: str) -> Census | None:
        """Count what waits and who takes; None: no such queue."""
        with self._lock:
            if queue not in self._queues:
                return None
            return Census(self._wire.count(queue), len(self._taps.get(queue, ())))

    def retire(self, queue: str) -> bool:
        """Delete a queue if it is empty and unused; True if it is gone."""
        with self._lock:
            census = self.census(queue)
            if census is not None and (census.messages or census.consumers):
                return False
            self.delete([queue])
            return True

    def _declare(self, queue: Queue) -> bool:
        known = self._queues.get(queue.name)
        if known is None:
            self._wire.make(queue.name)  # before anybody sees it
            self._queues[queue.name] = _Known(queue.arguments)
            return True
        if known.arguments != queue.arguments:
            raise TopologyMismatchError(
                f"declare queue {queue.name}: it exists with other arguments; nothing was deleted: "
                f"`mcoflow bus rebuild {queue.name}` makes it anew"
            )
        return False

    # -- taking ------------------------------------------------------------------------------------------

    def add(self, tap: Tap) -> None:
        """Let somebody take from a queue, which may be declared later."""
        with self._lock:
            self._taps.setdefault(tap.queue, []).append(tap)
        tap.ring(tap)

    def remove(self, tap: Tap) -> None:
        """Undo add."""
        with self._lock:
            taps = self._taps.get(tap.queue, [])
            if tap in taps:
                taps.remove(tap)

    def ring(self, queue: str) -> None:
        """Wake who takes from a queue."""
        for tap in tuple(self._taps.get(queue, ())):
            tap.ring(tap)

    # -- putting -----------------------------------------------------------------------------------------

    def publish(self, wire: Wire, route: Route, parcel: Parcel) -> Receipt:
        """Put a parcel into every queue that is bound, on the caller's own wire."""
        queues = self._route(route.exchange, route.key)
        if not queues:
            return "unroutable" if route.mandatory else "confirmed"
        refused = False
        for queue in queues:
            refused = not self._put(wire, queue, parcel) or refused
        return "refused" if refused else "confirmed"

    def bury(self, wire: Wire, queue: str, taken: Taken) -> None:
        """Settle a rejected message: to the dead letters, if its queue has any."""
        exchange = self._argument(queue, "x-dead-letter-exchange")
        for grave in self._route(str(exchange), "") if exchange else ():
            wire.put_dead(grave, taken, "rejected")
            self.ring(grave)
        taken.ack()

    def _put(self, wire: Wire, queue: str, parcel: Parcel) -> bool:
        limit = self._argument(queue, _MAX_LENGTH)
        if isinstance(limit, int) and wire.count(queue) >= limit:
            if self._argument(queue, "x-overflow") == "reject-publish":
                return False
            oldest = wire.take(queue)
            if oldest is not None:
                oldest.ack()
        wire.put(queue, parcel)
        self.ring(queue)
        return True

    def _route(self, exchange: str, key: str) -> tuple[str, ...]:
        known = self._exchanges.get(exchange)
        if known is None:
            return ()
        bound = self._bound.get((exchange, key))
        if not bound and known.type == "topic":  # the only patterns of the topology are `word.*`
            bound = self._bound.get((exchange, f"{key.partition('.')[0]}.*"))
        if bound:
            return tuple(bound)
        alternate = known.arguments.get("alternate-exchange")
        return self._route(str(alternate), "") if alternate else ()

    def _argument(self, queue: str, name: str) -> Argument | None:
        known = self._queues.get(queue)
        return known.arguments.get(name) if known else None
