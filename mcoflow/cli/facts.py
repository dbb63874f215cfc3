"""`mcoflow facts`: what hosts tell of themselves, counted over all of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from mcoflow.cli.exit_codes import ExitCode
from mcoflow.cli.failures import CommandFailedError
from mcoflow.cli.shell import Shell, shared_options

if TYPE_CHECKING:
    from mcoflow.services import Services
    from mcoflow.services.fact_counts import ValueCount


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("-t", "--target", default="", metavar="TARGET", help="Only hosts that this means.")
@click.option("-H", "--host", default="", metavar="HOST", help="All facts of this host, or those named.")
@shared_options
@click.pass_obj
def facts(shell: Shell, paths: Sequence[str], target: str, host: str) -> None:
    """Count the values of facts over all hosts, the most usual first; without PATH list the facts.

    They are what the hosts told last; `mcoflow find TARGET --live` asks them now.

    \b
    Examples:
      mcoflow facts
      mcoflow facts os.id os.version --target 'web*'
      mcoflow facts --host web1
      mcoflow facts role --output json | jq '.[] | select(.told | not).hosts'
    """
    if host and target:
        raise click.UsageError("give --host, or --target: not both")
    with shell.services() as services:
        if host:
            _of_host(shell, services, host, paths)
        elif paths:
            _values(shell, services, paths, target)
        else:
            _paths(shell, services, target)


def _paths(shell: Shell, services: "Services", target: str) -> None:
    from mcoflow.cli import render

    found = services.facts.paths(target)
    rows = [(each.path, str(each.hosts), str(each.values)) for each in found]
    shell.result(found, lambda: render.table(("fact", "hosts", "values"), rows) if rows else "")
    if not rows:
        raise CommandFailedError("no host has told any facts", ExitCode.NOT_FOUND)


def _values(shell: Shell, services: "Services", paths: Sequence[str], target: str) -> None:
    from mcoflow.cli import render

    found = [each for path in paths for each in services.facts.values(path, target)]
    rows = [(each.path, _shown(each), str(each.hosts)) for each in found]
    shell.result(found, lambda: render.table(("fact", "value", "hosts"), rows))
    unknown = [path for path in paths if not any(each.told for each in found if each.path == path)]
    if unknown:
        said = f"no host tells {', '.join(unknown)}: `mcoflow facts` lists the facts there are"
        raise CommandFailedError(said, ExitCode.NOT_FOUND)


def _of_host(shell: Shell, services: "Services", host: str, paths: Sequence[str]) -> None:
    from mcoflow.cli import render
    from mcoflow.domain.ids import host_id

    told = services.facts.of_host(host_id(host))
    found = {path: value for path, value in told.items() if not paths or _is_in(path, paths)}
    rows = [(path, _text(value)) for path, value in found.items()]
    shell.result(found, lambda: render.table(("fact", "value"), rows) if rows else "")
    if not found:
        raise CommandFailedError(f"{host} has told no such facts", ExitCode.NOT_FOUND)


def _is_in(path: str, paths: Sequence[str]) -> bool:
    return any(path == each or path.startswith(f"{each}.") for each in paths)


def _shown(count: "ValueCount") -> str:
    return _text(count.value) if count.told else "(not told)"


def _text(value: Any) -> str:
    """Return a value as it is written in a target: text bare, lists with commas."""
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return str(value)
