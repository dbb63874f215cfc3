"""Named points at which a test may break the process. Without MCOFLOW_FAULTS each is one test of None.

MCOFLOW_FAULTS is `name:kill`, `name:raise`, `name:stop` or `name:sleep=SECONDS`, each with `:N` (only the
N-th hit) or `:0.P` (with that probability) behind it if wanted; several are separated by commas.
Source: the project's reliability specification, 3.1.
"""

import os
import random
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final, NoReturn

REFUSED: Final = 78
"""The exit code of a process that is started with faults and without MCOFLOW_TESTING=1."""
_ACTIONS: Final = ("kill", "raise", "stop", "sleep")


class FaultError(Exception):
    """Raised at a fault point by `raise`; nobody expects it."""


@dataclass(slots=True)
class _Fault:
    action: str
    seconds: float
    nth: int | None
    probability: float | None
    hits: int = 0

    def due(self) -> bool:
        """Count this hit and tell whether the fault is to happen now."""
        self.hits += 1
        if self.nth is not None:
            return self.hits == self.nth
        return self.probability is None or random.random() < self.probability  # noqa: S311 - no secret


def faultpoint(name: str) -> None:
    """Do nothing, unless a test asked for a fault of this name."""
    if _passing is not None:
        _passing(name)


@contextmanager
def watched_points(watcher: Callable[[str], None]) -> Iterator[None]:
    """Have a test's own function called with the name of each point passed inside, in any thread."""
    global _passing  # noqa: PLW0603 - the points are those of the whole process
    before, _passing = _passing, watcher
    try:
        yield
    finally:
        _passing = before


def _hit(faults: Mapping[str, _Fault], name: str) -> None:
    fault = faults.get(name)
    if fault is None or not fault.due():
        return
    match fault.action:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "sleep":
            threading.Event().wait(fault.seconds)
        case _:
            raise FaultError(name)


def _parse(text: str) -> dict[str, _Fault]:
    """Read MCOFLOW_FAULTS; raise ValueError for what is no fault."""
    return dict(_parse_one(part) for part in text.split(","))


def _parse_one(text: str) -> tuple[str, _Fault]:
    name, action, *when = text.split(":")
    action, _, seconds = action.partition("=")
    if action not in _ACTIONS or len(when) > 1 or bool(seconds) != (action == "sleep"):
        raise ValueError(f"{text!r} is no fault: name:{'|'.join(_ACTIONS)}[=seconds][:n or probability]")
    often = when[0] if when else ""
    nth = int(often) if often.isdigit() else None
    probability = float(often) if often and nth is None else None
    return name, _Fault(action, float(seconds or 0), nth, probability)


def _read_environment() -> dict[str, _Fault] | None:
    text = os.environ.get("MCOFLOW_FAULTS")
    if not text:
        return None
    if os.environ.get("MCOFLOW_TESTING") != "1":
        _refuse("it breaks this process on purpose; unset it, or set MCOFLOW_TESTING=1 in a test")
    try:
        return _parse(text)
    except ValueError as error:
        _refuse(str(error))


def _refuse(why: str) -> NoReturn:
    sys.stderr.write(f"MCOFLOW_FAULTS is set: {why}\n")
    raise SystemExit(REFUSED)


_faults: Final = _read_environment()
_passing: Callable[[str], None] | None = None if _faults is None else partial(_hit, _faults)
