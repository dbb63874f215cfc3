"""Each part, made from the settings. Nothing here starts anything but the web server's socket."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING

from mcoflow.bootstrap.actions import load_actions, load_and_log
from mcoflow.bootstrap.deployment import Daemon
from mcoflow.bootstrap.settings import bus_settings, identity_of
from mcoflow.bootstrap.state import make_private
from mcoflow.clock import SystemClock
from mcoflow.config import AgentConfig, Config
from mcoflow.errors import ConfigError

if TYPE_CHECKING:
    from mcoflow.agent.settings import AgentSettings
    from mcoflow.agent.simulate import Simulation
    from mcoflow.engine.world import World
    from mcoflow.ports.observer import Observer
    from mcoflow.storage import SqlStore
    from mcoflow.telemetry import Prometheus
    from webui.server import WebServer


# -- server ----------------------------------------------------------------------------------------------


def store(config: Config) -> "SqlStore":
    """Open the database, upgrading it first; errors as open_store."""
    from mcoflow.storage import open_store

    return open_store(str(config.server.database), SystemClock(), output_cap=config.server.output_cap)


def metrics(opened: "SqlStore") -> "Prometheus":
    """Make what observes the world of this process; the database is among what it shows."""
    from mcoflow.action.registry import REGISTERED
    from mcoflow.telemetry import BacklogGauges, Prometheus

    observer = Prometheus(REGISTERED.knows)
    observer.watch(BacklogGauges(opened, SystemClock()))
    return observer


def executor_world(config: Config, opened: "SqlStore", observer: "Observer", *, embedded: bool) -> "World":
    """Make the world that runs plans; `embedded` decides on simulated hosts unless the settings do."""
    from connectors.choose import executor_connector
    from mcoflow.engine.settings import WorldSettings
    from mcoflow.engine.world import World

    load_and_log()
    admit = config.server.admit_simulated
    clock, chance = SystemClock(), SystemRandom()
    return World(
        opened,
        executor_connector(bus_settings(config.broker), clock=clock, chance=chance),
        clock=clock,
        chance=chance,
        settings=WorldSettings(
            pickup=config.server.pickup_deadline,
            admit_simulated=embedded if admit is None else admit,
            approve=config.server.admission == "approve",
        ),
        observer=observer,
    )


def client_world(config: Config, opened: "SqlStore", observer: "Observer") -> "World":
    """Make a world that plans, gives commands and rings the executors, but runs nothing."""
    from connectors.choose import executor_connector
    from mcoflow.engine.world import World

    load_and_log()
    clock, chance = SystemClock(), SystemRandom()
    connector = executor_connector(bus_settings(config.broker), clock=clock, chance=chance)
    return World(opened, connector, clock=clock, chance=chance, executor=False, observer=observer)


@contextmanager
def running_world(world: "World", end_within: timedelta) -> Iterator["World"]:
    """Start a world, and end it: running code gets `end_within`."""
    try:
        yield world.start()
    finally:
        world.terminate(timeout=end_within)


@contextmanager
def observed_executor(config: Config, opened: "SqlStore") -> Iterator["World"]:
    """Make a world that runs plans, and serve its metrics if the settings say where."""
    from mcoflow.ports.observer import NOBODY
    from mcoflow.telemetry import Endpoint

    listen = config.telemetry.listen
    if listen is None:
        yield executor_world(config, opened, NOBODY, embedded=False)
        return
    observer = metrics(opened)
    world = executor_world(config, opened, observer, embedded=False)
    observer.watch(world.gauges)
    with Endpoint(observer, listen.host, listen.port):
        yield world


def web_server(config: Config, world: "World", opened: "SqlStore", observer: "Prometheus") -> "WebServer":
    """Bind the socket of the pages; ConfigError if it cannot be had."""
    from mcoflow.services import build_services
    from webui.server import WebServer
    from webui.settings import WebSettings, session_key

    key = session_key(config.server.state_dir / "session.key")
    services = build_services(world, opened, SystemClock(), observer, broken_actions=load_actions())
    try:
        return WebServer(services, WebSettings.of(config.web, key))
    except OSError as error:
        raise ConfigError(_why_not(config, error)) from None


def _why_not(config: Config, error: OSError) -> str:
    listen = config.web.listen
    other = f"MCOFLOW_WEB_LISTEN={listen.host}:{listen.port + 1}, or [web] listen"
    if error.errno == errno.EADDRINUSE:
        return f"port {listen.port} on {listen.host} is taken by another process: choose another with {other}"
    return f"the pages cannot be served on {listen}: {error.strerror}; choose another address with {other}"


# -- hosts -----------------------------------------------------------------------------------------------


def agent_daemon(config: Config) -> Daemon:
    """Make the agent of this host; ConfigError for what its settings lack."""
    from connectors.choose import agent_connector
    from mcoflow.agent.daemon import AgentDaemon
    from mcoflow.agent.equip import equip

    clock, chance = SystemClock(), SystemRandom()
    identity = identity_of(config.agent)
    connector = agent_connector(bus_settings(config.broker), clock=clock, chance=chance)
    parts = equip(config.agent, clock)
    return AgentDaemon(
        _agent_settings(config.agent, identity, config.agent.state_dir),
        connector,
        parts.catalogue,
        parts.execution,
        {identity: parts.facts},
        clock=clock,
        chance=chance,
        ledger=parts.ledger,
    )


def simulated_hosts(config: Config, count: int, simulation: "Simulation | None" = None) -> Daemon:
    """Make simulated hosts; their journal lies beside that of the real agent."""
    from connectors.choose import agent_connector
    from mcoflow.agent.simulate import SimulatedHosts, Simulation

    clock, chance = SystemClock(), SystemRandom()
    make_private(config.agent.state_dir)
    return SimulatedHosts(
        count,
        _agent_settings(config.agent, "simulated", config.agent.state_dir / "simulated"),
        agent_connector(bus_settings(config.broker), clock=clock, chance=chance),
        simulation or Simulation(),
        clock=clock,
        chance=chance,
    )


def _agent_settings(agent: AgentConfig, identity: str, state_dir: Path) -> "AgentSettings":
    from mcoflow.agent.settings import AgentSettings

    return AgentSettings(
        identity=identity,
        state_dir=state_dir,
        collectives=agent.collectives,
        parallel=agent.parallel,
        max_waiting=agent.max_waiting,
        retention=timedelta(days=agent.retention_days),
        facts_interval=agent.facts_interval,
        presence_interval=agent.presence_interval,
        drain=agent.drain,
        output_cap=agent.output_cap,
    )
