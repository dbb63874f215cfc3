"""`mcoflow doctor` and `mcoflow agent --check`: what is wrong here, and what to do about it."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from mcoflow.cli.failures import CommandFailedError
from mcoflow.cli.shell import Shell, shared_options

if TYPE_CHECKING:
    from mcoflow.bootstrap.doctor import Finding
    from mcoflow.config import Config


@click.command()
@shared_options
@click.pass_obj
def doctor(shell: Shell) -> None:
    """Find out what is wrong here, and what to do.

    Settings, database and schema, broker, executors, the agent of this machine, package manager, init
    system, rights, and the port of the pages. Ends with 1 if anything is wrong.
    """
    from mcoflow.bootstrap.doctor import examine

    _print(shell, examine(shell.config()))


def check_agent(shell: Shell, config: "Config") -> None:
    """Look at what the agent needs on this host."""
    from mcoflow.bootstrap.doctor import examine_agent

    _print(shell, examine_agent(config))


def _print(shell: Shell, findings: Iterable["Finding"]) -> None:
    """Print findings as they come; fail if one is not good."""
    kept = []
    for finding in findings:
        kept.append(finding)
        if not shell.json:
            click.echo(_line(finding))
    shell.result(kept, str)
    wrong = [finding.what for finding in kept if not finding.good]
    if wrong:
        raise CommandFailedError(f"something is wrong with: {', '.join(wrong)}")


def _line(finding: "Finding") -> str:
    mark = "✓" if finding.good else "✗"
    remedy = f"\n              {finding.remedy}" if finding.remedy else ""
    return f"{mark} {finding.what:<11} {finding.found}{remedy}"
