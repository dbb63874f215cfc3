"""One pyinfra operation on this machine. Importing it brings gevent: only a worker may."""

import shlex
from collections.abc import Callable
from typing import Any, Final

from pyinfra.api.command import StringCommand
from pyinfra.api.config import Config
from pyinfra.api.connect import connect_all
from pyinfra.api.exceptions import PyinfraError
from pyinfra.api.inventory import Inventory
from pyinfra.api.operation import add_op
from pyinfra.api.operations import run_ops
from pyinfra.api.state import State
from pyinfra.connectors.local import LocalConnector
from pyinfra.connectors.util import CommandOutput, OutputLine, make_unix_command_for_host

from mcoflow.agent.providers.tools import Ended, run_tool

_NOT_FOR_THE_COMMAND: Final = ("_get_pty", "_timeout", "_stdin", "_success_exit_codes")


class _Connector(LocalConnector):
    """Starts pyinfra's `sh -c <command>` from an argv list, and ends when the command ends.

    The one of pyinfra puts a second shell around it, and waits until nobody holds the pipe: a service started
    by an init script, which keeps its output open, would make it wait for ever.
    """

    ended: Ended | None = None

    def run_shell_command(
        self, command: StringCommand, print_output: bool = False, print_input: bool = False, **arguments: Any
    ) -> tuple[bool, CommandOutput]:
        """Run one command; `print_output` is set for those of the operation, not for those of facts."""
        del print_input
        kept = {key: value for key, value in arguments.items() if key not in _NOT_FOR_THE_COMMAND}
        line = make_unix_command_for_host(self.state, self.host, command, **kept).get_raw_value()
        ended = run_tool(shlex.split(line), log=print_output)
        if print_output:
            self.ended = ended
        return ended.exit_code == 0, CommandOutput(_lines(ended))


def _lines(ended: Ended) -> list[OutputLine]:
    streams = (("stdout", ended.stdout), ("stderr", ended.stderr))
    return [OutputLine(name, line) for name, text in streams for line in text.splitlines()]


def run_operation(operation: Callable[..., Any], **arguments: Any) -> Ended:
    """Run one operation and return how its last command ended; exit code 0 when it had nothing to do."""
    state = State(Inventory((["@local"], {})), Config(), check_for_changes=False)
    state.print_output = True
    (host,) = state.inventory
    connector = host.connector = _Connector(state, host)
    connect_all(state)
    add_op(state, operation, **arguments)
    try:
        run_ops(state)
    except PyinfraError as error:
        if connector.ended is not None and connector.ended.exit_code:
            return connector.ended
        return Ended(1, "", f"pyinfra gave up: {error}")  # before a command, or between two
    return connector.ended or Ended(0, "", "")
