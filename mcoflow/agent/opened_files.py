"""Opening a file to tell of its content: only what is plain, not the kernel's, and allowed by the policy."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Final, Literal

from mcoflow.agent.policy import Files, fits_any
from mcoflow.errors import OperationFailedError

_KERNEL: Final = ("/proc/", "/sys/", "/dev/")
"""To read there may take a message away from who waits for it, or tell secrets of other processes."""
_OF_THE_KERNEL: Final = "{} lies in /proc, /sys or /dev, where nothing is ever read"
_PRIVATE: Final = "not everybody may read {}, and no [file] checksum of this host's policy.toml names it"
_WRITABLE_BY_OTHERS: Final = 0o022


class Kind(StrEnum):
    """What a name stands for."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    FIFO = "fifo"
    SOCKET = "socket"
    CHARACTER_DEVICE = "character_device"
    BLOCK_DEVICE = "block_device"


KINDS: Final = {
    stat.S_IFREG: Kind.FILE,
    stat.S_IFDIR: Kind.DIRECTORY,
    stat.S_IFLNK: Kind.SYMLINK,
    stat.S_IFIFO: Kind.FIFO,
    stat.S_IFSOCK: Kind.SOCKET,
    stat.S_IFCHR: Kind.CHARACTER_DEVICE,
    stat.S_IFBLK: Kind.BLOCK_DEVICE,
}


@contextmanager
def opened(path: str, files: Files, doing: Literal["read", "checksum"]) -> Iterator[tuple[int, str]]:
    """Open a plain file; what is allowed is decided by the path that the kernel has for the open file.

    Raises:
        OperationFailedError: not_found, no_permission, not_a_file, or not_allowed that says why.
    """
    try:
        _check_plain(path)
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError as error:
        raise failure(path, error) from None
    try:
        real = os.readlink(f"/proc/self/fd/{descriptor}")  # noqa: PTH115
        if against := _against(os.fstat(descriptor), real, files, doing):
            raise OperationFailedError("not_allowed", against)
        yield descriptor, real
    except OSError as error:
        raise failure(path, error) from None
    finally:
        os.close(descriptor)


def failure(path: str, error: OSError) -> OperationFailedError:
    """Return what is said of a file that cannot be looked at."""
    reasons: dict[type[OSError], str] = {
        FileNotFoundError: "not_found",
        NotADirectoryError: "not_found",
        PermissionError: "no_permission",
    }
    return OperationFailedError(reasons.get(type(error), "unreadable"), f"{path}: {error.strerror}")


def _check_plain(path: str) -> None:
    """Before it is opened: to open a device may have effects."""
    found = os.stat(path)  # noqa: PTH116
    if not stat.S_ISREG(found.st_mode):
        kind = KINDS[stat.S_IFMT(found.st_mode)].replace("_", " ")
        raise OperationFailedError("not_a_file", f"{path} is a {kind}: only plain files can be read")
    if _is_of_the_kernel(os.path.normpath(path)) or _is_of_the_kernel(os.path.realpath(path)):
        raise OperationFailedError("not_allowed", _OF_THE_KERNEL.format(path))


def _is_of_the_kernel(path: str) -> bool:
    return f"/{path.lstrip('/')}".startswith(_KERNEL)


def _against(found: os.stat_result, real: str, files: Files, doing: Literal["read", "checksum"]) -> str:
    """Return what stands against telling of the open file; nothing if it is allowed."""
    if not stat.S_ISREG(found.st_mode) or _is_of_the_kernel(real):
        return _OF_THE_KERNEL.format(real)
    allowed = files.read if doing == "read" else files.checksum
    if allowed is None and not fits_any(files.read, real) and not _is_for_everybody(found, Path(real)):
        return _PRIVATE.format(real)
    if allowed is not None and not fits_any(allowed, real):
        return f"this host's policy.toml does not allow it: [file] {doing} has no pattern for {real}"
    if found.st_nlink > 1 and not _is_trusted(Path(real).parent.stat(), found):
        return f"{real} is one of {found.st_nlink} names of a file, and others may have put it there"
    return ""


def _is_trusted(folder: os.stat_result, found: os.stat_result) -> bool:
    """Whether nobody else can have made a name in the folder for a file that is not his."""
    return folder.st_uid in (0, os.geteuid(), found.st_uid) and not folder.st_mode & _WRITABLE_BY_OTHERS


def _is_for_everybody(found: os.stat_result, real: Path) -> bool:
    """Whether its mode, and that of each folder above, lets anybody in."""
    way = all(folder.stat().st_mode & stat.S_IXOTH for folder in real.parents)
    return way and bool(found.st_mode & stat.S_IROTH)
