"""Space on the disk that the journal falls back on: refusals have to be written down too.

Source: the project's bus specification, 5.4.
"""

import os
import shutil
import sqlite3
from pathlib import Path
from typing import Final

SIZE: Final = 2**20
ENOUGH: Final = 2 * SIZE
"""What has to be free besides before work is taken on again."""
_FULL: Final = frozenset((sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR))


class Reserve:
    """A file of zeros in the state directory, deleted when the disk is full."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def fill(self) -> bool:
        """See to it that the file is there; False if the disk has too little room for it and for work."""
        if self._path.exists() and self._path.stat().st_size == SIZE:
            return True
        if shutil.disk_usage(self._path.parent).free < SIZE + ENOUGH:
            return False
        try:
            with self._path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, SIZE)
                os.fsync(file.fileno())
        except OSError:
            self.free()
            return False
        return True

    def free(self) -> None:
        """Give the space to the journal."""
        self._path.unlink(missing_ok=True)


def is_full(error: sqlite3.OperationalError) -> bool:
    """Tell whether the journal could not be written for want of space."""
    return error.sqlite_errorcode & 0xFF in _FULL
