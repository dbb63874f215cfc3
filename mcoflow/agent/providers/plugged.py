"""Providers of packages that somebody else wrote: entry points, as the bus specification, 5.3, has them."""

from importlib.metadata import EntryPoint, entry_points
from typing import Final, Protocol

from mcoflow.agent.providers.port import PackageProvider, ServiceProvider
from mcoflow.errors import ConfigError, OperationFailedError

GROUP: Final = "mcoflow.providers"
BUILT_IN: Final = ("pyinfra", "fake")


class HostProviders(Protocol):
    """What an entry point of `mcoflow.providers` names: a class, made without arguments in each worker."""

    def packages(self) -> PackageProvider | None:
        """Return the package manager; None leaves packages to mcoflow's own."""

    def services(self) -> ServiceProvider | None:
        """Return the init system; None leaves services to mcoflow's own."""


def check_provider(name: str) -> None:
    """Raise ConfigError unless it is built in or an installed package offers it; nothing is imported."""
    if name not in BUILT_IN and _point(name) is None:
        there = ", ".join([*BUILT_IN, *sorted(entry_points(group=GROUP).names)])
        raise ConfigError(
            f"[agent] provider = {name}: no installed package offers it as entry point of {GROUP}; "
            f"there are {there}"
        )


def load_providers(name: str) -> HostProviders | None:
    """Return what a plug-in offers, None for a built-in provider; runs in a worker.

    Raises:
        OperationFailedError: `unsupported`: it is not installed, or broken.
    """
    if name in BUILT_IN:
        return None
    point = _point(name)
    if point is None:
        raise OperationFailedError("unsupported", f"the provider {name} is not installed any more")
    try:
        made: HostProviders = point.load()()
    except (Exception, SystemExit) as error:  # a plug-in's module may do anything
        why = f"provider {name}: {type(error).__name__}: {error}"
        raise OperationFailedError("unsupported", why) from error
    return made


def _point(name: str) -> EntryPoint | None:
    return next(iter(entry_points(group=GROUP, name=name)), None)
