"""What mcoflow needs of a message bus. `connectors/` holds the ones we ship.

Source: the project's bus specification, chapter 1.
"""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, Protocol
from uuid import UUID

Receipt = Literal["confirmed", "unroutable", "refused", "unknown"]
"""What became of a parcel. refused: the queue is full; unknown: it may have arrived, send it again."""


# -- addresses -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request:
    """The request queue of one host."""

    host: str


@dataclass(frozen=True, slots=True)
class Ask:
    """The queue for questions to one host."""

    host: str


@dataclass(frozen=True, slots=True)
class AskAll:
    """Every host of a collective; only questions go there."""

    collective: str


@dataclass(frozen=True, slots=True)
class ToExecutor:
    """The reply queue of the executor `token`, from `host`."""

    token: str
    host: str


@dataclass(frozen=True, slots=True)
class Presence:
    """Every executor, from `host`."""

    host: str


@dataclass(frozen=True, slots=True)
class Plans:
    """The queue of new plans, which executors compete for."""


@dataclass(frozen=True, slots=True)
class Bell:
    """The doorbell of one executor."""

    token: str


Address = Request | Ask | AskAll | ToExecutor | Presence | Plans | Bell


# -- sources: what can be consumed by an executor --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Replies:
    """The reply queue of the executor `token`."""

    token: str


@dataclass(frozen=True, slots=True)
class Bells:
    """The doorbell queue of the executor `token`."""

    token: str


@dataclass(frozen=True, slots=True)
class HostRequests:
    """The request queue of a host; an executor only takes its census."""

    host: str


class Shared(StrEnum):
    """The queues that all executors share."""

    PRESENCE = "presence"
    PLANS = "plans"
    DEAD = "dead"
    STRAY = "stray"


class AgentQueue(StrEnum):
    """The two queues of a host, as they appear in deliveries to its agent."""

    REQUESTS = "agent"
    QUESTIONS = "ask"


Source = Replies | Bells | HostRequests | Shared | AgentQueue


# -- what travels ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message to send. `body` is sent as it is; a resend carries the same id and bytes."""

    address: Address
    kind: str
    message_id: UUID
    body: bytes
    request_id: UUID | None = None
    reply_to: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    ttl: timedelta | None = None
    durable: bool = True


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message received, unsettled. `tag` belongs to the connector and is opaque to everybody else."""

    source: Source
    body: bytes
    message_id: str | None
    headers: tuple[tuple[str, str], ...] = ()
    sender: str | None = None
    redelivered: bool = False
    died: str | None = None
    tag: object = field(default=None, compare=False, repr=False)


class Verdict(StrEnum):
    """What to do with a delivery."""

    ACK = "ack"  #: forget it
    REJECT = "reject"  #: to the dead letters
    RETURN = "return"  #: back to the queue


class Link(StrEnum):
    """Where the connection to the broker stands."""

    CONNECTING = "connecting"
    UP = "up"
    BLOCKED = "blocked"  #: an alarm of the broker holds publishing, consuming goes on
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class LinkReport:
    """A change of the link, with the reason in words when it is not up.

    `anew`: our queues were gone and were declared anew, so what was in queues before may be lost.
    """

    link: Link
    why: str = ""
    at: datetime | None = None
    anew: bool = False


@dataclass(frozen=True, slots=True)
class Census:
    """What stands in a queue."""

    messages: int
    consumers: int


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a bus promises by itself; what it does not is covered by timers, resends and journals."""

    confirm: bool
    mandatory: bool
    ttl: bool
    dead_letter: bool
    redelivery: bool
    multi_process: bool


Watch = Callable[[LinkReport], None]
OnReceipt = Callable[[Parcel, Receipt], None]
Inlet = Callable[[Delivery], None]


class Connector(Protocol):
    """What both sides need. Callbacks come on the connector's own threads and return within 10 ms."""

    @property
    def capabilities(self) -> Capabilities:
        """What this bus promises by itself."""

    def open(self, watch: Watch) -> None:
        """Start the threads and return at once; reports connecting, up, blocked, down(why) to `watch`."""

    def publish(self, parcels: Sequence[Parcel], on_receipt: OnReceipt) -> int:
        """Take parcels in order while the window has room, return how many; never block.

        Each parcel taken gets exactly one receipt within `confirm_timeout` (30 s), on the connector's thread;
        room is made before it is given, so a receipt may publish what is next. While the link is down or
        blocked, parcels taken wait for it. 0 is returned while the window is full, and after close.
        MessageTooLargeError is raised before anything is taken.
        """

    def settle(self, deliveries: Sequence[Delivery], verdict: Verdict) -> None:
        """Settle, from any thread. Skip deliveries of an older link: they come again."""

    def close(self, *, wait: timedelta) -> None:
        """Consume no more, await receipts for at most `wait`; what is unsettled goes back."""


class ExecutorConnector(Connector, Protocol):
    """The orchestrator's side. It owns the topology; everything here is idempotent.

    Declarations raise BusUnavailableError when the link is down, TopologyMismatchError when an object
    exists with other arguments (nothing is deleted). They block for a round trip: never call them from a
    connector's callback.
    """

    def consume(self, source: Source, inlet: Inlet, *, prefetch: int) -> None:
        """Hand over messages unacknowledged, also after each reconnect."""

    def stop_consuming(self, source: Source) -> None:
        """Undo consume; what is unsettled goes back."""

    def declare_shared(self) -> None:
        """Declare the exchanges and the shared queues; again by itself after each reconnect."""

    def declare_host(self, host: str, collectives: AbstractSet[str]) -> None:
        """Declare the two queues of a host and their bindings."""

    def declare_hosts(self, hosts: Mapping[str, AbstractSet[str]]) -> None:
        """Declare many hosts, given with their collectives; what is refused is raised after the rest."""

    def remove_host(self, host: str) -> None:
        """Delete the queues of a host and what is in them."""

    def declare_executor(self, token: str) -> None:
        """Declare reply queue and doorbell of an executor; again by itself after each reconnect."""

    def retire_executor(self, token: str) -> bool:
        """Delete reply queue and doorbell if empty and unused; True if they are gone."""

    def census(self, source: Source) -> Census | None:
        """Count messages and consumers; None: no such queue."""


class AgentConnector(Connector, Protocol):
    """The host's side. It declares nothing."""

    def attend(self, host: str, inlet: Inlet, *, prefetch: int = 50) -> None:
        """Consume both queues of the host, also after each reconnect.

        While the queues do not exist the watch hears down("not admitted: …") and it is tried again after
        1 s, later after up to 5 s; `publish` to Presence works meanwhile.
        """
