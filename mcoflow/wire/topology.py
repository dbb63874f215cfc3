"""Names, types and arguments of the exchanges and queues. Pure: connectors declare what they find here.

Source: the project's bus specification, chapter 2.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from mcoflow.domain.ids import host_token
from mcoflow.ports.bus import (
    Address,
    AgentQueue,
    Ask,
    AskAll,
    Bell,
    Bells,
    HostRequests,
    Plans,
    Presence,
    Replies,
    Request,
    Shared,
    Source,
    ToExecutor,
)

DEFAULT_PREFIX: Final = "mcoflow"
_SECOND: Final = 1_000
_DAY: Final = 86_400 * _SECOND

Argument = str | int
Arguments = Mapping[str, Argument]


@dataclass(frozen=True, slots=True)
class Exchange:
    """An exchange to declare: always durable."""

    name: str
    type: str
    arguments: Arguments = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue to declare: always durable, never exclusive, its type always said."""

    name: str
    arguments: Arguments


@dataclass(frozen=True, slots=True)
class Binding:
    """What an exchange puts into a queue; `key` is empty for a fanout."""

    exchange: str
    key: str
    queue: str


@dataclass(frozen=True, slots=True)
class Route:
    """Where a parcel is published; `mandatory`: the broker reports when nobody is bound."""

    exchange: str
    key: str
    mandatory: bool = True


