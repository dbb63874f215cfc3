"""Whether a service begins with the machine: asked of, and told to, the init system in argv lists."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from mcoflow.agent.init_system import InitSystem
from mcoflow.agent.providers.port import Boot
from mcoflow.agent.providers.tools import Ended, run_tool
from mcoflow.errors import OperationFailedError

RUNLEVELS: Final = Path("/etc")
_ON: Final = frozenset({"enabled", "enabled-runtime"})
_OFF: Final = frozenset({"disabled", "masked", "masked-runtime"})


def boot_of(init: InitSystem, service: str) -> Boot:
    """Say whether it begins with the machine; unknown where the init system has no such notion."""
    look = _LOOKS.get(init)
    return look(service) if look else Boot.UNKNOWN


def set_boot(init: InitSystem, service: str, *, on: bool) -> Ended:
    """Have it begin with the machine, or not; raise OperationFailedError `unsupported`."""
    change = _CHANGES.get(init)
    if change is None:
        raise OperationFailedError("unsupported", f"{init} services cannot be enabled or disabled from here")
    return change(service, on)


def unit_of(service: str) -> str:
    """Name the unit of systemd."""
    return service if service.endswith(".service") else f"{service}.service"


def _by_systemctl(service: str) -> Boot:
    said = run_tool(["systemctl", "is-enabled", "--", unit_of(service)]).stdout.strip()
    return Boot.ENABLED if said in _ON else Boot.DISABLED if said in _OFF else Boot.UNKNOWN


def _by_links(service: str) -> Boot:
    links = (name.name for folder in RUNLEVELS.glob("rc[2345].d") for name in folder.glob("S[0-9][0-9]*"))
    return Boot.ENABLED if any(name[3:] == service for name in links) else Boot.DISABLED


def _by_rc_update(service: str) -> Boot:
    lines = run_tool(["rc-update", "show", "default"]).stdout.splitlines()
    return Boot.ENABLED if any(line.split()[:1] == [service] for line in lines) else Boot.DISABLED


def _tell_systemctl(service: str, on: bool) -> Ended:
    return run_tool(["systemctl", "enable" if on else "disable", "--", unit_of(service)], log=True)


def _tell_update_rc(service: str, on: bool) -> Ended:
    """`enable` only works on links that are there, `defaults` only makes them where none is."""
    made = run_tool(["update-rc.d", service, "defaults"], log=True)
    return (
        made
        if made.exit_code
        else run_tool(["update-rc.d", service, "enable" if on else "disable"], log=True)
    )


def _tell_rc_update(service: str, on: bool) -> Ended:
    return run_tool(["rc-update", "add" if on else "del", service, "default"], log=True)


_LOOKS: Final[Mapping[InitSystem, Callable[[str], Boot]]] = {
    InitSystem.SYSTEMD: _by_systemctl,
    InitSystem.SYSVINIT: _by_links,
    InitSystem.OPENRC: _by_rc_update,
}
_CHANGES: Final[Mapping[InitSystem, Callable[[str, bool], Ended]]] = {
    InitSystem.SYSTEMD: _tell_systemctl,
    InitSystem.SYSVINIT: _tell_update_rc,
    InitSystem.OPENRC: _tell_rc_update,
}
