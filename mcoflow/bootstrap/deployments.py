"""The deployments: everything in one process, or pages, executor and agent each in their own.

All are context managers: entering starts the parts in order, leaving ends them in the opposite order.
"""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from mcoflow.bootstrap import parts
from mcoflow.bootstrap.deployment import Deployment, RunningDaemon
from mcoflow.bootstrap.settings import check_trusted, identity_of, require_shared_bus
from mcoflow.bootstrap.state import held, make_private
from mcoflow.config import Config

if TYPE_CHECKING:
    from mcoflow.agent.simulate import Simulation

DRAIN: Final = timedelta(seconds=3)
"""What running operations get when `mcoflow up` is told to end: a person waits. They are taken up again."""
EXECUTOR_END: Final = timedelta(seconds=10)


@contextmanager
def embedded(
    config: Config, *, simulate: int = 0, simulation: "Simulation | None" = None
) -> Iterator[Deployment]:
    """Pages, executor and this host's agent in one process, and `simulate` simulated hosts if wanted.

    Raises:
        ConfigError: the settings forbid it; another one is up on this state directory; the port is taken.
    """
    check_trusted(config)
    with ExitStack() as stack:
        stack.enter_context(held(config.server.state_dir))
        store = stack.enter_context(closing(parts.store(config)))
        metrics = parts.metrics(store)
        world = parts.executor_world(config, store, metrics, embedded=True)
        metrics.watch(world.gauges)
        server = parts.web_server(config, world, store, metrics)
        daemons = [parts.agent_daemon(config)]
        if simulate:
            daemons.append(parts.simulated_hosts(config, simulate, simulation))
        stack.enter_context(parts.running_world(world, EXECUTOR_END))
        for daemon in daemons:
            stack.enter_context(RunningDaemon(daemon, min(DRAIN, config.agent.drain)))
        stack.enter_context(server)
        yield Deployment(
            url=server.url,
            host=identity_of(config.agent),
            simulated=simulate,
            executes=True,
            daemons=daemons,
        )


@contextmanager
def web(config: Config) -> Iterator[Deployment]:
    """Only the pages and the API; executors elsewhere run what is asked for."""
    require_shared_bus(config, "web")
    check_trusted(config)
    with ExitStack() as stack:
        make_private(config.server.state_dir)
        store = stack.enter_context(closing(parts.store(config)))
        metrics = parts.metrics(store)
        world = parts.client_world(config, store, metrics)
        server = parts.web_server(config, world, store, metrics)
        stack.enter_context(parts.running_world(world, EXECUTOR_END))
        stack.enter_context(server)
        yield Deployment(url=server.url)


@contextmanager
def executor(config: Config) -> Iterator[Deployment]:
    """Only the executor: it runs plans and sends requests to hosts."""
    require_shared_bus(config, "executor")
    check_trusted(config)
    with ExitStack() as stack:
        make_private(config.server.state_dir)
        store = stack.enter_context(closing(parts.store(config)))
        world = stack.enter_context(parts.observed_executor(config, store))
        stack.enter_context(parts.running_world(world, EXECUTOR_END))
        yield Deployment(executes=True)


@contextmanager
def agent(
    config: Config, *, simulate: int = 0, simulation: "Simulation | None" = None
) -> Iterator[Deployment]:
    """Only the agent of this host; with `simulate` that many simulated hosts instead of it."""
    require_shared_bus(config, "agent")
    check_trusted(config)
    daemon = parts.simulated_hosts(config, simulate, simulation) if simulate else parts.agent_daemon(config)
    with RunningDaemon(daemon, config.agent.drain):
        host = "" if simulate else identity_of(config.agent)
        yield Deployment(host=host, simulated=simulate, daemons=[daemon])
