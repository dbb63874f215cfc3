"""Hosts, their facts, and asking which are there."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field, RootModel

from mcoflow.domain.ids import HOST_AS_WRITTEN, host_id
from mcoflow.domain.presence import Presence
from mcoflow.errors import InputInvalidError
from webui.api.v1.shapes.base import Answer, Moment, Next, Paged, Sent, Text

MAX_HOSTS = 20_000
MAX_WINDOW = 60.0


class HostLinks(Answer):
    """Where there is more of a host; `page` is for people."""

    self: str
    facts: str
    page: str


class HostLine(Answer):
    """A host in a list. `clock_ahead_s`: how far its clock is ahead of ours, in seconds."""

    name: str
    presence: Presence
    simulated: bool
    collectives: tuple[str, ...]
    version: Annotated[str, Field(description="of its agent")]
    executing: Annotated[int, Field(description="requests that it works on")]
    first_seen: Moment
    last_seen: Moment
    clock_ahead_s: float
    warnings: Annotated[tuple[str, ...], Field(description="what people should do something about")]
    links: HostLinks


class Host(HostLine):
    """One host. `operations`: what it can be asked for; `problems`: what it says is wrong with it."""

    system: str
    agents: tuple[str, ...]
    operations: tuple[str, ...]
    problems: tuple[str, ...]


class HostPage(Answer):
    """Hosts in order of name."""

    items: tuple[HostLine, ...]
    next: Next


class WantedHosts(Paged):
    """Which hosts."""

    q: Annotated[Text, Field(description="a part of the name")] = ""


class Facts(RootModel[dict[str, Any]]):
    """What a host told about itself."""


class Admitted(Answer):
    """The host that is let in."""

    name: str


def _name(text: str) -> str:
    try:
        return host_id(text)
    except InputInvalidError:
        raise ValueError("is no host name") from None


HostName = Annotated[str, Field(pattern=f"^{HOST_AS_WRITTEN}$"), AfterValidator(_name)]


class Question(Sent):
    """Who is asked whether it is there: a target, or hosts by name."""

    targets: Annotated[str, Field(max_length=4096, description="a target; `all` is everybody")] = ""
    hosts: Annotated[tuple[HostName, ...], Field(strict=False, max_length=MAX_HOSTS)] = ()
    window: Annotated[float, Field(ge=0.1, le=MAX_WINDOW, description="seconds to wait for answers")] = 2.0


class Answered(Answer):
    """A host that answered, and after how many milliseconds."""

    host: str
    ms: int


class DiscoveryLinks(Answer):
    """Where to ask again; `page` is for people."""

    self: str
    page: str


class Discovery(Answer):
    """Who answered. Until it is `complete` the silent may still do so.

    `offline` were not waited for; `added` answered and were not known; `foreign` so many were not asked.
    """

    id: UUID
    targets: str
    asked_at: Moment
    ended_at: Moment | None
    complete: bool
    expected: int
    answered: tuple[Answered, ...]
    offline: tuple[str, ...]
    silent: tuple[str, ...]
    added: int
    foreign: int
    problem: Annotated[str, Field(description="why nobody, or not everybody, was asked")]
    links: DiscoveryLinks
