"""Packages by apt: pyinfra's operation changes, dpkg's own lists say what came of it."""

import fcntl
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pyinfra.operations import apt as pyinfra_apt

from mcoflow.agent.providers import apt
from mcoflow.agent.providers.port import Change, PackageFound, PackageMove, PackageStatus, PackageWish, Wanted
from mcoflow.agent.providers.pyinfra_run import run_operation
from mcoflow.agent.providers.tools import Ended, run_tool
from mcoflow.clock import Clock
from mcoflow.errors import OperationFailedError

DPKG_FOLDER: Final = Path("/var/lib/dpkg")
_KEEP_OLD_FILES: Final = ("--force-confdef", "--force-confold")


class AptPackages:
    """The package manager of Debian and its kin. `lock_timeout` is in seconds."""

    def __init__(self, lock_timeout: float, clock: Clock, dpkg: Path = DPKG_FOLDER) -> None:
        self._lock_timeout = lock_timeout
        self._clock = clock
        self._dpkg = dpkg

    def status(self, package: str) -> PackageStatus:
        """Say what is installed and what could be; never changes anything."""
        name = apt.plain_name(package)
        return PackageStatus(apt.installed().versions.get(name), apt.candidate(name))

    def search(self, text: str) -> Sequence[PackageFound]:
        """Look in what the sources offer as of their last refresh."""
        return apt.search(text)

    def ensure(self, wish: PackageWish, *, check: bool) -> Change:
        """Make it so; with `check` let apt simulate it."""
        name = apt.plain_name(wish.package)
        before = apt.installed()
        if check:
            return _prediction(name, wish, before.versions)
        before = self._repaired(before)
        if _nothing_to_do(name, wish, before.versions):
            return _change(name, before.versions, (), None)
        ended = _perform(name, wish)
        after = apt.installed().versions
        change = _change(name, before.versions, apt.moved(before.versions, after), ended.exit_code)
        if ended.exit_code:
            raise _with_evidence(apt.failure(ended), change)
        if not _is_so(after.get(name), wish):
            raise _with_evidence(_not_reached(name, wish, after.get(name)), change)
        return change

    def _repaired(self, found: apt.Installed) -> apt.Installed:
        """Finish what an interrupted dpkg left; look again under its lock, since it may just be at work."""
        if not found.unfinished and not self._has_updates():
            return found
        with self._frontend_lock():
            found = apt.installed()
            if found.unfinished or self._has_updates():
                self._configure_all(found.unfinished)
        return apt.installed()

    def _has_updates(self) -> bool:
        folder = self._dpkg / "updates"
        return folder.is_dir() and any(entry.name.isdigit() for entry in folder.iterdir())

    def _configure_all(self, unfinished: tuple[str, ...]) -> None:
        print(f"an interrupted dpkg is repaired first: {', '.join(unfinished) or 'its journal'}", flush=True)  # noqa: T201
        argv = ["dpkg", *_KEEP_OLD_FILES, "--configure", "-a"]
        ended = run_tool(argv, log=True, environment={"DPKG_FRONTEND_LOCKED": "true"})
        if ended.exit_code:
            raise apt.failure(ended)

    @contextmanager
    def _frontend_lock(self) -> Iterator[None]:
        """Hold the lock as apt does; raise OperationFailedError `locked` after the timeout."""
        pause = threading.Event()
        deadline = self._clock.monotonic() + self._lock_timeout
        lock = _opened(self._dpkg / "lock-frontend")
        try:
            while not _lock(lock):
                if self._clock.monotonic() > deadline:
                    raise OperationFailedError("locked", "another process holds dpkg's lock; try again later")
                pause.wait(0.2)
            yield
        finally:
            os.close(lock)


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except PermissionError:
        raise OperationFailedError("not_root", "dpkg's lock can be taken by root only") from None


def _lock(descriptor: int) -> bool:
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _prediction(name: str, wish: PackageWish, versions: apt.Versions) -> Change:
    if _nothing_to_do(name, wish, versions):
        return _change(name, versions, (), None)
    if wish.wanted is not Wanted.ABSENT:
        _must_exist(name)
    verb = ["purge" if wish.purge else "remove"] if wish.wanted is Wanted.ABSENT else _install_words(wish)
    return _change(name, versions, apt.predicted([*verb, "--", _spec(name, wish)]), None)


def _install_words(wish: PackageWish) -> list[str]:
    words = ["install"] if wish.recommends else ["install", "--no-install-recommends"]
    return [*words, "--allow-downgrades"] if wish.version else words


def _perform(name: str, wish: PackageWish) -> Ended:
    if wish.wanted is not Wanted.ABSENT:
        if wish.refresh:
            _refresh()
        _must_exist(name)
    sys.stdout.flush()
    return run_operation(
        pyinfra_apt.packages,
        packages=[_spec(name, wish)],
        present=wish.wanted is not Wanted.ABSENT,
        latest=wish.wanted is Wanted.LATEST,
        no_recommends=not wish.recommends,
        allow_downgrades=wish.version is not None,
        purge=wish.purge,
        extra_install_args="--",
        extra_uninstall_args="--",
    )


def _refresh() -> None:
    ended = run_operation(pyinfra_apt.update)
    if ended.exit_code:
        raise apt.failure(ended)


def _must_exist(name: str) -> None:
    """Refuse what apt would take for a pattern, or for a wish to do the opposite (`name+`)."""
    if apt.candidate(name) is None:
        raise OperationFailedError(
            "not_found", f"this host's sources offer no package {name}; refresh = true reads them anew"
        )


def _spec(name: str, wish: PackageWish) -> str:
    return f"{name}={wish.version}" if wish.version else name


def _nothing_to_do(name: str, wish: PackageWish, versions: apt.Versions) -> bool:
    return wish.wanted is not Wanted.LATEST and _is_so(versions.get(name), wish)


def _is_so(version: str | None, wish: PackageWish) -> bool:
    if wish.wanted is Wanted.ABSENT:
        return version is None
    return version is not None and wish.version in (None, version)


def _change(name: str, versions: apt.Versions, moves: tuple[PackageMove, ...], code: int | None) -> Change:
    before = versions.get(name)
    after = next((move.after for move in moves if move.name == name), before)
    return Change(before, after, bool(moves), moves, code)


def _not_reached(name: str, wish: PackageWish, version: str | None) -> OperationFailedError:
    wanted = wish.version or wish.wanted
    return OperationFailedError(
        "not_reached", f"the package tool reported success, yet {name} is {version or 'absent'}, not {wanted}"
    )


def _with_evidence(error: OperationFailedError, change: Change) -> OperationFailedError:
    """Let the failure tell what had changed by then."""
    return OperationFailedError(error.reason, str(error), exit_code=error.exit_code, values=change.values())
