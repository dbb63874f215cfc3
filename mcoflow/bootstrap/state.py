"""The server's own directory, and the lock that keeps a second `mcoflow up` out of it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from mcoflow.errors import ConfigError

LOCK: Final = "up.lock"
_WRITABLE_BY_OTHERS: Final = 0o022


def make_private(path: Path) -> Path:
    """Make a directory that only we may enter, unless it is there.

    Raises:
        ConfigError: that cannot be, or others may write it: the lock, the keys and the database could be
            exchanged.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"[server] state_dir {path} cannot be made: {error.strerror}; name another one"
        ) from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise ConfigError(f"[server] state_dir {path} cannot be written by this user; name another one")
    if path.stat().st_mode & _WRITABLE_BY_OTHERS:
        raise ConfigError(f"[server] state_dir {path} can be written by others: chmod 700 {path}")
    return path


@contextmanager
def held(state_dir: Path) -> Iterator[None]:
    """Hold the directory; ConfigError, naming the holder, if another process has it."""
    lock = os.open(make_private(state_dir) / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock(lock, state_dir)
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode("ascii"), 0)
        yield
    finally:
        os.close(lock)


def _lock(lock: int, state_dir: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(lock, 32, 0).decode("ascii", "replace").strip() or "unknown"
        raise ConfigError(
            f"mcoflow is up already on {state_dir} (pid {holder}): "
            "use that one, stop it, or give this one a [server] state_dir of its own"
        ) from None
