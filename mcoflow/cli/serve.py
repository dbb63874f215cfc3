"""Commands that serve until they are told to end: up, web, executor, agent."""

import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from mcoflow.cli import logs, signals
from mcoflow.cli.shell import Shell, shared_options
from mcoflow.errors import ConfigError

if TYPE_CHECKING:
    from mcoflow.agent.simulate import Simulation
    from mcoflow.bootstrap import Deployment
    from mcoflow.config import Config

log = logging.getLogger(__name__)
F = TypeVar("F", bound=Callable[..., Any])
COUNT: Final = click.IntRange(1, 20_000)


class _Share(click.FloatRange):
    """A share from 0 to 1, or in percent."""

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> float:
        """Read `0.01` or `1%`."""
        if isinstance(value, str) and value.endswith("%"):
            try:
                value = float(value[:-1]) / 100
            except ValueError:
                self.fail(f"{value!r} is no share: write it like 0.01 or 1%.", parameter, context)
        return float(super().convert(value, parameter, context))


SHARE: Final = _Share(0, 1)
WATCHABLE: Final = 1.5
"""Seconds that an operation of the demo takes: enough to see it on the page."""
NO_LOGIN: Final = "There is no login: whoever reaches the pages from this machine is an administrator."
NOT_SIGNED: Final = "Messages are not signed: who may publish on the broker may run what the agents allow."
NOT_ROOT: Final = "You are not root: installing packages and restarting services will fail on this machine."


_PLAY: Final = (
    click.option("--fail", type=SHARE, default=0.0, metavar="SHARE", help="Of operations that fail: 5%."),
    click.option("--silent", type=SHARE, default=0.0, metavar="SHARE", help="Of hosts that never reply."),
    click.option("--offline", type=SHARE, default=0.0, metavar="SHARE", help="Of hosts that are not there."),
    click.option("--seed", type=int, default=0, help="Of simulated chance; equal seeds play alike."),
)


def _play_options(command: F) -> F:
    """Take how simulated hosts behave; see Simulation."""
    for option in reversed(_PLAY):
        command = option(command)
    return command


def _simulation(simulate: int | None, latency: float, play: Mapping[str, Any]) -> "Simulation":
    from mcoflow.agent.simulate import Simulation

    if simulate is None and (said := [f"--{name}" for name, value in play.items() if value]):
        raise click.UsageError(f"{', '.join(said)}: only simulated hosts play: say --simulate N, too.")
    return Simulation(latency=timedelta(seconds=latency), **play)


@click.command()
@click.option("--simulate", type=COUNT, metavar="N", help="Add N simulated hosts to play with.")
@click.option(
    "--latency",
    type=click.FloatRange(0),
    default=WATCHABLE,
    show_default=True,
    metavar="SECONDS",
    help="Mean duration of what simulated hosts do.",
)
@_play_options
@shared_options
@click.pass_obj
def up(shell: Shell, /, *, simulate: int | None, latency: float, **play: Any) -> None:
    """Start everything in one process.

    Pages, executor, and an agent for this machine. Without settings it needs nothing else: tasks are kept in
    an SQLite file, the bus is in memory. Ctrl-C ends it; unfinished tasks go on with the next start.

    \b
    Examples:
      mcoflow up
      mcoflow up --simulate 5
      mcoflow up --simulate 200 --fail 5% --offline 2%
      MCOFLOW_WEB_LISTEN=127.0.0.1:8000 mcoflow up
    """
    from mcoflow import bootstrap

    simulation = _simulation(simulate, latency, play)
    terminal = sys.stderr.isatty()
    _serve(
        shell,
        lambda config: bootstrap.embedded(config, simulate=simulate or 0, simulation=simulation),
        level=lambda config: level_of_up(config, terminal=terminal),
    )


@click.command()
@shared_options
@click.pass_obj
def web(shell: Shell) -> None:
    """Serve the pages and the API. What is asked for there is run by executors elsewhere.

    It needs the database and the broker that the executors use.

    \b
    Example:
      mcoflow web --config broker.cfg
    """
    from mcoflow import bootstrap

    _serve(shell, bootstrap.web)


@click.command()
@shared_options
@click.pass_obj
def executor(shell: Shell) -> None:
    """Run tasks: send requests to hosts and take their replies. Start as many as you like.

    \b
    Example:
      mcoflow executor --config broker.cfg
    """
    from mcoflow import bootstrap

    _serve(shell, bootstrap.executor)


