"""The agent `package`: install, update, uninstall and look at packages."""

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any, Final, TypeVar

from pydantic import Field

from mcoflow.agent.operations import Agent, Context, Strict
from mcoflow.agent.providers.port import MAX_PACKAGES, PackageWish, Wanted
from mcoflow.domain.operation_names import MAX_NAME, PACKAGE_PATTERN, VERSION_PATTERN

PackageName = Annotated[str, Field(pattern=f"^(?:{PACKAGE_PATTERN})$", max_length=MAX_NAME)]
Version = Annotated[str, Field(pattern=f"^(?:{VERSION_PATTERN})$", max_length=128)]
MAX_FOUND: Final = 200
Shown = Annotated[str, Field(max_length=256)]
"""A name or version as the package manager tells it."""


class Package(Strict):
    """Which package."""

    package: PackageName


class Install(Package):
    """Which package, which version (none: any), and what else is allowed."""

    version: Version | None = None
    recommends: bool = False
    refresh: bool = False


class Update(Package):
    """Which package to bring to the newest version."""

    recommends: bool = False
    refresh: bool = False


class Uninstall(Package):
    """Which package; `purge` removes its configuration too."""

    purge: bool = False


class Moved(Strict):
    """One package that was changed; None: not installed."""

    name: Shown
    before: Shown | None
    after: Shown | None


class Changed(Strict):
    """The version before and after, and every package that came along or went."""

    changed: bool
    before: Shown | None
    after: Shown | None
    packages: Annotated[list[Moved], Field(max_length=MAX_PACKAGES)]
    packages_total: int
    exit_code: int | None


class Status(Strict):
    """What is installed, and what the sources offer; None for nothing."""

    installed: Shown | None
    candidate: Shown | None


class Search(Strict):
    """A part of a name, and how many packages at most."""

    text: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9+._-]*$", max_length=64)]
    limit: Annotated[int, Field(ge=1, le=MAX_FOUND)] = 50


class Found(Strict):
    """One package that the sources offer."""

    name: Shown
    summary: Shown


class Searched(Strict):
    """The first packages by name, and how many there are."""

    packages: Annotated[list[Found], Field(max_length=MAX_FOUND)]
    total: int


agent: Final = Agent("package")


def _lock(_args: dict[str, Any]) -> str:
    return "package"


Function = TypeVar("Function", bound=Callable[..., Changed])


def _change(summary: str) -> Callable[[Function], Function]:
    """Declare a change of packages; dpkg must not be cut off, so none is interruptible."""
    return agent.operation(
        summary=summary,
        timeout=timedelta(minutes=15),
        idempotent=True,
        check=True,
        interruptible=False,
        lock=_lock,
    )


def _ensure(wish: PackageWish, context: Context) -> Changed:
    return Changed.model_validate(context.packages().ensure(wish, check=context.check).values())


@_change("Install a package unless it is installed")
def install(given: Install, context: Context) -> Changed:
    """Install the package; with `version` exactly that one, downgrading if need be."""
    wish = PackageWish(given.package, Wanted.PRESENT, given.version, given.recommends, given.refresh)
    return _ensure(wish, context)


@_change("Bring a package to the newest version; install it if absent")
def update(given: Update, context: Context) -> Changed:
    """Install the newest version that the sources offer."""
    wish = PackageWish(given.package, Wanted.LATEST, None, given.recommends, given.refresh)
    return _ensure(wish, context)


@_change("Remove a package if it is installed")
def uninstall(given: Uninstall, context: Context) -> Changed:
    """Remove the package, with `purge` its configuration too."""
    return _ensure(PackageWish(given.package, Wanted.ABSENT, purge=given.purge), context)


@agent.operation(summary="Say which version is installed and which could be", idempotent=True, changes=False)
def status(given: Package, context: Context) -> Status:
    """Look at one package; nothing is changed."""
    found = context.packages().status(given.package)
    return Status(installed=found.installed, candidate=found.candidate)


@agent.operation(summary="Find packages by a part of their name", idempotent=True, changes=False)
def search(given: Search, context: Context) -> Searched:
    """Look in what the sources offer; nothing is refreshed."""
    found = context.packages().search(given.text)
    shown = [Found(name=each.name[:256], summary=each.summary[:256]) for each in found[: given.limit]]
    return Searched(packages=shown, total=len(found))
