"""The daemon's own directory: private to its user, and used by one daemon at a time."""

import fcntl
import os
from pathlib import Path
from typing import Final

from mcoflow.errors import ConfigError

LOCK: Final = "lock"
JOURNAL: Final = "journal.db"
RESERVE: Final = "reserve"
WORK: Final = "work"
OUTPUT: Final = "output"


class StateDir:
    """A state directory, held from `take` to `release`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: int | None = None

    @property
    def journal(self) -> Path:
        """The journal's file."""
        return self.path / JOURNAL

    @property
    def reserve(self) -> Path:
        """The file that is deleted when the disk is full."""
        return self.path / RESERVE

    @property
    def work(self) -> Path:
        """Where each job has a directory of its own."""
        return self.path / WORK

    @property
    def output(self) -> Path:
        """Where what was printed is kept as long as the journal knows the request."""
        return self.path / OUTPUT

    def take(self) -> None:
        """Make the directory if need be and hold it; raise ConfigError if that must not or cannot be."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._check_owner()
            self.work.mkdir(mode=0o700, exist_ok=True)
            lock = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigError(f"[agent] state_dir {self.path} cannot be used: {error.strerror}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(lock, 32, 0).decode("ascii", "replace").strip()
            os.close(lock)
            raise ConfigError(
                f"another agent (pid {holder or 'unknown'}) uses {self.path}: "
                "stop it, or give this one a [agent] state_dir of its own"
            ) from None
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode("ascii"), 0)
        self._lock = lock

    def release(self) -> None:
        """Let another daemon have it."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _check_owner(self) -> None:
        found = self.path.stat()
        if found.st_uid != os.geteuid():
            raise ConfigError(f"[agent] state_dir {self.path} belongs to another user: chown it to this one")
        if found.st_mode & 0o022:
            raise ConfigError(
                f"[agent] state_dir {self.path} can be written by others: chmod 700 {self.path}"
            )


def sync_directory(path: Path) -> None:
    """Make the names in a directory survive a power loss."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
