"""`mcoflow db` and `mcoflow config`."""

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from mcoflow.cli.in_order import InOrder
from mcoflow.cli.shell import Shell, shared_options

if TYPE_CHECKING:
    from mcoflow.config import Config


@click.group(cls=InOrder)
def db() -> None:
    """See to the database."""


@db.command()
@shared_options
@click.pass_obj
def upgrade(shell: Shell) -> None:
    """Bring the database to the schema of this release; `up`, `web` and `executor` do it when they start."""
    from mcoflow.bootstrap.database import upgrade_database

    before, after = upgrade_database(shell.config())
    said = f"is at schema {after}" if before == after else f"went from schema {before or 'none'} to {after}"
    shell.result({"before": before, "after": after}, lambda: f"the database {said}")


@click.group(cls=InOrder)
def config() -> None:
    """See to the settings."""


@config.command()
@shared_options
@click.pass_obj
def check(shell: Shell) -> None:
    """Read the settings and show all that hold, without passwords. Ends with 78 if one is wrong.

    \b
    Examples:
      mcoflow config check
      mcoflow config check --config /etc/mcoflow/broker.cfg --output json
    """
    from mcoflow.bootstrap.settings import check_trusted

    found = shell.config()
    check_trusted(found)
    shown = _shown(found)
    shell.result({"source": found.source, **shown}, lambda: _as_file(found, shown))


def _shown(found: "Config") -> dict[str, dict[str, str]]:
    """Return all settings in words."""
    from mcoflow.config import masked

    return {
        section: {key: masked(_word(value)) for key, value in getattr(found, section)}
        for section in ("broker", "server", "web", "agent")
    }


def _word(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g} s"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _as_file(found: "Config", shown: dict[str, dict[str, str]]) -> str:
    lines = [f"# {found.source or 'no broker.cfg: these are the defaults'}"]
    for section, keys in shown.items():
        lines += ["", f"[{section}]", *(f"{key} = {value}".rstrip() for key, value in keys.items())]
    return "\n".join(lines)
