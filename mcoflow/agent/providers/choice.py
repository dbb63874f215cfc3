"""Which providers this host has. pyinfra is heavy: only workers load it, and only when it is asked for."""

import os
import shutil
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Final

from mcoflow.agent.init_system import InitSystem
from mcoflow.agent.providers.plugged import load_providers
from mcoflow.agent.providers.port import PackageProvider, ServiceProvider
from mcoflow.clock import SystemClock
from mcoflow.errors import OperationFailedError

_APT_CONFIG: Final = """\
DPkg::Lock::Timeout "{timeout}";
APT::Cmd::Pattern-Only "true";
DPkg::Use-Pty "false";
quiet "1";
"""
"""Wait for the lock in every call, take no name for a regular expression, print nothing for a terminal."""


class ChosenProviders:
    """The providers of one worker. `directory` is the job's own, for the tools' configuration."""

    def __init__(self, provider: str, init: InitSystem, lock_timeout: float, directory: Path) -> None:
        self._fake = provider == "fake"
        self._plugged = load_providers(provider)
        self._init = init
        self._lock_timeout = lock_timeout
        self._directory = directory
        self._clock = SystemClock()

    def load(self, agent: str) -> None:
        """Load beforehand what this agent will ask for."""
        if agent == "package":
            self.packages()
        elif agent == "service":
            self.services()

    def packages(self) -> PackageProvider:
        """Return the package manager; raise OperationFailedError `unsupported` if it is another one."""
        return self._packages

    def services(self) -> ServiceProvider:
        """Return the init system; raise OperationFailedError `no_init` for a host with none that is known."""
        return self._services

    @cached_property
    def _packages(self) -> PackageProvider:
        if self._plugged is not None and (own := self._plugged.packages()) is not None:
            return own
        if self._fake:
            from mcoflow.agent.providers.fake import FakePackages

            return FakePackages(Random())  # noqa: S311  plays, protects nothing
        if not (shutil.which("apt-get") and shutil.which("dpkg-query")):
            raise OperationFailedError(
                "unsupported", "this host has no apt: another package manager needs a provider plug-in"
            )
        from mcoflow.agent.providers.apt_packages import AptPackages

        self._configure_apt()
        return AptPackages(self._lock_timeout, self._clock)

    @cached_property
    def _services(self) -> ServiceProvider:
        if self._plugged is not None and (own := self._plugged.services()) is not None:
            return own
        if self._fake:
            from mcoflow.agent.providers.fake import FakeServices

            return FakeServices(Random())  # noqa: S311  plays, protects nothing
        from mcoflow.agent.providers.init_services import InitServices

        return InitServices(self._init, self._clock)

    def _configure_apt(self) -> None:
        config = self._directory / "apt.conf"
        config.write_text(_APT_CONFIG.format(timeout=round(self._lock_timeout)), encoding="utf-8")
        os.environ["APT_CONFIG"] = str(config)
