"""The facts of the machine itself: system, processor, memory, disks, network, start."""

import os
import platform
import socket
from datetime import UTC, datetime
from typing import Any, Final

import distro
import psutil

MAX_INTERFACES: Final = 32
MAX_DISKS: Final = 32
_PSEUDO: Final = frozenset({"squashfs", "overlay", "tmpfs", "devtmpfs", "autofs", "nsfs", "fuse.snapfuse"})


def machine_facts() -> dict[str, Any]:
    """Return `os`, `cpu`, `memory`, `disk`, `net` and `uptime`; sizes in bytes, times in UTC."""
    return {
        "os": _system(),
        "cpu": {"count": os.cpu_count() or 1, "cores": psutil.cpu_count(logical=False) or 1},
        "memory": {"total": psutil.virtual_memory().total, "swap": psutil.swap_memory().total},
        "disk": _disks(),
        "net": _network(),
        "uptime": {"since": datetime.fromtimestamp(psutil.boot_time(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")},
    }


def _system() -> dict[str, Any]:
    found = distro.LinuxDistribution(include_lsb=False, include_uname=False)  # neither starts a process
    return {
        "name": found.name() or platform.system(),
        "id": found.id() or platform.system().lower(),
        "like": found.like().split(),
        "version": found.version(best=True) or platform.release(),
        "codename": found.codename(),
        "kernel": platform.release(),
        "architecture": platform.machine(),
    }


def _disks() -> dict[str, Any]:
    mounted = [part for part in psutil.disk_partitions() if part.fstype not in _PSEUDO][:MAX_DISKS]
    return {
        _text(part.mountpoint): {"type": part.fstype, "total": _size(part.mountpoint)} for part in mounted
    }


def _text(name: str) -> str:
    """Return the name as valid text: the kernel allows any bytes, a message does not."""
    return name.encode("utf-8", "replace").decode()


def _size(mountpoint: str) -> int | None:
    try:
        return psutil.disk_usage(mountpoint).total
    except OSError:
        return None


def _network() -> dict[str, Any]:
    addresses = sorted(psutil.net_if_addrs().items())[:MAX_INTERFACES]
    return {
        "hostname": socket.gethostname(),
        "interfaces": {_text(name): _interface(found) for name, found in addresses if name != "lo"},
    }


def _interface(found: list[Any]) -> dict[str, Any]:
    kinds = {socket.AF_INET: "ipv4", socket.AF_INET6: "ipv6", psutil.AF_LINK: "mac"}
    listed: dict[str, list[str]] = {}
    for address in found:
        if address.family in kinds:
            listed.setdefault(kinds[address.family], []).append(address.address.split("%")[0])
    return dict(listed)
