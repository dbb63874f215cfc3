"""Waiting for something that another thread or process does, with a deadline instead of a guess."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from mcoflow.testing.contracts.listening import quickest

__all__ = ["quickest", "until"]

T = TypeVar("T")


def until(look: Callable[[], T], what: str, *, within: float = 10.0) -> T:
    """Return what `look` returns as soon as it is true; fail naming `what` after `within` seconds."""
    deadline = time.monotonic() + within
    pause = threading.Event()
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what}: not there after {within} s"
        pause.wait(0.02)
    return found
