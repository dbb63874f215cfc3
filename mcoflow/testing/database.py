"""A database of its own for each test, made in milliseconds."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from mcoflow.clock import Clock, SystemClock
from mcoflow.storage.open import open_store
from mcoflow.storage.store import SqlStore

_IN_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - files in memory, below a directory of our own
"""Where Linux keeps files that no disk ever sees: an fsync costs nothing there."""


def place() -> TemporaryDirectory[str]:
    """Return a new directory for a database, in memory if the machine can."""
    quick = _IN_MEMORY.is_dir() and os.access(_IN_MEMORY, os.W_OK)
    return TemporaryDirectory(prefix="mcoflow-", dir=_IN_MEMORY if quick else None)


@contextmanager
def quick_store(clock: Clock) -> Iterator[SqlStore]:
    """Lend a real store on an empty SQLite database; it is gone afterwards."""
    with place() as directory:
        file = Path(directory, "mcoflow.db")
        file.write_bytes(_empty_database())
        with closing(open_store(f"sqlite:///{file}", clock, migrate=False)) as store:
            yield store


@functools.cache
def _empty_database() -> bytes:
    """Return a database that was brought up to date, once for all tests of this process."""
    with place() as directory:
        file = Path(directory, "empty.db")
        open_store(f"sqlite:///{file}", SystemClock()).close()
        return file.read_bytes()
