"""`mcoflow plugin`: begin a plug-in of your own: an agent, or a provider."""

import re
from pathlib import Path
from typing import Final

import click

from mcoflow.cli.in_order import InOrder
from mcoflow.cli.shell import Shell, shared_options

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")


@click.group(cls=InOrder)
def plugin() -> None:
    """Write plug-ins: operations and providers of your own."""


@plugin.command()
@click.argument("name")
@click.argument("folder", required=False, type=click.Path(path_type=Path), metavar="[DIR]")
@click.option("--provider", is_flag=True, help="A provider of packages instead of an agent.")
@shared_options
@click.pass_obj
def new(shell: Shell, name: str, folder: Path | None, *, provider: bool) -> None:
    """Write a package with the agent NAME, one operation and its test into DIR, which must be new or empty.

    DIR is mcoflow-NAME unless you name another. With --provider it is how packages are managed on a host,
    for `provider = NAME` in its settings.

    \b
    Examples:
      mcoflow plugin new backlog
      cd mcoflow-backlog && pip install -e . && pytest
      mcoflow plugin new pacman --provider
    """
    from mcoflow.agent.catalogue import BUILT_IN as AGENTS
    from mcoflow.agent.providers.plugged import BUILT_IN as PROVIDERS
    from mcoflow.cli.plugin_template import agent_files_of
    from mcoflow.cli.provider_template import provider_files_of

    kind = "provider" if provider else "agent"
    if _NAME.fullmatch(name) is None:
        raise click.UsageError(f"{name!r} names no {kind}: 1 to 32 of a-z 0-9 _ after a letter")
    if name in (PROVIDERS if provider else AGENTS):
        raise click.UsageError(f"mcoflow has the {kind} {name} already: choose another name")
    target = folder or Path(f"mcoflow-{name.replace('_', '-')}")
    _make_empty(target)
    files = provider_files_of(name) if provider else agent_files_of(name)
    for path, text in files.items():
        (target / path).parent.mkdir(exist_ok=True)
        (target / path).write_text(text, encoding="utf-8")
    made = {"folder": str(target), "files": sorted(files)}
    shell.result(made, lambda: "\n".join(str(target / path) for path in sorted(files)))
    shell.say(f"try it: cd {target} && pip install -e . && pytest")


def _make_empty(folder: Path) -> None:
    """Make the folder; nothing that is there is ever written over."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        taken = any(folder.iterdir())
    except OSError as error:
        raise click.UsageError(f"{folder} cannot be made: {error.strerror}") from None
    if taken:
        raise click.UsageError(f"{folder} is not empty: name a folder that is new")
