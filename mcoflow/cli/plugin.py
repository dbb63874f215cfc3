"""`mcoflow plugin`: begin an agent plug-in of your own."""

import re
from pathlib import Path
from typing import Final

import click

from mcoflow.cli.in_order import InOrder
from mcoflow.cli.shell import Shell, shared_options

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")


@click.group(cls=InOrder)
def plugin() -> None:
    """Write agent plug-ins: operations of your own."""


@plugin.command()
@click.argument("name")
@click.argument("folder", required=False, type=click.Path(path_type=Path), metavar="[DIR]")
@shared_options
@click.pass_obj
def new(shell: Shell, name: str, folder: Path | None) -> None:
    """Write a package with the agent NAME, one operation and its test into DIR, which must be new or empty.

    DIR is mcoflow-NAME unless you name another.

    \b
    Example:
      mcoflow plugin new backlog
      cd mcoflow-backlog && pip install -e . && pytest
    """
    from mcoflow.agent.catalogue import BUILT_IN
    from mcoflow.cli.plugin_template import files_of

    if _NAME.fullmatch(name) is None:
        raise click.UsageError(f"{name!r} is no name of an agent: 1 to 32 of a-z 0-9 _ after a letter")
    if name in BUILT_IN:
        raise click.UsageError(f"mcoflow has an agent {name} already: choose another name")
    target = folder or Path(f"mcoflow-{name.replace('_', '-')}")
    _make_empty(target)
    files = files_of(name)
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
