"""What every command has: where the settings are, how to print, and whether to show tracebacks."""

import getpass
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mcoflow.cli.plain import plain

if TYPE_CHECKING:
    from mcoflow.config import Config
    from mcoflow.services import Services

F = TypeVar("F", bound=Callable[..., Any])


@dataclass
class Shell:
    """The options that all commands share. What is printed as a result goes to stdout, all else to stderr."""

    config_file: Path | None = None
    json: bool = False
    lines: bool = False  #: one JSON document a line
    debug: bool = False
    warned: set[str] = field(default_factory=set)

    def config(self) -> "Config":
        """Read the settings; ConfigError names what is wrong with them."""
        from mcoflow.config import load_config

        return load_config(self.config_file, os.environ)

    @contextmanager
    def services(self) -> Iterator["Services"]:
        """The use cases on the database of the settings."""
        from mcoflow.bootstrap import client

        with client(self.config(), self.warn) as services:
            yield services

    def result(self, value: object, text: Callable[[], str]) -> None:
        """Print a result: as JSON if that was asked for, else what `text` returns."""
        if self.json:
            self.document(value)
        elif self.lines:
            for each in value if isinstance(value, list | tuple) else (value,):
                self.document(each)
        elif said := text():
            click.echo(said)

    def document(self, value: object) -> None:
        """Print one line of JSON, now: who reads it may wait for it."""
        click.echo(json.dumps(plain(value), ensure_ascii=False))
        sys.stdout.flush()

    def warn(self, message: str) -> None:
        """Print, once, something that is wrong and stops nothing."""
        if message not in self.warned:
            self.warned.add(message)
            self.say(f"warning: {message}")

    def say(self, message: str) -> None:
        """Print something for people that is no result."""
        click.echo(message, err=True)


def user() -> str:
    """Return who gives a command, for the history of tasks."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def wait_limit(flag: str) -> Callable[[F], F]:
    """Return the option --timeout, as `within`, of a command that waits with `flag`; see check_wait."""
    return click.option(
        "--timeout",
        "within",
        type=click.FloatRange(0.1),
        metavar="SECONDS",
        help=f"With {flag}: wait so long at most, then end with 75; the task goes on.",
    )


def check_wait(flag: str, within: float | None, *, wait: bool) -> None:
    """Refuse a --timeout where nothing is waited for: it would be thought to end the task."""
    if within is not None and not wait:
        raise click.UsageError(f"--timeout belongs to {flag}: without it nothing is waited for")


def shared_options(command: F) -> F:
    """Give a command --config, --output and --debug; they may stand before its name, too."""
    for option in (
        click.option(
            "--debug",
            is_flag=True,
            default=None,
            expose_value=False,
            callback=_debug,
            help="Show tracebacks.",
        ),
        click.option(
            "--output",
            type=click.Choice(["text", "json", "ndjson"]),
            expose_value=False,
            callback=_output,
            help="json: one JSON document on stdout; ndjson: one a line, for each of many; messages stay on "
            "stderr.",
        ),
        click.option(
            "--config",
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            expose_value=False,
            is_eager=True,  # what is looked up to read an argument is looked up there
            callback=_config,
            help="The settings. Default: $MCOFLOW_CONFIG, ./broker.cfg, ~/.config/mcoflow/broker.cfg, "
            "/etc/mcoflow/broker.cfg.",
        ),
    ):
        command = option(command)
    return command


def _debug(context: click.Context, _parameter: click.Parameter, value: bool | None) -> None:
    if value is not None:
        context.ensure_object(Shell).debug = value


def _output(context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        shell = context.ensure_object(Shell)
        shell.json, shell.lines = value == "json", value == "ndjson"


def _config(context: click.Context, _parameter: click.Parameter, value: Path | None) -> None:
    if value is not None:
        context.ensure_object(Shell).config_file = value
