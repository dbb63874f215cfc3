"""One connection that is made again for ever."""

from collections.abc import Callable
from random import Random
from typing import Final

from connectors.amqp.address import BrokerAddress
from connectors.amqp.failures import Failure
from connectors.amqp.io_thread import IoThread
from connectors.amqp.pika_wire import Wire
from mcoflow.clock import Clock
from mcoflow.ports.bus import Link

_FIRST_WAIT: Final = 0.2
_LONGEST_WAIT: Final = 5.0
_LASTING: Final = 5.0
"""Seconds after which a connection counts as good; one that is lost sooner makes the next wait longer."""


class Backoff:
    """Waits with full jitter: drawn from 0 to a ceiling that doubles with each failure.

    Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """

    def __init__(
        self,
        chance: Random,
        *,
        first: float = _FIRST_WAIT,
        longest: float = _LONGEST_WAIT,
        least: float = 0.0,
    ) -> None:
        self._chance, self._first, self._longest, self._least = chance, first, longest, least
        self._failures = 0

    def next(self) -> float:
        """Return the seconds to wait after one more failure."""
        ceiling = min(self._longest, self._first * (1 << min(self._failures, 20)))
        self._failures += 1
        return max(self._least, self._chance.random() * ceiling)

    def reset(self) -> None:
        """Begin again with short waits."""
        self._failures = 0


class ReconnectingLink:
    """Keeps one connection up. `on_up(wire)` after each login, `on_down()` when that one is lost.

    `on_change()` is called whenever `state` or `why` has changed.
    """

    def __init__(
        self,
        io: IoThread,
        address: BrokerAddress,
        name: str,
        clock: Clock,
        chance: Random,
        *,
        on_up: Callable[[Wire], None],
        on_down: Callable[[], None],
        on_change: Callable[[], None],
    ) -> None:
        self._io, self._address, self._name, self._clock = io, address, name, clock
        self._on_up, self._on_down, self._on_change = on_up, on_down, on_change
        self._backoff = Backoff(chance)
        self._wire: Wire | None = None
        self._closing, self._up_since = False, 0.0
        self.state = Link.CONNECTING
        self.why = ""

    def connect(self) -> None:
        """Begin; called once, on the thread."""
        if self._closing:
            return
        self._wire = Wire(
            self._io.loop,
            self._address,
            self._name,
            on_up=self._up,
            on_end=self._ended,
            on_blocked=self._blocked,
        )

    def close(self) -> None:
        """End the connection and make no other."""
        self._closing = True
        if self._wire is not None:
            self._wire.close()

    def drop(self) -> None:
        """Cut the connection: a blocked broker would not answer a close."""
        if self._wire is not None:
            self._wire.drop()

    @property
    def is_gone(self) -> bool:
        """Whether nothing is left to close."""
        return self._wire is None

    def _up(self, wire: Wire) -> None:
        self._up_since = self._clock.monotonic()
        self._change(Link.UP, "")
        self._on_up(wire)

    def _ended(self, _: Wire, failure: Failure) -> None:
        was_up = self.state in (Link.UP, Link.BLOCKED)
        self._wire = None
        self._change(Link.DOWN, str(failure.error(f"connection to {self._address}")))
        if was_up:
            self._on_down()
            if self._clock.monotonic() - self._up_since > _LASTING:
                self._backoff.reset()
        if not self._closing:
            self._io.later(self._backoff.next(), self.connect)

    def _blocked(self, blocked: bool) -> None:
        why = "the broker is short of memory or disk and takes no messages" if blocked else ""
        self._change(Link.BLOCKED if blocked else Link.UP, why)

    def _change(self, state: Link, why: str) -> None:
        self.state, self.why = state, why
        self._on_change()
