"""Hosts that are only played: nothing is run, nothing is kept, chance decides what was there before."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from random import Random
from typing import Any, Final

from mcoflow.agent.catalogue import LoadedCatalogue
from mcoflow.agent.operations import Context
from mcoflow.agent.providers.port import (
    Boot,
    Change,
    PackageFound,
    PackageMove,
    PackageStatus,
    PackageWish,
    ServiceState,
    Wanted,
)
from mcoflow.wire.codec import JsonObject

_AGENTS: Final = ("host", "package", "service")
_SYSTEMS: Final = (
    ("Debian GNU/Linux", "debian", "12.11", "bookworm"),
    ("Ubuntu", "ubuntu", "24.04.2", "noble"),
    ("Rocky Linux", "rocky", "9.5", ""),
    ("Alpine Linux", "alpine", "3.21.3", ""),
)


Say = Callable[[str], None]


class FakePackages:
    """A package manager that has everything: each wish comes true and is a change."""

    def __init__(self, chance: Random, say: Say = print) -> None:
        """Take what decides, and what prints a line as the tools of a real one do."""
        self._chance = chance
        self._say = say

    def status(self, package: str) -> PackageStatus:
        """Draw whether the package is installed."""
        del package
        candidate = self._version()
        return PackageStatus(candidate if self._chance.random() < 0.5 else None, candidate)

    def ensure(self, wish: PackageWish, *, check: bool) -> Change:
        """Pretend the change; with `check` the same without exit code."""
        before = None if wish.wanted is Wanted.PRESENT else self._version()
        after = None if wish.wanted is Wanted.ABSENT else wish.version or self._version()
        move = PackageMove(wish.package, before, after)
        self._tell(move)
        return Change(before, after, before != after, (move,), None if check else 0)

    def search(self, text: str) -> Sequence[PackageFound]:
        """Have a few packages of every name."""
        return [PackageFound(f"{text}{end}", "a package to play with") for end in ("", "-common", "-doc")]

    def _tell(self, move: PackageMove) -> None:
        self._say("Reading package lists...\nBuilding dependency tree...")
        if move.after is None:
            self._say(f"Removing {move.name} ({move.before}) ...")
        else:
            self._say(
                f"Get:1 http://deb.example/main {move.name} {move.after} [{self._chance.randint(9, 999)} kB]"
            )
            self._say(f"Unpacking {move.name} ({move.after}) ...\nSetting up {move.name} ({move.after}) ...")

    def _version(self) -> str:
        return f"{self._chance.randint(0, 9)}.{self._chance.randint(0, 99)}-{self._chance.randint(1, 9)}"


class FakeServices:
    """An init system that has every service, in a state that chance draws."""

    def __init__(self, chance: Random, say: Say = print) -> None:
        """Take what decides, and what prints a line."""
        self._chance = chance
        self._say = say

    def status(self, service: str) -> ServiceState:
        """Draw whether the service runs."""
        del service
        return self._chance.choice((ServiceState.RUNNING, ServiceState.STOPPED))

    def ensure(self, service: str, wanted: ServiceState, *, check: bool) -> Change:
        """Pretend to start or stop it."""
        before = self.status(service)
        self._say(f"{service}: was {before.value}, is {wanted.value}")
        return Change(before, wanted, before is not wanted, exit_code=None if check else 0)

    def restart(self, service: str, *, check: bool) -> Change:
        """Pretend to restart it."""
        self._say(f"Stopping {service}: done.\nStarting {service}: done.")
        return Change(
            self.status(service), ServiceState.RUNNING, changed=True, exit_code=None if check else 0
        )

    def boot(self, service: str) -> Boot:
        """Draw whether the service begins with the machine."""
        del service
        return self._chance.choice((Boot.ENABLED, Boot.DISABLED))

    def enable(self, service: str, *, on: bool, check: bool) -> Change:
        """Pretend to enable or disable it."""
        before, wanted = self.boot(service), Boot.ENABLED if on else Boot.DISABLED
        return Change(before, wanted, before is not wanted, exit_code=None if check else 0)


def fake_facts(chance: Random) -> JsonObject:
    """Return the facts of a host that does not exist, of one of several systems."""
    name, system, version, codename = chance.choice(_SYSTEMS)
    cores = chance.choice((1, 2, 4, 8, 16))
    return {
        "os": {"name": name, "id": system, "like": [], "version": version, "codename": codename},
        "cpu": {"count": cores, "cores": cores},
        "memory": {"total": cores * 2**31, "swap": 0},
        "disk": {"/": {"type": "ext4", "total": chance.randint(10, 500) * 10**9}},
        "mcoflow": {"provider": "fake", "facts_errors": [], "agents": list(_AGENTS)},
    }


def _silence(_line: str) -> None:
    """Print nothing."""


def fake_execute(
    operation: str, args: Mapping[str, Any], check: bool, chance: Random, say: Say = _silence
) -> JsonObject:
    """Return the values of `package.install` and the like as a played host would; nothing is run.

    `say` is called with each line that the tools of a real host would print.
    `chance` decides all that is left open: equal seeds give equal values. Raises RefusedError for an
    operation that no shipped agent has, and for arguments that its real counterpart would refuse.
    """
    context = Context(
        host="",
        check=check,
        packages=lambda: FakePackages(chance, say),
        services=lambda: FakeServices(chance, say),
        facts=lambda: fake_facts(chance),
        operations=_shipped().operations,
    )
    agent, _, name = operation.partition(".")
    return _shipped().declared(agent, name).perform(args, context)


@cache
def _shipped() -> LoadedCatalogue:
    return LoadedCatalogue(_AGENTS)
