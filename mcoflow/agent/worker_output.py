"""Inside a worker: everything printed here, by us or by a tool, is drained and kept within bounds."""

import faulthandler
import os
import sys
import threading
from pathlib import Path
from typing import Final

from mcoflow.agent.output import HeadTail, readable, tail_of
from mcoflow.agent.worker_files import OUTPUT
from mcoflow.wire.kinds import TAIL_LIMIT

_CHUNK: Final = 64 * 1024
_NOTE: Final = 64
"""Bytes for the line that counts what is left out."""
_HOLDERS: Final = 0.5
"""Seconds to wait at the end for a child that still holds the pipe."""


class CaughtOutput:
    """Takes over standard output and error of this process until `end`."""

    def __init__(self, directory: Path) -> None:
        self._kept = HeadTail(TAIL_LIMIT - _NOTE)
        self._head = (directory / OUTPUT).open("wb", buffering=0)
        faulthandler.enable(os.dup(2))  # a crash is told to the agent's file, this process cannot any more
        self._source, sink = os.pipe()
        for standard in (1, 2):
            os.dup2(sink, standard)
        os.close(sink)
        self._thread = threading.Thread(target=self._drain, name="output", daemon=True)
        self._thread.start()

    def _drain(self) -> None:
        while data := os.read(self._source, _CHUNK):
            self._head.write(data[: max(0, TAIL_LIMIT - self._kept.total)])
            self._kept.write(data)

    def end(self) -> tuple[str, int, bool]:
        """Return head and tail as text, the true count of bytes, and whether something is left out."""
        sys.stdout.flush()
        sys.stderr.flush()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for standard in (1, 2):
            os.dup2(nowhere, standard)
        self._thread.join(_HOLDERS)
        return tail_of(readable(self._kept.kept()), TAIL_LIMIT), self._kept.total, self._kept.truncated
