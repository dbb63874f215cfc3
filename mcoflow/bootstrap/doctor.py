"""What is right and wrong with this machine and its settings; every finding that is wrong has a remedy."""

from collections.abc import Iterator
from datetime import UTC, datetime

from mcoflow.bootstrap import inspect_host
from mcoflow.bootstrap.actions import load_actions
from mcoflow.bootstrap.finding import Finding
from mcoflow.bootstrap.inspect_broker import broker
from mcoflow.bootstrap.inspect_server import database, port
from mcoflow.bootstrap.roles import agent_holder, last_up, roles_of, up_holder
from mcoflow.bootstrap.settings import check_trusted, identity_of, require_shared_bus
from mcoflow.config import Config, masked
from mcoflow.errors import McoflowError

__all__ = ["Finding", "examine", "examine_agent"]


def examine(config: Config) -> Iterator[Finding]:
    """Look at what this machine needs for what it is: see `roles_of`."""
    yield settings(config)
    roles = roles_of(config)
    yield Finding("role", True, roles.words)
    if roles.embedded:
        yield from _embedded(config)
        return
    if roles.server:
        yield actions()
        yield from database(config, agent=roles.agent)
        yield broker(config)
        yield port(config)
    if roles.agent:
        yield _running_agent(config)
        yield from _agent(config)


def examine_agent(config: Config) -> Iterator[Finding]:
    """Look at what `mcoflow agent` needs on this host."""
    yield settings(config)
    yield from _agent(config)


def settings(config: Config) -> Finding:
    """Whether the settings may be trusted; that they can be read is known already."""
    where = str(config.source or "defaults, there is no broker.cfg")
    try:
        check_trusted(config)
    except McoflowError as error:
        return Finding("settings", False, where, str(error))
    return Finding("settings", True, where)


def actions() -> Finding:
    """Whether the actions of all installed packages can be loaded."""
    broken = load_actions()
    if broken:
        return Finding("actions", False, "; ".join(broken), "their tasks cannot run; all others can")
    return Finding("actions", True, "those of all installed packages are loaded")


def _embedded(config: Config) -> Iterator[Finding]:
    """Everything in one process: when that one does not run, nobody else can."""
    running = up_holder(config)
    yield _up(config, running)
    yield actions()
    yield from database(config, agent=running is not None, executors=running is not None)
    yield broker(config)
    yield from inspect_host.machine(config)
    yield inspect_host.plugins(config)
    yield inspect_host.policy(config)
    yield port(config)


def _up(config: Config, running: int | None) -> Finding:
    if running is not None:
        return Finding("process", True, f"`mcoflow up` runs, pid {running or 'unknown'}")
    remedy = "start `mcoflow up`: unfinished tasks go on with it"
    before = last_up(config)
    if before is None:
        return Finding("process", False, "nothing runs here, and nothing ever did", "start `mcoflow up`")
    pid, began = before
    since = datetime.fromtimestamp(began, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return Finding(
        "process", False, f"nothing runs here; the last `mcoflow up` was pid {pid}, started {since}", remedy
    )


def _running_agent(config: Config) -> Finding:
    holder = agent_holder(config)
    if holder is None:
        return Finding("process", False, "no agent runs here", "start `mcoflow agent`")
    return Finding("process", True, f"`mcoflow agent` runs, pid {holder or 'unknown'}")


def _agent(config: Config) -> Iterator[Finding]:
    try:
        require_shared_bus(config, "agent")
        yield broker(config, host=identity_of(config.agent))
    except McoflowError as error:
        yield Finding("broker", False, masked(str(config.broker.url)), str(error))
    yield from inspect_host.machine(config)
    yield inspect_host.plugins(config)
    yield inspect_host.policy(config)
