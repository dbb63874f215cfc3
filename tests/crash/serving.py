"""An agent as a process of its own: its signals.

Source: the project's bus specification, 5.9.
"""

import faulthandler
import signal
from datetime import timedelta
from typing import Final, Protocol

GLANCE: Final = timedelta(seconds=0.5)


class Service(Protocol):
    """What is started, told to end, and waited for: an AgentDaemon, or SimulatedHosts."""

    def start(self) -> None:
        """Start; raise ConfigError if that cannot be."""

    def stop(self, drain: timedelta | None = None) -> None:
        """Begin to end; called again, end at once."""

    def wait(self, wait: timedelta | None = None) -> bool:
        """Wait until it has ended, and raise what ended it unexpectedly."""

    def reload(self) -> None:
        """Read again what may change while it runs."""


def serve(service: Service) -> None:
    """Start the service and stay until it has ended; for the main thread of a process.

    TERM and INT let it drain, a second one ends it at once; HUP reads the facts again; USR1 writes the
    stacks of all threads to standard error.
    """
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    service.start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: service.stop())
    signal.signal(signal.SIGHUP, lambda *_: service.reload())
    while not service.wait(GLANCE):
        continue  # a signal that the kernel gave to another thread is only heeded between two waits
