"""What a server needs: the database, somebody who works with it, and the port of the pages."""

import socket
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mcoflow.bootstrap.finding import Finding
from mcoflow.bootstrap.settings import identity_of
from mcoflow.config import Config, masked
from mcoflow.errors import McoflowError

if TYPE_CHECKING:
    from mcoflow.services import Hosts
    from mcoflow.services.views import ExecutorView


def database(config: Config, *, agent: bool, executors: bool = True) -> Iterator[Finding]:
    """The database, its schema, and who works with it; with `agent` whether it hears of this machine."""
    from mcoflow.bootstrap.client import client

    shown = masked(str(config.server.database))
    try:
        with client(config) as services:
            yield Finding("database", True, f"{shown}, its schema is that of this release")
            if executors:
                yield _executors(services.health.executors())
            if agent:
                yield _agent_here(config, services.hosts)
            yield from _conflicts(services.hosts)
    except McoflowError as error:
        yield Finding("database", False, shown, str(error))


def _executors(found: "Sequence[ExecutorView]") -> Finding:
    alive = [executor.name for executor in found if executor.alive]
    if alive:
        return Finding("executors", True, f"{len(alive)} alive: {', '.join(alive[:5])}")
    last = max(found, key=lambda executor: executor.last_seen, default=None)
    gone = f"; the last was {last.name}, heard of {last.last_seen:%Y-%m-%d %H:%M:%S} UTC" if last else ""
    return Finding("executors", False, f"none is alive{gone}", "start `mcoflow up`, or `mcoflow executor`")


def _conflicts(hosts: "Hosts") -> Iterator[Finding]:
    """Names that two agents have; nothing is said if there is none."""
    if found := hosts.conflicts():
        named = f"two agents have the same name: {', '.join(found[:10])}"
        remedy = "their logs say identity.conflict: set [agent] identity of one of each, and restart it"
        yield Finding("identities", False, named, remedy)


def _agent_here(config: Config, hosts: "Hosts") -> Finding:
    """Whether the server hears of an agent on this machine."""
    from mcoflow.domain.presence import Presence

    identity = identity_of(config.agent)
    found = hosts.presence([identity])[identity]
    if found is Presence.ONLINE:
        return Finding("agent", True, f"{identity} is online")
    word = f"is {found}" if found else "was never heard of"
    if found is Presence.PENDING:
        return Finding("agent", False, f"{identity} {word}", f"let it in: `mcoflow host admit {identity}`")
    return Finding("agent", False, f"{identity} {word}", "start `mcoflow up`, or `mcoflow agent` on it")


def port(config: Config) -> Finding:
    """Whether the pages can be served, or are served already."""
    listen = config.web.listen
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((listen.host, listen.port))
        except OSError as error:
            return _taken(str(listen), error)
    return Finding("port", True, f"{listen} is free")


def _taken(listen: str, error: OSError) -> Finding:
    """A port that cannot be had is good if it is mcoflow who has it."""
    from urllib.request import urlopen

    try:
        with urlopen(f"http://{listen}/healthz", timeout=2) as answer:
            if b"status" in answer.read(200):
                return Finding("port", True, f"mcoflow answers on {listen}")
    except (OSError, ValueError):
        pass
    remedy = "choose another address: [web] listen, or MCOFLOW_WEB_LISTEN"
    return Finding("port", False, f"{listen}: {error.strerror}", remedy)
