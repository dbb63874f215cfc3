"""The contract of actions, kept by those that are shipped."""

from typing import Any, ClassVar

from mcoflow.actions.hosts import Install, Ping, Restart, Uninstall, Update
from mcoflow.actions.install_and_restart import InstallAndRestart
from mcoflow.testing.contracts.action import ActionContract

PACKAGE = {"hosts": ["web1", "web2"], "package": "nginx"}


class TestInstall(ActionContract):
    action = Install
    named: ClassVar[dict[str, Any]] = PACKAGE


class TestUninstall(TestInstall):
    action = Uninstall


class TestUpdate(TestInstall):
    action = Update


class TestRestart(ActionContract):
    action = Restart
    named: ClassVar[dict[str, Any]] = {"hosts": ["web1"], "service": "nginx"}


class TestPing(ActionContract):
    action = Ping
    named: ClassVar[dict[str, Any]] = {"hosts": ["web1"]}


class TestInstallAndRestart(ActionContract):
    action = InstallAndRestart
    named: ClassVar[dict[str, Any]] = {"hosts": ["web1"], "packages": ["nginx"], "services": ["nginx"]}