@dataclass(frozen=True, slots=True)
class Topology:
    """The names under one prefix. `replicated` makes request and reply queues quorum queues."""

    prefix: str = DEFAULT_PREFIX
    replicated: bool = False

    # -- exchanges -------------------------------------------------------------------------------------

    @property
    def to_hosts(self) -> str:
        """Executors to agents: request.<host>, ask.<host>, discover.<collective>."""
        return f"{self.prefix}.to-hosts"

    @property
    def to_server(self) -> str:
        """Agents to executors: <executor>.<host>, presence.<host>."""
        return f"{self.prefix}.to-server"

    @property
    def engine(self) -> str:
        """Web and command line to executors: plans, bell.<executor>."""
        return f"{self.prefix}.engine"

    @property
    def dead(self) -> str:
        """Dead letters: the exchange and its queue."""
        return f"{self.prefix}.dead"

    @property
    def stray(self) -> str:
        """Replies to executors that are gone: the exchange and its queue."""
        return f"{self.prefix}.stray"

    def exchanges(self) -> tuple[Exchange, ...]:
        """Return all exchanges, those that others name first."""
        return (
            Exchange(self.dead, "fanout"),
            Exchange(self.stray, "fanout"),
            Exchange(self.to_hosts, "direct"),
            Exchange(self.to_server, "topic", {"alternate-exchange": self.stray}),
            Exchange(self.engine, "direct"),
        )

    # -- shared queues ---------------------------------------------------------------------------------

    def shared_queues(self) -> tuple[Queue, ...]:
        """Return the queues that all executors share."""
        quorum: Arguments = {"x-queue-type": "quorum"}
        presence = _classic(max_length=20_000, overflow="drop-head", ttl=180 * _SECOND)
        return (
            Queue(self.queue(Shared.PRESENCE), presence),
            Queue(self.queue(Shared.PLANS), quorum),
            Queue(self.queue(Shared.DEAD), quorum),
            Queue(self.queue(Shared.STRAY), quorum),
        )

    def shared_bindings(self) -> tuple[Binding, ...]:
        """Return what fills the shared queues."""
        return (
            Binding(self.to_server, "presence.*", self.queue(Shared.PRESENCE)),
            Binding(self.engine, "plans", self.queue(Shared.PLANS)),
            Binding(self.dead, "", self.queue(Shared.DEAD)),
            Binding(self.stray, "", self.queue(Shared.STRAY)),
        )

    # -- one host --------------------------------------------------------------------------------------

    def agent_queue(self, host: str, which: AgentQueue) -> str:
        """Name one of the two queues of a host."""
        return f"{self.prefix}.{which.value}.{host_token(host)}"

    def host_queues(self, host: str) -> tuple[Queue, Queue]:
        """Return the request queue and the question queue of a host."""
        requests = self._dead_lettered(max_length=1_000, expires=30 * _DAY)
        questions = _classic(max_length=16, overflow="drop-head", ttl=60 * _SECOND, expires=30 * _DAY)
        return (
            Queue(self.agent_queue(host, AgentQueue.REQUESTS), requests),
            Queue(self.agent_queue(host, AgentQueue.QUESTIONS), questions),
        )

    def host_bindings(self, host: str, collectives: Iterable[str]) -> tuple[Binding, ...]:
        """Return what fills the queues of a host: its requests, its questions, those to its collectives."""
        asked = self.agent_queue(host, AgentQueue.QUESTIONS)
        token = host_token(host)
        return (
            Binding(self.to_hosts, f"request.{token}", self.agent_queue(host, AgentQueue.REQUESTS)),
            Binding(self.to_hosts, f"ask.{token}", asked),
            *(Binding(self.to_hosts, f"discover.{name}", asked) for name in sorted(collectives)),
        )

    # -- one executor ----------------------------------------------------------------------------------

    def executor_queues(self, token: str) -> tuple[Queue, Queue]:
        """Return the reply queue and the doorbell of an executor."""
        replies = self._dead_lettered(max_length=200_000, expires=7 * _DAY)
        bell = _classic(max_length=1_000, overflow="drop-head", ttl=60 * _SECOND, expires=_DAY)
        return Queue(self.queue(Replies(token)), replies), Queue(self.queue(Bells(token)), bell)

    def executor_bindings(self, token: str) -> tuple[Binding, Binding]:
        """Return what fills the queues of an executor."""
        return (
            Binding(self.to_server, f"{token}.*", self.queue(Replies(token))),
            Binding(self.engine, f"bell.{token}", self.queue(Bells(token))),
        )

    # -- ports to names --------------------------------------------------------------------------------

    def queue(self, source: Source) -> str:
        """Name the queue behind a source; an AgentQueue needs its host, see agent_queue."""
        match source:
            case Replies(token):
                return f"{self.prefix}.reply.{token}"
            case Bells(token):
                return f"{self.prefix}.bell.{token}"
            case HostRequests(host):
                return self.agent_queue(host, AgentQueue.REQUESTS)
            case Shared():
                return f"{self.prefix}.{source.value}"
            case AgentQueue():
                raise ValueError(f"queue {source.value} belongs to a host: ask agent_queue(host, which)")

    def route(self, address: Address) -> Route:
        """Say where a parcel for the address is published."""
        match address:
            case Request(host):
                exchange, key = self.to_hosts, f"request.{host_token(host)}"
            case Ask(host):
                exchange, key = self.to_hosts, f"ask.{host_token(host)}"
            case AskAll(collective):
                return Route(self.to_hosts, f"discover.{collective}", mandatory=False)
            case ToExecutor(token, host):
                exchange, key = self.to_server, f"{token}.{host_token(host)}"
            case Presence(host):
                exchange, key = self.to_server, f"presence.{host_token(host)}"
            case Plans():
                exchange, key = self.engine, "plans"
            case Bell(token):
                exchange, key = self.engine, f"bell.{token}"
        return Route(exchange, key)

    def _dead_lettered(self, *, max_length: int, expires: int) -> Arguments:
        kind: dict[str, Argument] = {"x-queue-type": "classic"}
        if self.replicated:
            kind = {"x-queue-type": "quorum", "x-dead-letter-strategy": "at-least-once"}
        return kind | {
            "x-max-length": max_length,
            "x-overflow": "reject-publish",
            "x-dead-letter-exchange": self.dead,
            "x-expires": expires,
        }


def _classic(
    *, max_length: int, overflow: str, ttl: int | None = None, expires: int | None = None
) -> Arguments:
    """Give the arguments of a classic queue; times are milliseconds."""
    arguments: dict[str, Argument] = {
        "x-queue-type": "classic",
        "x-max-length": max_length,
        "x-overflow": overflow,
    }
    if ttl is not None:
        arguments["x-message-ttl"] = ttl
    if expires is not None:
        arguments["x-expires"] = expires
    return arguments
