"""Consuming the queues of hosts: many hosts on one channel, each let in once its queues are seen to exist.

To consume a queue that is not there closes the channel, and with it every other host's consumers. So each
queue is first looked up on a channel of its own, which may be closed at will.
"""

from collections import deque
from collections.abc import Callable
from random import Random
from typing import Final

from connectors.amqp.clerk import Clerk, Job, Step
from connectors.amqp.failures import NOT_FOUND, Failure
from connectors.amqp.intake import Consumer, Intake
from connectors.amqp.io_thread import IoThread
from connectors.amqp.link import Backoff
from connectors.amqp.pika_wire import Channel, Wire
from mcoflow.ports.bus import AgentQueue, Inlet
from mcoflow.wire.topology import Topology

_FIRST_WAIT: Final = 1.0
_LONGEST_WAIT: Final = 5.0
"""Seconds between two looks for the queues of a host: a look is cheap, and who admits a host waits for it."""
_LOOKS_A_SECOND: Final = 50
"""Thousands of simulated hosts that nobody admits must not keep the broker busy: they wait longer."""


class Attended:
    """One host, and how it stands."""

    def __init__(self, host: str, number: int, inlet: Inlet, prefetch: int, chance: Random) -> None:
        self.host, self.number, self.inlet, self.prefetch = host, number, inlet, prefetch
        longest = max(_LONGEST_WAIT, number / _LOOKS_A_SECOND)
        self.backoff = Backoff(chance, first=_FIRST_WAIT, longest=longest, least=_FIRST_WAIT)
        self.problem: str | None = ""  #: "" not known yet, None consumed

    def tag(self, queue: AgentQueue) -> str:
        """Name the consumer of one of its queues."""
        return f"{queue.value}{self.number}"


class Attendance:
    """All hosts of an agent connector. For the thread only."""

    def __init__(
        self, io: IoThread, topology: Topology, chance: Random, on_change: Callable[[], None]
    ) -> None:
        self._io, self._topology, self._chance, self._on_change = io, topology, chance, on_change
        self._hosts: dict[str, Attended] = {}
        self._by_tag: dict[str, Attended] = {}
        self._out: dict[str, Attended] = {}  # those with a problem, in order of its appearance
        self._waiting: deque[Attended] = deque()
        self._clerk = Clerk()
        self._wire: Wire | None = None
        self._intake: Intake | None = None
        self._backoff = Backoff(chance)
        self._looking = False
        self._paused = False

    # -- from the connector ------------------------------------------------------------------------------

    def attend(self, host: str, inlet: Inlet, prefetch: int) -> None:
        """Consume both queues of a host as soon as they exist. Attending a host again changes nothing."""
        if host in self._hosts:
            return
        attended = Attended(host, len(self._hosts), inlet, prefetch, self._chance)
        self._hosts[host] = attended
        for queue in AgentQueue:
            self._by_tag[attended.tag(queue)] = attended
        self._enqueue(attended)

    def link_up(self, wire: Wire) -> None:
        """Begin on a new connection."""
        self._wire = wire
        self._clerk.link_up(wire)
        self._open_channel(wire)

    def link_down(self) -> None:
        """Forget the connection that was lost."""
        self._wire = None
        self._clerk.link_down("the link to the broker was lost")
        self._looking = False

    def pause(self) -> None:
        """Hand over nothing more."""
        self._paused = True
        if self._intake is not None:
            self._intake.pause()

    @property
    def trouble(self) -> str | None:
        """Which hosts are not attended and why; "" while that is not known, None when all are."""
        if self._wire is None or self._intake is None:
            return ""
        if self._out:
            first = next(iter(self._out.values())).problem or ""
            more = len(self._out) - 1
            return f"{first} (and {more} more)" if more else first
        return "" if self._looking else None

    # -- the consuming channel ---------------------------------------------------------------------------

    def _open_channel(self, wire: Wire) -> None:
        if wire is self._wire and wire.is_open and not self._paused:
            wire.channel(lambda channel: self._opened(wire, channel), lambda _: self._ended(wire))

    def _opened(self, wire: Wire, channel: Channel) -> None:
        if wire is not self._wire:
            return
        self._intake = Intake(channel)
        channel.on_cancel(self._cancelled)
        self._waiting.clear()
        for attended in self._hosts.values():
            self._enqueue(attended)
        self._on_change()

    def _ended(self, wire: Wire) -> None:
        """All consumers are gone with the channel: open another."""
        if self._intake is not None:
            self._intake.end()
            self._intake = None
        if wire is self._wire and wire.is_open:
            self._io.later(self._backoff.next(), lambda: self._open_channel(wire))

    def _cancelled(self, tag: str) -> None:
        """The broker has deleted the queue behind a consumer."""
        attended = self._by_tag[tag]
        for queue in AgentQueue:
            if self._intake is not None:
                self._intake.cancel(attended.tag(queue))
        self._put_out(attended, Failure(NOT_FOUND, ""))

    # -- looking for queues, one host at a time ----------------------------------------------------------

    def _enqueue(self, attended: Attended) -> None:
        self._waiting.append(attended)
        self._look()

    def _look(self) -> None:
        if self._looking or not self._waiting or self._intake is None or self._paused:
            return
        attended, intake = self._waiting.popleft(), self._intake
        names = [self._topology.agent_queue(attended.host, queue) for queue in AgentQueue]
        steps = [Step(f"look for queue {name}", _inspect(name)) for name in names]
        self._looking = True
        self._clerk.submit(
            Job(
                steps,
                lambda: self._found(attended, intake),
                lambda failure, _: self._missing(attended, intake, failure),
            )
        )

    def _found(self, attended: Attended, intake: Intake) -> None:
        self._looking = False
        if intake is self._intake:
            for queue in AgentQueue:
                name = self._topology.agent_queue(attended.host, queue)
                intake.consume(name, attended.tag(queue), Consumer(queue, attended.inlet), attended.prefetch)
            attended.problem = None
            attended.backoff.reset()
            self._backoff.reset()
            self._out.pop(attended.host, None)
        self._next()

    def _missing(self, attended: Attended, intake: Intake, failure: Failure) -> None:
        self._looking = False
        if intake is self._intake and self._wire is not None and self._wire.is_open:
            self._put_out(attended, failure)
        self._next()

    def _put_out(self, attended: Attended, failure: Failure) -> None:
        attended.problem = _not_admitted(attended.host, failure)
        self._out[attended.host] = attended
        intake = self._intake
        self._io.later(attended.backoff.next(), lambda: self._try_again(attended, intake))
        self._on_change()

    def _try_again(self, attended: Attended, intake: Intake | None) -> None:
        if intake is self._intake:  # else every host is looked for anew anyway
            self._enqueue(attended)

    def _next(self) -> None:
        if self._waiting:
            self._look()
        else:
            self._on_change()


def _inspect(name: str) -> Callable[[Channel, Callable[[], None]], None]:
    return lambda channel, then: channel.inspect_queue(name, lambda _messages, _consumers: then())


def _not_admitted(host: str, failure: Failure) -> str:
    if failure.code == NOT_FOUND:
        return f"not admitted: host {host} has no queues yet; an executor makes them once it hears of it"
    return str(failure.error(f"consume the queues of {host}"))
