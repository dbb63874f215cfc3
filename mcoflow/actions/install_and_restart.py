"""Install packages, and restart services where an installation succeeded."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from mcoflow.action import Action, OutputReference, Reply, Rescue
from mcoflow.action.naming import on_hosts
from mcoflow.actions.models import PackagesAndServices
from mcoflow.actions.on_hosts import InstallPackage, RestartService
from mcoflow.actions.turns import in_turn
from mcoflow.actions.where import frozen
from mcoflow.errors import HostError


class TryToInstall(InstallPackage):
    """Install a package; a failure is a warning, because what follows decides what it means.

    Output: that of InstallPackage, and `installed` (bool), `problem` (the outcome in words, or "").
    """

    name = "try_to_install"

    def result(self, reply: Reply) -> None:
        """Note whether it was installed; warn if not."""
        self.output.update(reply.data, installed=reply.ok, problem=reply.error)
        if not reply.ok:
            self.warn(f"{self.input['package']}: {reply.error}")


class _Verdict(BaseModel):
    model_config = ConfigDict(extra="forbid")
    host: str
    packages: list[str]
    installed: list[bool]
    problems: list[str]


class SomethingInstalled(Action):
    """Fail the plan unless at least one installation on the host succeeded.

    Input: the outputs of the installations. Output: `installed` (names of the packages).
    """

    name = "something_installed"
    title = "Go on if something was installed"
    Input = _Verdict
    rerunnable = True

    def run(self) -> None:
        """Decide."""
        named = zip(self.input["packages"], self.input["installed"], self.input["problems"], strict=True)
        results: list[tuple[str, bool, str]] = list(named)
        self.output["installed"] = [package for package, ok, _ in results if ok]
        if not self.output["installed"]:
            problems = "; ".join(f"{package}: {problem}" for package, _, problem in results)
            raise HostError(f"nothing was installed, so nothing is restarted: {problems}")

    def rescue_strategy(self) -> Rescue:
        """Repeating the decision cannot help: the plan fails, and is run anew when the names are right."""
        return Rescue.FAIL


class InstallAndRestart(Action):
    """Install packages at the same time; then restart each service, if any installation succeeded.

    Without packages the services are restarted, without services the packages are installed. A failed
    installation among others is a warning that names it; when all failed, the plan is an error and nothing
    is restarted. Each host is on its own.
    """

    name = "install_and_restart"
    title = "Install and restart"
    Input = PackagesAndServices

    def plan(self, **fields: Any) -> None:
        """Plan the steps of each host side by side."""
        self.input = frozen(self, self.validated(fields))
        for host in in_turn(self, self.input):
            with self.sequence():
                self._plan_restarts(host, self._plan_installs(host) if self.input["packages"] else [])

    def label(self) -> str:
        """`Install nginx, php and restart web on web1`."""
        installs = f"Install {', '.join(self.input['packages'])}" if self.input["packages"] else ""
        restarts = f"restart {', '.join(self.input['services'])}" if self.input["services"] else ""
        what = " and ".join(part for part in (installs, restarts) if part)
        return f"{what[:1].upper()}{what[1:]} {on_hosts(self.input['hosts'])}"

    def _plan_installs(self, host: str) -> OutputReference:
        """Plan the installations and the decision; return the names that will have been installed."""
        packages = self.input["packages"]
        with self.concurrence():
            installs = [
                self.plan_action(TryToInstall, host=host, package=package, check=self.input["check"])
                for package in packages
            ]
        decision = self.plan_action(
            SomethingInstalled,
            host=host,
            packages=packages,
            installed=[each.output["installed"] for each in installs],
            problems=[each.output["problem"] for each in installs],
        )
        installed: OutputReference = decision.output["installed"]
        return installed

    def _plan_restarts(self, host: str, after: OutputReference | list[str]) -> None:
        check = self.input["check"]
        with self.concurrence():
            for service in self.input["services"]:
                self.plan_action(RestartService, host=host, service=service, check=check, after=after)
