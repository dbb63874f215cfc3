"""The steps on single hosts that the shipped actions are made of."""

from datetime import timedelta
from typing import ClassVar, Final

from pydantic import BaseModel, ConfigDict

from mcoflow.action import Deadlines, HostAction, HostRequest
from mcoflow.actions.models import Host, Package, Service, Version


class _HostInput(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    host: Host
    check: bool = False


class _PackageInput(_HostInput):
    package: Package


class _InstallInput(_PackageInput):
    version: Version | None = None


class _ServiceInput(_HostInput):
    service: Service
    after: list[str] = []


NOT_SENT: Final = ("host", "check", "after")
"""Input that is not an argument of the operation."""


class OnHost(HostAction):
    """Ask the agent of one host to do one operation, and sleep until it has replied.

    Output: `changed` (bool), `before`, `after` (version or null), `packages` (what came along), `log`, from
    the agent. Errors: HostError with the outcome in words.
    """

    agent = "package"
    Input: ClassVar[type[BaseModel]] = _PackageInput
    limit: ClassVar[timedelta] = timedelta(minutes=15)

    def request_for_host(self) -> HostRequest:
        """The request, without what was left open."""
        args = {k: v for k, v in self.input.items() if k not in NOT_SENT and v is not None}
        check, deadlines = bool(self.input["check"]), Deadlines(run=self.limit)
        return self.request(self.agent, self.operation, args, check=check, deadlines=deadlines)


class InstallPackage(OnHost):
    """Have a package present on one host."""

    name = "install_package"
    operation = "install"
    Input = _InstallInput


class UninstallPackage(OnHost):
    """Have a package absent from one host."""

    name = "uninstall_package"
    operation = "uninstall"


class UpdatePackage(OnHost):
    """Have the newest version of a package on one host."""

    name = "update_package"
    operation = "update"


class RestartService(OnHost):
    """Restart a service on one host. Not idempotent: the agent never repeats it by itself.

    Input `after` names the packages whose installation is the reason, for those who read the task.
    """

    name = "restart_service"
    agent = "service"
    operation = "restart"
    Input = _ServiceInput
    limit = timedelta(minutes=2)


class StartService(RestartService):
    """Have a service run on one host."""

    name = "start_service"
    operation = "start"


class StopService(RestartService):
    """Have a service not run on one host."""

    name = "stop_service"
    operation = "stop"


class EnableService(RestartService):
    """Have a service begin with the machine of one host."""

    name = "enable_service"
    operation = "enable"


class DisableService(RestartService):
    """Have a service not begin with the machine of one host."""

    name = "disable_service"
    operation = "disable"


class PingHost(OnHost):
    """Ask a host for a sign of life."""

    name = "ping_host"
    agent = "host"
    operation = "ping"
    Input = _HostInput
    limit = timedelta(seconds=10)
