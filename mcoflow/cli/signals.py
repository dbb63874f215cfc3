"""Signals of a process that serves: taken by the main thread, one by one, instead of interrupting code."""

import faulthandler
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

LOOK: Final = 1.0
"""Seconds between two looks at whether all parts still run."""
_END: Final = frozenset({signal.SIGTERM, signal.SIGINT})
_TAKEN: Final = _END | {signal.SIGHUP}


@contextmanager
def taken() -> Iterator[None]:
    """Hold TERM, INT and HUP back for `wait_for_end`. Enter it before any thread is started: they inherit it.

    USR1 prints the stacks of all threads. Left, the signals do again what they do by default: the next one
    ends the process at once.
    """
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    signal.pthread_sigmask(signal.SIG_BLOCK, _TAKEN)
    try:
        yield
    finally:
        end_at_once_from_now_on()


def wait_for_end(*, reload: Callable[[], None], check: Callable[[], None]) -> signal.Signals:
    """Return the signal that asks for the end; `reload` is called on HUP, `check` regularly."""
    while True:
        found = signal.sigtimedwait(_TAKEN, LOOK)
        if found is not None and found.si_signo in _END:
            return signal.Signals(found.si_signo)
        if found is not None:
            reload()
        check()


def end_at_once_from_now_on() -> None:
    """Give TERM and INT their default meaning, so that a second one is not waited for."""
    for number in _END:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _TAKEN)
