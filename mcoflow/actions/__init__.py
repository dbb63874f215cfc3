"""The shipped actions; importing this package registers them."""

from mcoflow.actions.hosts import Install, Ping, Restart, Uninstall, Update
from mcoflow.actions.install_and_restart import InstallAndRestart

__all__ = ["Install", "InstallAndRestart", "Ping", "Restart", "Uninstall", "Update"]
