"""The shipped actions; importing this package registers them."""

from mcoflow.actions.hosts import Disable, Enable, Install, Ping, Restart, Start, Stop, Uninstall, Update
from mcoflow.actions.install_and_restart import InstallAndRestart
from mcoflow.actions.operation import Operate

__all__ = [
    "Disable",
    "Enable",
    "Install",
    "InstallAndRestart",
    "Operate",
    "Ping",
    "Restart",
    "Start",
    "Stop",
    "Uninstall",
    "Update",
]
