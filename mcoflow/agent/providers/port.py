"""What the operations need of a host's package manager and init system. Everything here runs in a worker."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final, Protocol

MAX_PACKAGES: Final = 500
_MAX_PACKAGES_BYTES: Final = 56 * 1024
"""Of the 64 KiB that the values of a result may take."""


class Wanted(StrEnum):
    """How a package is wanted."""

    PRESENT = "present"
    ABSENT = "absent"
    LATEST = "latest"  #: the newest the sources offer; installed when absent


class ServiceState(StrEnum):
    """Whether a service runs; what a service is wanted to be is never `unknown`."""

    RUNNING = "running"
    STOPPED = "stopped"
    UNKNOWN = "unknown"  #: its init script does not say


class Boot(StrEnum):
    """Whether a service begins with the machine."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    UNKNOWN = "unknown"  #: neither: begun by others, or the init system does not say


@dataclass(frozen=True, slots=True)
class PackageMove:
    """One package that a change touched: its versions before and after, None for not installed."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class PackageStatus:
    """What is installed, and what the sources would install; None for nothing."""

    installed: str | None
    candidate: str | None


@dataclass(frozen=True, slots=True)
class PackageFound:
    """A package that the sources offer, and what it is in a line."""

    name: str
    summary: str


@dataclass(frozen=True, slots=True)
class PackageWish:
    """One package as it is wanted; `version` only with PRESENT, `purge` only with ABSENT."""

    package: str
    wanted: Wanted
    version: str | None = None
    recommends: bool = False
    refresh: bool = False
    purge: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """What an operation did, or with `check` would do: states or versions before and after."""

    before: str | None
    after: str | None
    changed: bool
    packages: tuple[PackageMove, ...] = ()
    exit_code: int | None = None

    def values(self) -> dict[str, Any]:
        """Return it as the values of a result; `packages` may be cut short, `packages_total` counts all."""
        return {
            "before": self.before,
            "after": self.after,
            "changed": self.changed,
            "packages": _listed(self.packages),
            "packages_total": len(self.packages),
            "exit_code": self.exit_code,
        }


class PackageProvider(Protocol):
    """A package manager. Each method raises OperationFailedError with a reason of one word."""

    def status(self, package: str) -> PackageStatus:
        """Say what is installed and what could be; never changes anything."""

    def ensure(self, wish: PackageWish, *, check: bool) -> Change:
        """Make it so; with `check` only predict, taking no lock and changing nothing."""

    def search(self, text: str) -> Sequence[PackageFound]:
        """Return the packages that the sources offer whose name contains the text, by name."""


class ServiceProvider(Protocol):
    """An init system. Each method raises OperationFailedError with a reason of one word."""

    def status(self, service: str) -> ServiceState:
        """Say whether it runs; `not_found` for a service that the host does not have."""

    def ensure(self, service: str, wanted: ServiceState, *, check: bool) -> Change:
        """Start or stop it unless it is so already."""

    def restart(self, service: str, *, check: bool) -> Change:
        """Restart it, start it when it is stopped."""

    def boot(self, service: str) -> Boot:
        """Say whether it begins with the machine."""

    def enable(self, service: str, *, on: bool, check: bool) -> Change:
        """Have it begin with the machine, or not, unless it is so already; what runs is left alone."""


def _listed(moves: tuple[PackageMove, ...]) -> list[dict[str, Any]]:
    listed = [asdict(move) for move in moves[:MAX_PACKAGES]]
    while len(json.dumps(listed)) > _MAX_PACKAGES_BYTES:
        del listed[-len(listed) // 4 :]
    return listed
