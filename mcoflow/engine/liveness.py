"""Whether a process of this machine that registered a world still lives."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import psutil


def this_process() -> dict[str, Any]:
    """Return what identifies this process on this boot of this machine, for a world's row."""
    return {
        "hostname": socket.gethostname(),
        "boot": _boot_id(),
        "pid_space": _pid_space(),
        "pid": os.getpid(),
        "began": psutil.Process().create_time(),
    }


def proven_dead(meta: dict[str, Any]) -> bool:
    """Whether the process is certainly gone; False for one of another machine, of which nothing is known."""
    here = this_process()
    if any(meta.get(key) != here[key] for key in ("hostname", "pid_space")) or not here["boot"]:
        return False
    if meta.get("boot") != here["boot"]:
        return meta.get("boot") is not None  # this machine was started again since
    try:
        began = psutil.Process(int(meta["pid"])).create_time()
    except psutil.NoSuchProcess:
        return True
    except (KeyError, ValueError, psutil.Error):
        return False
    return abs(began - float(meta.get("began", 0))) > 1.0


def _boot_id() -> str:
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text().strip() if path.exists() else ""


def _pid_space() -> str:
    path = Path("/proc/self/ns/pid")
    return str(path.readlink()) if path.exists() else ""
