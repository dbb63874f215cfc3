"""Services by the init system that runs here: we look at the state, pyinfra's operation makes the change."""

import threading
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Final

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.operations import launchd, openrc, systemd
from pyinfra.operations.util.service import handle_service_control

from mcoflow.agent.init_system import InitSystem
from mcoflow.agent.providers.init_boot import boot_of, set_boot, unit_of
from mcoflow.agent.providers.port import Boot, Change, ServiceState
from mcoflow.agent.providers.pyinfra_run import run_operation
from mcoflow.agent.providers.tools import Ended, run_tool
from mcoflow.clock import Clock
from mcoflow.errors import OperationFailedError

INIT_SCRIPTS: Final = Path("/etc/init.d")
_SETTLING: Final = 3.0
"""Seconds that a service may take to look running, or stopped, after its init system said it is."""

_R, _S, _U = ServiceState.RUNNING, ServiceState.STOPPED, ServiceState.UNKNOWN
_VERBS: Final = {_R: "start", _S: "stop"}
_FORMS: Final = {InitSystem.SYSVINIT: "/etc/init.d/{0} {1}", InitSystem.RUNIT: "sv {1} {0}"}
_ACTIVE: Final = ("ActiveState=active", "ActiveState=reloading", "ActiveState=activating")


class InitServices:
    """The services of one init system."""

    def __init__(self, init: InitSystem, clock: Clock) -> None:
        if init not in _LOOKS:
            raise OperationFailedError(
                "no_init", "this host runs no init system that is known; see [agent] init"
            )
        self._init = init
        self._clock = clock

    def status(self, service: str) -> ServiceState:
        """Say whether it runs; `not_found` for a service that the host does not have."""
        return _LOOKS[self._init](service)

    def ensure(self, service: str, wanted: ServiceState, *, check: bool) -> Change:
        """Start or stop it unless it is so already."""
        before = self.status(service)
        if before is wanted:
            return Change(before, before, changed=False)
        if check:
            return Change(before, wanted, changed=True)
        return self._control(service, _VERBS[wanted], before, wanted)

    def restart(self, service: str, *, check: bool) -> Change:
        """Restart it, start it when it is stopped."""
        before = self.status(service)
        if check:
            return Change(before, _R, changed=True)
        return self._control(service, "restart", before, _R)

    def boot(self, service: str) -> Boot:
        """Say whether it begins with the machine; `not_found` for a service that the host does not have."""
        self.status(service)
        return boot_of(self._init, service)

    def enable(self, service: str, *, on: bool, check: bool) -> Change:
        """Have it begin with the machine, or not, unless it is so already."""
        before, wanted = self.boot(service), Boot.ENABLED if on else Boot.DISABLED
        if before is wanted:
            return Change(before, before, changed=False)
        if check:
            return Change(before, wanted, changed=True)
        ended = set_boot(self._init, service, on=on)
        after = boot_of(self._init, service)
        change = Change(before, after, changed=before is not after, exit_code=ended.exit_code)
        verb = "enable" if on else "disable"
        if ended.exit_code:
            raise _failed(f"{verb} {service} ended with exit code {ended.exit_code}", "exit", change)
        if after is not wanted:
            raise _failed(f"{verb} {service} reported success, yet it is {after}", "not_reached", change)
        return change

    def _control(self, service: str, verb: str, before: ServiceState, wanted: ServiceState) -> Change:
        ended = _control(self._init, service, verb, running=before is _R)
        after = self._settled(service, wanted) if ended.exit_code == 0 else self.status(service)
        change = Change(
            before, after, changed=verb == "restart" or before is not after, exit_code=ended.exit_code
        )
        if ended.exit_code:
            raise _failed(f"{verb} {service} ended with exit code {ended.exit_code}", "exit", change)
        if after not in (wanted, _U):
            raise _failed(f"{verb} {service} reported success, yet it is {after}", "not_reached", change)
        return change

    def _settled(self, service: str, wanted: ServiceState) -> ServiceState:
        pause = threading.Event()
        deadline = self._clock.monotonic() + _SETTLING
        while (found := self.status(service)) not in (wanted, _U) and self._clock.monotonic() < deadline:
            pause.wait(0.1)
        return found


def _failed(message: str, reason: str, change: Change) -> OperationFailedError:
    return OperationFailedError(reason, message, exit_code=change.exit_code, values=change.values())


def _control(init: InitSystem, service: str, verb: str, *, running: bool) -> Ended:
    """Call the operation that matches; a plain restart also starts what is stopped."""
    match init:
        case InitSystem.SYSVINIT | InitSystem.RUNIT:
            return run_operation(_one_command, service=service, verb=verb, form=_FORMS[init])
        case InitSystem.SYSTEMD:
            return run_operation(systemd.service, service=service, running=None, command=verb)
        case InitSystem.OPENRC:
            return run_operation(openrc.service, service=service, running=None, command=verb)
        case _:
            again = verb == "restart" and running
            wish = None if again else verb != "stop"
            return run_operation(launchd.service, service=service, running=wish, restarted=again)


@operation()
def _one_command(service: str, verb: str, form: str) -> Generator[StringCommand, None, None]:
    """Do what pyinfra's `sysvinit.service` and `runit.service` do with this one service, and no more.

    The first asks every script in /etc/init.d for its status: it takes long, runs what nobody asked for, and
    does not see services with a dot or an underscore in their names. The second links the service to start at
    boot, which nobody asked for either.
    """
    yield from handle_service_control(host, service, {}, form, command=verb)


def _by_script(service: str) -> ServiceState:
    script = INIT_SCRIPTS / service
    if not script.is_file():
        raise _not_found(service, f"there is no {script}")
    return _by_lsb_code(run_tool([str(script), "status"]).exit_code)


def _by_lsb_code(code: int) -> ServiceState:
    """Read the exit code of `status` as the Linux Standard Base defines it."""
    return _R if code == 0 else _S if code in (1, 2, 3) else _U


def _by_systemctl(service: str) -> ServiceState:
    unit = unit_of(service)
    asked = ["systemctl", "show", "--property=LoadState", "--property=ActiveState", "--", unit]
    shown = run_tool(asked).stdout.split()
    if "LoadState=loaded" not in shown:
        raise _not_found(service, f"systemd has no unit {unit}")
    return _R if any(line in _ACTIVE for line in shown) else _S


def _by_rc_service(service: str) -> ServiceState:
    if run_tool(["rc-service", "--exists", service]).exit_code:
        raise _not_found(service, "OpenRC does not know it")
    return _by_lsb_code(run_tool(["rc-service", service, "status"]).exit_code)


def _by_sv(service: str) -> ServiceState:
    said = run_tool(["sv", "status", service]).output
    if said.startswith("run:"):
        return _R
    if said.startswith("down:"):
        return _S
    raise _not_found(service, "runit does not supervise it")


def _by_launchctl(service: str) -> ServiceState:
    ended = run_tool(["launchctl", "list", service])
    if ended.exit_code:
        raise _not_found(service, "launchd has not loaded it")
    return _R if '"PID"' in ended.stdout else _S


def _not_found(service: str, why: str) -> OperationFailedError:
    return OperationFailedError("not_found", f"no service {service} on this host: {why}")


_LOOKS: Final[Mapping[InitSystem, Callable[[str], ServiceState]]] = {
    InitSystem.SYSVINIT: _by_script,
    InitSystem.SYSTEMD: _by_systemctl,
    InitSystem.OPENRC: _by_rc_service,
    InitSystem.RUNIT: _by_sv,
    InitSystem.LAUNCHD: _by_launchctl,
}
