"""With which numbers commands end. Scripts rely on them: add, never change."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final


class ExitCode(IntEnum):
    """How a command ended; those from 64 on are of sysexits.h."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    UNAVAILABLE = 69
    INTERNAL = 70
    UNFINISHED = 75
    CONFIG = 78
    INTERRUPTED = 130


MEANINGS: Final[Mapping[ExitCode, str]] = {
    ExitCode.OK: "done; a task that ended with warnings counts as done, and they are printed",
    ExitCode.FAILED: "the task failed, was paused or cancelled; the command was refused; a check failed",
    ExitCode.USAGE: "the command line, a host name or a parameter is wrong; nothing was changed",
    ExitCode.NOT_FOUND: "there is no such task, host, recurrence or executor",
    ExitCode.UNAVAILABLE: "the database or the broker is away",
    ExitCode.INTERNAL: "an error in mcoflow itself",
    ExitCode.UNFINISHED: "stored, but nobody has taken it up in time: it goes on without you",
    ExitCode.CONFIG: "a setting is wrong; the message names it",
    ExitCode.INTERRUPTED: "you stopped waiting with Ctrl-C; the task goes on",
}


def table() -> str:
    """Return the codes and what they mean, for --help."""
    return "\n".join(f"  {code:>3}  {meaning}" for code, meaning in MEANINGS.items())
