"""Asks a broker what it lets us do, and leaves everything there as it was.

Each question is one that the broker first looks up our permission for, and then refuses because it is
malformed: 403 says that we may not, 404 that there is no such thing yet, 406 that we may.
"""

import re
import shlex
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from connectors.amqp.address import BrokerAddress, broker_address
from connectors.amqp.clerk import Clerk, Job, Step
from connectors.amqp.failures import ACCESS, NOT_FOUND, Failure
from connectors.amqp.io_thread import IoThread
from connectors.amqp.pika_wire import Channel, Wire
from mcoflow.ports.bus import AgentQueue, Presence, Shared
from mcoflow.ports.bus_settings import BusSettings
from mcoflow.wire.topology import Topology

WITHIN: Final = 5.0
"""Seconds that the broker gets for all answers."""
_START: Final = "start RabbitMQ there, or correct [broker] url"


@dataclass(frozen=True, slots=True)
class Probed:
    """What the broker said. `refused` is empty when it lets us; `remedy` is what to type then.

    `agents`: how many take requests of the host that was named, and so call themselves so.
    """

    refused: str = ""
    remedy: str = ""
    untouched: bool = False  #: no executor has made its exchanges there yet
    agents: int = 0


@dataclass(frozen=True, slots=True)
class _Role:
    """What a user of the broker is for: questions to ask, and the permissions that it needs.

    `queue`: the one whose consumers are counted, if there is one.
    """

    questions: Sequence[Step]
    configure: str
    write: str
    read: str
    note: str = ""
    queue: str = ""


def probe(settings: BusSettings, *, host: str | None = None, within: float = WITHIN) -> Probed:
    """Log in and ask for what the agent of `host` needs, or an executor if no host is named.

    Raises:
        ConfigError: the URL or a file of the settings cannot be used.
    """
    address = broker_address(
        settings.url, heartbeat=settings.heartbeat, ca=settings.ca, cert=settings.cert, key=settings.key
    )
    topology = Topology(settings.prefix, settings.replicated)
    role = _agent(topology, host) if host else _executor(topology)
    asking = _Asking(address, role)
    answers = asking.answers(within)
    refusals = [(what, failure) for what, failure in answers if not what or failure.code in ACCESS]
    if not refusals:
        untouched = any(failure.code == NOT_FOUND for _, failure in answers[:1])
        return Probed(untouched=untouched, agents=asking.consumers)
    what, failure = refusals[0]
    said = re.sub(r"^\[Errno \d+\] ", "", failure.text) or "it does not answer"
    return Probed(f"{what}: {said}" if what else said, _remedy(failure, address, role))


# -- the roles -------------------------------------------------------------------------------------------


def _agent(topology: Topology, host: str) -> _Role:
    queues = [topology.agent_queue(host, queue) for queue in AgentQueue]
    route = topology.route(Presence(host))
    return _Role(
        [
            Step(f"publish to {route.exchange}", _publish(route.exchange, route.key)),
            *(Step(f"read {queue}", _consume(queue)) for queue in queues),
        ],
        configure="^$",
        write=f"^{_literally(route.exchange)}$",
        read=f"^({'|'.join(map(_literally, queues))})$",
        note=f"  (a user that a server has too needs '{_every(topology)}' three times)",
        queue=topology.agent_queue(host, AgentQueue.REQUESTS),
    )


def _executor(topology: Topology) -> _Role:
    queue = topology.queue(Shared.PRESENCE)
    every = _every(topology)
    return _Role(
        [
            Step(f"publish to {topology.to_hosts}", _publish(topology.to_hosts, "probe")),
            Step(f"declare {topology.to_hosts}", _declare(topology.to_hosts)),
            Step(f"read {queue}", _consume(queue)),
        ],
        configure=every,
        write=every,
        read=every,
    )


def _every(topology: Topology) -> str:
    return f"^{_literally(topology.prefix)}\\."


