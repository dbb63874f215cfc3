"""From errors to one clear line on stderr and an exit code."""

import os
import sys
import traceback
from collections.abc import Mapping
from typing import Final

import click

from mcoflow import errors
from mcoflow.cli.exit_codes import ExitCode
from mcoflow.cli.shell import Shell

_CODES: Final[Mapping[type[Exception], ExitCode]] = {
    errors.ConfigError: ExitCode.CONFIG,
    errors.ConfigurationError: ExitCode.CONFIG,
    errors.SchemaTooNewError: ExitCode.CONFIG,
    errors.SchemaTooOldError: ExitCode.CONFIG,
    errors.PlanNotFoundError: ExitCode.NOT_FOUND,
    errors.HostNotFoundError: ExitCode.NOT_FOUND,
    errors.DiscoveryNotFoundError: ExitCode.NOT_FOUND,
    errors.RecurrenceNotFoundError: ExitCode.NOT_FOUND,
    errors.GroupNotFoundError: ExitCode.NOT_FOUND,
    errors.TargetEmptyError: ExitCode.NOT_FOUND,
    errors.TargetInvalidError: ExitCode.USAGE,
    errors.WorldNotFoundError: ExitCode.NOT_FOUND,
    errors.StoreUnavailableError: ExitCode.UNAVAILABLE,
    errors.BusError: ExitCode.UNAVAILABLE,
    errors.WaitTimeoutError: ExitCode.UNFINISHED,
    errors.FormInvalidError: ExitCode.USAGE,
    errors.InputInvalidError: ExitCode.USAGE,
    errors.UnknownActionError: ExitCode.USAGE,
    errors.ScheduleInvalidError: ExitCode.USAGE,
    errors.QueryInvalidError: ExitCode.USAGE,
}
_FIELDS: Final = {"hostname": "--host", "target": "--target", "action": "ACTION", "param": "PARAM"}
"""What the form's fields are called on the command line."""


class CommandFailedError(errors.McoflowError):
    """A command did its work, and the outcome is a failure; the message says which."""

    def __init__(self, message: str, code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(message)
        self.code = code


def end_with(error: BaseException, shell: Shell) -> ExitCode:
    """Say what went wrong and return the exit code."""
    if shell.debug and not isinstance(error, click.ClickException):
        traceback.print_exception(error)
    match error:
        case click.ClickException():
            error.show()
            return ExitCode.USAGE
        case click.Abort() | KeyboardInterrupt():
            return ExitCode.INTERRUPTED
        case BrokenPipeError():  # who read us has gone: `mcoflow task list | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return ExitCode.OK
        case errors.McoflowError():
            for line in _message(error).splitlines():
                shell.say(f"mcoflow: {line}")
            return _code(error)
    shell.say(f"mcoflow: an error in mcoflow itself: {type(error).__name__}: {error}")
    shell.say("run it again with --debug to see where, and please report it")
    return ExitCode.INTERNAL


def _code(error: errors.McoflowError) -> ExitCode:
    if isinstance(error, CommandFailedError):
        return error.code
    found = (code for kind, code in _CODES.items() if isinstance(error, kind))
    return next(found, ExitCode.FAILED)


def _message(error: errors.McoflowError) -> str:
    if isinstance(error, errors.FormInvalidError):
        return "; ".join(f"{_FIELDS.get(field, field)}: {fault}" for field, fault in error.faults.items())
    return str(error)
