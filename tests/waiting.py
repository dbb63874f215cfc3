"""Waiting for something that another thread or process does, with a deadline instead of a guess."""

import threading
import time
from collections.abc import Callable
from math import inf
from typing import TypeVar

T = TypeVar("T")


def until(look: Callable[[], T], what: str, *, within: float = 10.0) -> T:
    """Return what `look` returns as soon as it is true; fail naming `what` after `within` seconds."""
    deadline = time.monotonic() + within
    pause = threading.Event()
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what}: not there after {within} s"
        pause.wait(0.02)
    return found


def quickest(measure: Callable[[], float], below: float, tries: int = 6) -> float:
    """Measure again until it is below the bound; return the smallest: a busy machine is nobody's fault."""
    smallest = inf
    for _ in range(tries):
        smallest = min(smallest, measure())
        if smallest < below:
            break
    return smallest