@click.command()
@click.option("--check", is_flag=True, help="Only test whether the agent could work here; change nothing.")
@click.option("--simulate", type=COUNT, metavar="N", help="Play the hosts sim-00001 … instead.")
@_play_options
@click.option("--latency", type=click.FloatRange(0), default=0.0, metavar="SECONDS", help="Mean duration.")
@shared_options
@click.pass_obj
def agent(shell: Shell, /, *, check: bool, simulate: int | None, latency: float, **play: Any) -> None:
    """Carry out requests on this host.

    Packages and services need root. A journal sees to it that no request is carried out twice, whatever
    dies. HUP reads the facts and the log level again, USR1 prints all stacks.

    \b
    Examples:
      mcoflow agent --config /etc/mcoflow/broker.cfg
      mcoflow agent --check
      mcoflow agent --simulate 1000 --latency 0.5 --fail 0.01
    """
    if check:
        from mcoflow.cli.doctor import check_agent

        check_agent(shell, shell.config())
        return
    from mcoflow import bootstrap

    simulation = _simulation(simulate, latency, play)
    _serve(
        shell,
        lambda config: bootstrap.agent(config, simulate=simulate or 0, simulation=simulation),
        level=lambda config: config.agent.log_level,
    )


def level_of_up(config: "Config", *, terminal: bool) -> str:
    """Return from which level on `up` logs: on a terminal only warnings, unless the settings name a level."""
    named = "log_level" in config.server.model_fields_set
    return config.server.log_level if named or not terminal else "warning"


def _serve(
    shell: Shell,
    deploy: "Callable[[Config], AbstractContextManager[Deployment]]",
    level: "Callable[[Config], str]" = lambda config: config.server.log_level,
) -> None:
    """Run a deployment until TERM or INT; a second one ends the process at once."""
    from mcoflow.bootstrap.garbage import collect_seldom

    config = shell.config()
    logs.set_up(level(config))
    with signals.taken(), deploy(config) as running:
        collect_seldom()

        def reload() -> None:
            running.reload()
            try:
                logs.set_level(level(shell.config()))
            except ConfigError as error:  # what held so far goes on to hold
                log.warning("settings.refused", extra={"why": str(error)})

        command = click.get_current_context().info_name or ""
        shell.result(_facts(config, running), lambda: "\n".join(banner(command, config, running)))
        signals.wait_for_end(reload=reload, check=running.check)
        signals.end_at_once_from_now_on()
        shell.say("mcoflow: ending; once more ends it at once")


def banner(command: str, config: "Config", running: "Deployment") -> Sequence[str]:
    """Return what a person wants to know of a deployment that has just started."""
    heading = "mcoflow is up" if command == up.name else f"mcoflow {command} is up"
    facts = [f"  {key:<9} {value}" for key, value in _facts(config, running).items() if value]
    warnings = _warnings(config, running)
    return [heading, "", *facts, "", *warnings, *([""] if warnings else []), "Ctrl-C ends it."]


def _facts(config: "Config", running: "Deployment") -> dict[str, str]:
    """Return what runs here and what it uses."""
    from mcoflow.bootstrap.settings import is_in_process
    from mcoflow.config import masked

    real = f"this machine, as {running.host}" if running.host else ""
    simulated = f"{running.simulated} simulated hosts" if running.simulated else ""
    database = running.url or running.executes
    where = " (inside this process)" if is_in_process(config.broker) else ""
    return {
        "pages": running.url,
        "agent": " and ".join(filter(None, (real, simulated))),
        "data": masked(str(config.server.database)) if database else str(config.agent.state_dir),
        "bus": masked(str(config.broker.url)) + where,
        "settings": str(config.source or "defaults (broker.cfg.example shows them)"),
    }


def _warnings(config: "Config", running: "Deployment") -> Sequence[str]:
    """Return what everybody who starts it should know."""
    from mcoflow.bootstrap.settings import is_in_process

    said = {
        NO_LOGIN: bool(running.url),
        NOT_SIGNED: not is_in_process(config.broker),
        NOT_ROOT: bool(running.host) and os.geteuid() != 0 and config.agent.provider == "pyinfra",
    }
    return [warning for warning, holds in said.items() if holds]
