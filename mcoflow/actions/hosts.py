"""The shipped actions that do one thing on each of some hosts."""

from typing import Any, ClassVar

from mcoflow.action import Action, HostAction
from mcoflow.actions.models import InstallOnHosts, PackageOnHosts, ServiceOnHosts, Targets
from mcoflow.actions.on_hosts import (
    DisableService,
    EnableService,
    InstallPackage,
    PingHost,
    RestartService,
    StartService,
    StopService,
    UninstallPackage,
    UpdatePackage,
)
from mcoflow.actions.turns import in_turn
from mcoflow.actions.where import frozen, without_target


class OnHosts(Action):
    """Plan one step a host. A host that fails pauses the plan when the others have ended.

    More than 20 hosts take turns, unless the input says otherwise: a canary, waves, a limit of failures. Who
    only looks is not `careful`: all hosts are asked at once.
    """

    step: ClassVar[type[HostAction]]
    careful: ClassVar[bool] = True

    def plan(self, **fields: Any) -> None:
        """Plan the step for each host, with all other input."""
        self.input = frozen(self, self.validated(fields))
        asked = without_target(self.input)
        for host in in_turn(self, self.input, careful=self.careful):
            self.plan_action(self.step, host=host, **asked)


class Install(OnHosts):
    """Have a package present."""

    name = "install"
    title = "Install"
    Input = InstallOnHosts
    step = InstallPackage


class Uninstall(OnHosts):
    """Have a package absent."""

    name = "uninstall"
    title = "Uninstall"
    Input = PackageOnHosts
    step = UninstallPackage


class Update(OnHosts):
    """Have the newest version of a package."""

    name = "update"
    title = "Update"
    Input = PackageOnHosts
    step = UpdatePackage


class Restart(OnHosts):
    """Restart a service, always."""

    name = "restart"
    title = "Restart"
    Input = ServiceOnHosts
    step = RestartService


class Start(OnHosts):
    """Start a service unless it runs."""

    name = "start"
    title = "Start"
    Input = ServiceOnHosts
    step = StartService


class Stop(OnHosts):
    """Stop a service unless it is stopped."""

    name = "stop"
    title = "Stop"
    Input = ServiceOnHosts
    step = StopService


class Enable(OnHosts):
    """Have a service begin with the machine; whether it runs now stays as it is."""

    name = "enable"
    title = "Enable"
    Input = ServiceOnHosts
    step = EnableService


class Disable(OnHosts):
    """Have a service not begin with the machine; whether it runs now stays as it is."""

    name = "disable"
    title = "Disable"
    Input = ServiceOnHosts
    step = DisableService


class Ping(OnHosts):
    """Ask hosts for a sign of life."""

    name = "ping"
    title = "Ping"
    Input = Targets
    step = PingHost
    careful = False