def _literally(name: str) -> str:
    """Return a pattern that is this name; more than dots is not special in one of ours."""
    return name.replace(".", r"\.")


def _publish(exchange: str, key: str) -> Callable[[Channel, Callable[[], None]], None]:
    return lambda channel, _then: channel.ask_to_publish(exchange, key)


def _consume(queue: str) -> Callable[[Channel, Callable[[], None]], None]:
    return lambda channel, _then: channel.ask_to_consume(queue)


def _declare(exchange: str) -> Callable[[Channel, Callable[[], None]], None]:
    return lambda channel, _then: channel.ask_to_declare(exchange)


# -- asking ----------------------------------------------------------------------------------------------

Answers = list[tuple[str, Failure]]
"""What was asked, and how it was refused; the login is asked under no name."""


class _Asking:
    """One connection for the questions of a role; `consumers` of its queue: 0 if there is no such queue."""

    def __init__(self, address: BrokerAddress, role: _Role) -> None:
        self._address, self._questions, self._queue = address, role.questions, role.queue
        self.consumers = 0
        self._io = IoThread("mcoflow-amqp-probe")
        self._clerk = Clerk()
        self._answers: Answers = []
        self._complete: Future[Answers] = Future()
        self._wire: Wire | None = None

    def answers(self, within: float) -> Answers:
        """Ask, and return how each question was refused; a login that was refused alone."""
        self._io.post(self._connect)
        self._io.start([])
        try:
            return self._complete.result(within)
        except TimeoutError:
            return [("", Failure(0, f"it does not answer within {within:g} s"))]
        finally:
            self._io.post(self._close)
            self._io.stop(timedelta(seconds=1))

    def _connect(self) -> None:
        self._wire = Wire(
            self._io.loop,
            self._address,
            "mcoflow doctor",
            on_up=self._up,
            on_end=lambda _, failure: self._end([("", failure)]),
            on_blocked=lambda _: None,
        )

    def _up(self, wire: Wire) -> None:
        self._clerk.link_up(wire)
        if self._queue:  # before the questions, which are refused: the last refusal ends it
            count = Step(f"count queue {self._queue}", self._count)
            self._clerk.submit(Job([count], lambda: None, lambda _failure, _what: None))
        for question in self._questions:
            self._clerk.submit(Job([question], lambda: None, self._refused))

    def _count(self, channel: Channel, then: Callable[[], None]) -> None:
        def counted(_messages: int, consumers: int) -> None:
            self.consumers = consumers
            then()

        channel.inspect_queue(self._queue, counted)

    def _refused(self, failure: Failure, what: str) -> None:
        self._answers.append((what, failure))
        if len(self._answers) == len(self._questions):
            self._end(self._answers)

    def _end(self, answers: Answers) -> None:
        if not self._complete.done():
            self._complete.set_result(answers)

    def _close(self) -> None:
        if self._wire is not None:
            self._wire.close()


# -- what to type ----------------------------------------------------------------------------------------


def _remedy(failure: Failure, address: BrokerAddress, role: _Role) -> str:
    """Return the commands for who rules the broker, or what else is to be done."""
    vhost, user = shlex.quote(address.vhost), shlex.quote(address.user or "USER")
    rights = f"'{role.configure}' '{role.write}' '{role.read}'"
    grant = f"rabbitmqctl set_permissions -p {vhost} {user} {rights}{role.note}"
    if failure.code not in ACCESS:
        return _START
    if re.search(r"vhost .* not found", failure.text):
        return f"correct [broker] url, or type on the broker: rabbitmqctl add_vhost {vhost} && {grant}"
    if "access to" in failure.text:
        return f"type on the broker: {grant}"
    if "limit" in failure.text:
        return f"type on the broker: rabbitmqctl clear_vhost_limits -p {vhost}"
    return (
        f"correct user and password in [broker] url, or type on the broker: rabbitmqctl add_user {user} "
        f"(change_password, if it is there already) && {grant}"
    )
