"""What Linux tells of processes: who one is for ever, and who is left of a group."""

from pathlib import Path
from typing import Final

from mcoflow.agent.execution import WorkerIdentity

_PROC: Final = Path("/proc")
_STATE, _GROUP, _STARTED = 0, 2, 19  # fields of /proc/<pid>/stat, counted after the name


def identity_of(pid: int) -> WorkerIdentity | None:
    """Return the identity of a process, None if it is gone or only waits to be reaped."""
    fields = _stat(pid)
    if fields is None or fields[_STATE] in ("Z", "X"):
        return None
    return WorkerIdentity(pid, int(fields[_STARTED]), boot_id())


def boot_id() -> str:
    """Return the kernel's name for this boot of the machine."""
    return (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def group_is_empty(group: int) -> bool:
    """Whether no process of the group lives; one that only waits to be reaped does not."""
    return not members(group)


def members(group: int) -> set[int]:
    """Return the processes of the group that live."""
    found = set()
    for entry in _PROC.iterdir():
        fields = _stat(int(entry.name)) if entry.name.isdigit() else None
        if fields is not None and int(fields[_GROUP]) == group and fields[_STATE] not in ("Z", "X"):
            found.add(int(entry.name))
    return found


def _stat(pid: int) -> list[str] | None:
    try:
        line = (_PROC / str(pid) / "stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    return line[line.rindex(")") + 1 :].split()
