"""Start a tool from an argv list, never through a shell, and read what it prints."""

import os
import selectors
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Final, TextIO

from mcoflow.agent.output import HeadTail
from mcoflow.errors import OperationFailedError

CAP: Final = 8 * 1024 * 1024
"""Most bytes kept of one stream: a list of all packages of a large system is a tenth of it."""
_UMASK: Final = 0o022
"""The worker's own files are private; what a tool installs, or a service it starts, is not."""
_CHUNK: Final = 64 * 1024
_QUIET: Final = 0.3
"""Seconds without output after a tool's end. A service it started may hold the pipe for ever."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A tool that ended: negative exit codes are signals."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        """Both streams, one after the other."""
        return self.stdout + self.stderr


def run_tool(argv: Sequence[str], *, log: bool = False, environment: dict[str, str] | None = None) -> Ended:
    """Run a tool to its end; with `log` its output is also printed here, as it comes.

    Raises OperationFailedError `no_tool` when there is no such program.
    """
    try:
        child = subprocess.Popen(  # noqa: S603  names were checked, no shell is involved
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            umask=_UMASK,
            env={**os.environ, **(environment or {})},
        )
    except OSError as error:
        raise OperationFailedError("no_tool", f"{argv[0]} cannot be started: {error.strerror}") from error
    with child:
        stdout, stderr = _drain(child, log=log)
    return Ended(child.returncode, stdout, stderr)


def _drain(child: subprocess.Popen[bytes], *, log: bool) -> tuple[str, str]:
    kept: dict[IO[bytes], HeadTail] = {
        stream: HeadTail(CAP) for stream in (child.stdout, child.stderr) if stream
    }
    with selectors.DefaultSelector() as selector:
        for stream in kept:
            selector.register(stream, selectors.EVENT_READ)
        while selector.get_map():
            ended = child.poll() is not None
            ready = selector.select(_QUIET)
            if ended and not ready:
                break
            for key, _ in ready:
                _take(key.fileobj, kept, selector, log=log)
    stdout, stderr = (read.kept().decode("utf-8", "replace") for read in kept.values())
    return stdout, stderr


def _take(
    stream: object, kept: dict[IO[bytes], HeadTail], selector: selectors.BaseSelector, *, log: bool
) -> None:
    found = next(known for known in kept if known is stream)
    data = os.read(found.fileno(), _CHUNK)
    if not data:
        selector.unregister(found)
    kept[found].write(data)
    if log:
        _say(data, sys.stdout if found is next(iter(kept)) else sys.stderr)


def _say(data: bytes, stream: TextIO) -> None:
    """Print it where the tool did; a signal may cut a write short."""
    while data:
        data = data[os.write(stream.fileno(), data) :]
