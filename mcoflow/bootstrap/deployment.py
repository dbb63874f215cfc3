"""What runs in this process, as the command that started it sees it."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Final, Protocol, Self

from mcoflow.errors import McoflowError

KILLED_WITHIN: Final = timedelta(seconds=12)
"""How long after its drain an agent may take to kill what runs and to send its last results."""


class Daemon(Protocol):
    """An agent, of this host or of simulated ones."""

    def start(self) -> None:
        """Start."""

    def stop(self, drain: timedelta | None = None) -> None:
        """Begin to end."""

    def wait(self, wait: timedelta | None = None) -> bool:
        """Wait for the end; raise what ended it unexpectedly."""

    def reload(self) -> None:
        """Read the facts again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """The parts that run in this process: where the pages are, which hosts it speaks for, what it uses."""

    url: str = ""
    host: str = ""
    simulated: int = 0
    executes: bool = False
    daemons: Sequence[Daemon] = ()

    def check(self) -> None:
        """Raise what ended a part that nobody told to end."""
        for daemon in self.daemons:
            if daemon.wait(timedelta(0)):
                raise McoflowError("the agent of this process has ended, nobody knows why")

    def reload(self) -> None:
        """Read again what may change while we run: the facts of the host."""
        for daemon in self.daemons:
            daemon.reload()


class RunningDaemon(AbstractContextManager["RunningDaemon"]):
    """An agent from its start to its end; what runs gets `drain` to finish."""

    def __init__(self, daemon: Daemon, drain: timedelta) -> None:
        self._daemon, self._drain = daemon, drain

    def __enter__(self) -> Self:
        self._daemon.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._daemon.stop(self._drain)
        self._daemon.wait(self._drain + KILLED_WITHIN)
