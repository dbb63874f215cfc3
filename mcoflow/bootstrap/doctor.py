"""What is right and wrong with this machine and its settings; every finding that is wrong has a remedy."""

import os
import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from mcoflow.bootstrap.settings import (
    bus_settings,
    check_trusted,
    identity_of,
    is_in_process,
    require_shared_bus,
)
from mcoflow.config import Config, masked
from mcoflow.errors import McoflowError
from mcoflow.ports.bus import Link, LinkReport

if TYPE_CHECKING:
    from mcoflow.services import Hosts

LINK_WITHIN: Final = 5.0
"""Seconds that a broker gets to answer."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `remedy` is empty when it is good."""

    what: str
    good: bool
    found: str
    remedy: str = ""


def examine(config: Config) -> Iterator[Finding]:
    """Look at everything that this machine may need as server and as managed host."""
    yield settings(config)
    yield from database(config)
    yield broker(config)
    yield from host(config)
    yield port(config)


def examine_agent(config: Config) -> Iterator[Finding]:
    """Look at what `mcoflow agent` needs on this host."""
    yield settings(config)
    yield bus_of_agent(config)
    yield from host(config)
    yield plugins(config)


# -- server ----------------------------------------------------------------------------------------------


def settings(config: Config) -> Finding:
    """Whether the settings may be trusted; that they can be read is known already."""
    where = str(config.source or "defaults, there is no broker.cfg")
    try:
        check_trusted(config.source)
    except McoflowError as error:
        return Finding("settings", False, where, str(error))
    return Finding("settings", True, where)


def database(config: Config) -> Iterator[Finding]:
    """The database, its schema, and who works with it."""
    from mcoflow.bootstrap.client import client

    shown = masked(str(config.server.database))
    try:
        with client(config) as services:
            yield Finding("database", True, f"{shown}, its schema is that of this release")
            yield _executors(services.health.checks()["executor"])
            yield _agent_here(config, services.hosts)
    except McoflowError as error:
        yield Finding("database", False, shown, str(error))


def _executors(found: str) -> Finding:
    if found == "ok":
        return Finding("executors", True, "at least one is alive")
    return Finding("executors", False, found, "start `mcoflow up`, or `mcoflow executor`")


def _agent_here(config: Config, hosts: "Hosts") -> Finding:
    """Whether the server hears of an agent on this machine."""
    from mcoflow.services.views import Presence

    identity = identity_of(config.agent)
    found = hosts.presence([identity])[identity]
    if found is Presence.ONLINE:
        return Finding("agent", True, f"{identity} is online")
    word = f"is {found}" if found else "was never heard of"
    return Finding("agent", False, f"{identity} {word}", "start `mcoflow up`, or `mcoflow agent` on it")


def broker(config: Config) -> Finding:
    """Whether the broker takes us."""
    shown = masked(str(config.broker.url))
    if is_in_process(config.broker):
        return Finding("broker", True, f"{shown}, inside the process of `mcoflow up`")
    try:
        report = _link(config)
    except McoflowError as error:
        return Finding("broker", False, shown, str(error))
    if report.link is Link.UP:
        return Finding("broker", True, shown)
    why = report.why or f"no answer within {LINK_WITHIN:.0f} s"
    return Finding("broker", False, f"{shown}: {why}", "start RabbitMQ there, or correct [broker] url")


def bus_of_agent(config: Config) -> Finding:
    """Whether there is a broker that an agent of its own can use."""
    try:
        require_shared_bus(config, "agent")
    except McoflowError as error:
        return Finding("broker", False, masked(str(config.broker.url)), str(error))
    return broker(config)


def _link(config: Config) -> LinkReport:
    """Connect, and return the first report that says how it went."""
    from connectors.choose import executor_connector

    settled, last = threading.Event(), [LinkReport(Link.CONNECTING)]

    def watch(report: LinkReport) -> None:
        last[0] = report
        if report.link is not Link.CONNECTING:
            settled.set()

    connector = executor_connector(bus_settings(config.broker))
    connector.open(watch)
    settled.wait(LINK_WITHIN)
    report = last[0]
    connector.close(wait=timedelta(0))
    return report


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


# -- managed host ----------------------------------------------------------------------------------------


def host(config: Config) -> Iterator[Finding]:
    """What the agent finds on this machine."""
    from mcoflow.agent.init_system import InitSystem, chosen_init

    apt = shutil.which("apt-get")
    remedy = "" if apt else "only Debian's apt is known to this release"
    yield Finding("packages", bool(apt), apt or "no apt-get", remedy)
    init = chosen_init(config.agent.init)
    known = init is not InitSystem.NONE
    yield Finding("services", known, str(init), "" if known else "services cannot be restarted here")
    root = os.geteuid() == 0
    remedy = "" if root else "packages and services need root: start the agent as root"
    yield Finding("rights", root, "root" if root else f"user {os.geteuid()}", remedy)
    yield _state_dir(config)


def _state_dir(config: Config) -> Finding:
    """Whether the agent's journal can be kept where the settings say; nothing is made."""
    path = config.agent.state_dir
    nearest = next(each for each in (path, *path.parents) if each.exists())
    if not os.access(nearest, os.W_OK | os.X_OK):
        return Finding("journal", False, f"{nearest} cannot be written", "set [agent] state_dir, or chown it")
    return Finding("journal", True, str(path))


def plugins(config: Config) -> Finding:
    """Whether the agents named in the settings can be loaded."""
    from mcoflow.agent.catalogue import LoadedCatalogue

    broken = LoadedCatalogue(config.agent.agents).broken()
    if broken:
        return Finding("plug-ins", False, "; ".join(broken), "mend them, or take them out of [agent] agents")
    return Finding("plug-ins", True, ", ".join(config.agent.agents))
