"""Which processes are the agent itself: its daemon, and every worker with what that has started."""

import os
from pathlib import Path
from typing import Final

from mcoflow.agent.state_dir import LOCK

WORKER: Final = "mcoflow.agent.worker_main"
"""The module that every worker runs: its command line names it."""
_PROC: Final = Path("/proc")
_INIT: Final = 1


def belongs_to_agent(pid: int, job: Path) -> bool:
    """Whether it is init, the daemon, or in the group of a worker; `job` is the own job's directory.

    The daemon is looked up in its lock: after a restart it is not the parent of a worker it took over.
    """
    if pid in (_INIT, os.getpid(), os.getppid(), _daemon(job.parent.parent)):
        return True
    try:
        return _is_worker(os.getpgid(pid))
    except ProcessLookupError:
        return False


def _daemon(state_dir: Path) -> int | None:
    try:
        held = (state_dir / LOCK).read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None
    return int(held) if held.isdigit() else None


def _is_worker(leader: int) -> bool:
    """Only of our own user: anybody else can write what he likes into his command line."""
    folder = _PROC / str(leader)
    try:
        words = (folder / "cmdline").read_bytes().split(b"\x00")
        return WORKER.encode() in words and folder.stat().st_uid == os.geteuid()
    except OSError:
        return False
