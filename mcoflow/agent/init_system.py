"""Which init system runs here: told by what runs, since a mere systemctl proves nothing."""

import platform
from enum import StrEnum
from pathlib import Path

from mcoflow.errors import ConfigError


class InitSystem(StrEnum):
    """Who starts and stops services on a host."""

    SYSTEMD = "systemd"
    OPENRC = "openrc"
    LAUNCHD = "launchd"
    RUNIT = "runit"
    SYSVINIT = "sysvinit"
    NONE = "no_init"  #: nothing known: services cannot be controlled


def find_init(root: Path = Path("/"), kernel: str | None = None) -> InitSystem:
    """Return the init system that runs below `root`; the first mark that is found decides."""
    marks = (
        ((root / "run/systemd/system").is_dir(), InitSystem.SYSTEMD),
        ((root / "run/openrc").is_dir(), InitSystem.OPENRC),
        ((kernel or platform.system()) == "Darwin", InitSystem.LAUNCHD),
        ((root / "run/runit").is_dir() or _first_process(root) == "runit", InitSystem.RUNIT),
        ((root / "etc/init.d").is_dir(), InitSystem.SYSVINIT),
    )
    return next((init for found, init in marks if found), InitSystem.NONE)


def chosen_init(setting: str, root: Path = Path("/")) -> InitSystem:
    """Return what `[agent] init` says, finding it for `auto`; raise ConfigError for another word."""
    if setting == "auto":
        return find_init(root)
    try:
        return InitSystem(setting)
    except ValueError:
        words = ", ".join(InitSystem)
        raise ConfigError(f"[agent] init is {setting!r}: write auto, or one of {words}") from None


def _first_process(root: Path) -> str:
    try:
        return (root / "proc/1/comm").read_text(encoding="utf-8").strip()
    except OSError:
        return ""
