"""The command line. Commands load what they need when they run, so that `--help` and lists are quick."""

from collections.abc import Sequence

import click

from mcoflow.cli.failures import end_with
from mcoflow.cli.root import root
from mcoflow.cli.shell import Shell


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    shell = Shell()
    try:
        ended = root.main(args=arguments, prog_name="mcoflow", standalone_mode=False, obj=shell)
    except (Exception, KeyboardInterrupt, click.Abort) as error:  # noqa: BLE001 - the outermost edge
        return end_with(error, shell)
    return ended if isinstance(ended, int) else 0
