"""Inside a worker: everything printed here, by us or by a tool, is drained and kept within bounds."""

import faulthandler
import logging
import os
import selectors
import signal
import sys
import threading
from types import FrameType
from typing import Final

from mcoflow.agent.output import HeadTail, readable, tail_of
from mcoflow.agent.printed import Recorder
from mcoflow.agent.processes import members
from mcoflow.clock import Clock
from mcoflow.wire.kinds import TAIL_LIMIT, Stream

_CHUNK: Final = 64 * 1024
_NOTE: Final = 64
"""Bytes for the line that counts what is left out."""
_HOLDERS: Final = 0.5
"""Seconds to wait at the end for a child that still holds the pipe."""
_LOOK_UP: Final = 0.2
"""Seconds without output after which the end is looked for."""
_SAVE: Final = 1.0
"""Seconds between two savings of the last bytes."""
_LOOK: Final = 0.05
"""Seconds between looks at the children that are ending."""
_OURS: Final = {Stream.STDOUT: 1, Stream.STDERR: 2}


class CaughtOutput:
    """Takes over standard output, standard error and the log of this process until `end`."""

    def __init__(self, recorder: Recorder, clock: Clock) -> None:
        self._kept = HeadTail(TAIL_LIMIT - _NOTE)
        self._recorder = recorder
        self._clock = clock
        faulthandler.enable(os.dup(2))  # a crash is told to the agent's file, this process cannot any more
        self._sources = {_pipe_to(standard): stream for stream, standard in _OURS.items()}
        source, self._log = os.pipe()
        self._sources[source] = Stream.LOG
        logging.basicConfig(
            stream=open(self._log, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False),  # noqa: SIM115  until the end
            format="%(message)s",
            level=logging.INFO,
            force=True,
        )
        self._ending = False
        self._thread = threading.Thread(target=self._drain, name="output", daemon=True)
        self._thread.start()
        signal.signal(signal.SIGTERM, self._hear_out)

    def _drain(self) -> None:
        with selectors.DefaultSelector() as selector:
            for source, stream in self._sources.items():
                selector.register(source, selectors.EVENT_READ, stream)
            saved_at = self._clock.monotonic()
            while selector.get_map():
                ready = selector.select(_LOOK_UP)
                for key, _ in ready:
                    self._take(key.fd, key.data, selector)
                if not ready and self._ending:
                    break
                if self._clock.monotonic() - saved_at >= _SAVE:
                    self._recorder.save()
                    saved_at = self._clock.monotonic()
        self._recorder.save()

    def _take(self, source: int, stream: Stream, selector: selectors.BaseSelector) -> None:
        data = os.read(source, _CHUNK)
        if data:
            self._kept.write(data)
            self._recorder.write(stream, data, self._clock.now().timestamp())
        else:
            selector.unregister(source)

    def end(self) -> tuple[str, int, bool]:
        """Return head and tail as text, the true count of bytes, and whether something is left out."""
        sys.stdout.flush()
        sys.stderr.flush()
        self._say_no_more()
        self._ending = True
        self._thread.join(_HOLDERS)
        return tail_of(readable(self._kept.kept()), TAIL_LIMIT), self._kept.total, self._kept.truncated

    def _say_no_more(self) -> None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for descriptor in (*_OURS.values(), self._log):
            os.dup2(nowhere, descriptor, inheritable=descriptor != self._log)
        os.close(nowhere)

    def _hear_out(self, number: int, _frame: FrameType | None) -> None:
        """On TERM: keep what the others of the group still say until they are gone, then die of the signal.

        One that does not go is killed by the daemon, with this process, when its grace is over.
        """
        self._say_no_more()
        while self._thread.is_alive() and members(os.getpgrp()) - {os.getpid()}:
            self._thread.join(_LOOK)
        self._ending = True
        self._thread.join(_HOLDERS)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


def _pipe_to(standard: int) -> int:
    """Put a pipe in the place of a standard stream; return the end to read from."""
    source, sink = os.pipe()
    os.dup2(sink, standard)
    os.close(sink)
    return source
