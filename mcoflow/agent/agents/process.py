"""The agent `process`: list processes, and send a signal to exactly the one that was seen."""

import contextlib
import os
import pwd
import signal as signals
from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from mcoflow.agent.operations import Agent, Context, Strict
from mcoflow.agent.policy import UserName, fits, fits_any
from mcoflow.agent.processes import boot_id, identity_of
from mcoflow.errors import OperationFailedError

MAX_LISTED: Final = 200
_PROC: Final = Path("/proc")
_COMMAND: Final = 128
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_STATE, _PARENT, _STARTED, _RESIDENT = 0, 1, 19, 21  # fields of /proc/<pid>/stat, counted after the name
_MOST: Final = 2**53 - 1
_TIMEOUT: Final = timedelta(seconds=30)

Pid = Annotated[int, Field(ge=1, le=2**31 - 1)]
Started = Annotated[
    int, Field(ge=0, le=_MOST, description="Ticks since the start of the machine, as `list` tells")
]
Boot = Annotated[str, Field(max_length=64, pattern=r"^[0-9a-f-]*$")]
Shown = Annotated[str, Field(max_length=_COMMAND)]


class Signal(StrEnum):
    """The signals that can be sent."""

    TERM = "TERM"
    HUP = "HUP"
    INT = "INT"
    QUIT = "QUIT"
    KILL = "KILL"
    USR1 = "USR1"
    USR2 = "USR2"
    STOP = "STOP"
    CONT = "CONT"


class Wanted(Strict):
    """Which processes; without a name all of them."""

    name: Annotated[str, Field(min_length=1, max_length=64, description="* stands for anything")] | None = (
        None
    )
    user: UserName | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_LISTED)] = 100


class Process(Strict):
    """One process; `pid` and `started` together name it for ever, until the machine is started again."""

    pid: Pid
    started: Started
    parent: Annotated[int, Field(ge=0)]
    name: Shown
    user: Shown
    state: Shown
    memory: Annotated[int, Field(ge=0, description="Bytes that are resident")]
    command: Shown


class Listed(Strict):
    """The processes by pid, as many as were asked for, and how many there are."""

    processes: Annotated[list[Process], Field(max_length=MAX_LISTED)]
    total: int
    boot: Boot


class Target(Strict):
    """Which process, as `list` told it, and which signal."""

    pid: Pid
    started: Started
    boot: Boot | None = None
    signal: Signal = Signal.TERM


class Sent(Strict):
    """Who got it."""

    changed: bool
    name: Shown
    user: Shown


agent: Final = Agent("process")


def list_processes(given: Wanted) -> Listed:
    """Look at /proc; what a process writes into its own name is told as text."""
    found = [each for each in _all() if _is_wanted(each, given)]
    found.sort(key=lambda process: process.pid)
    return Listed(processes=found[: given.limit], total=len(found), boot=boot_id())


list_processes.__name__ = "list"
agent.operation(summary="List processes", timeout=_TIMEOUT, idempotent=True, changes=False)(list_processes)


@agent.operation(
    summary="Send a signal to a process that the host's policy allows", timeout=_TIMEOUT, check=True
)
def signal(given: Target, context: Context) -> Sent:
    """Hold on to the process, see that it is the one that was meant, then send the signal."""
    try:
        held = os.pidfd_open(given.pid)
    except OSError as error:
        raise _gone(given) from error
    try:
        process = _meant(given, context)
        if not context.check:
            signals.pidfd_send_signal(held, signals.Signals[f"SIG{given.signal}"])
    except ProcessLookupError as error:
        raise _gone(given) from error
    except PermissionError as error:
        raise OperationFailedError(
            "no_permission", f"the agent may not signal process {given.pid}"
        ) from error
    finally:
        os.close(held)
    return Sent(changed=True, name=process.name, user=process.user)


def _meant(given: Target, context: Context) -> Process:
    identity = identity_of(given.pid)
    if identity is None or (given.boot is not None and identity.boot_id != given.boot):
        raise _gone(given)
    if identity.started != given.started:
        raise OperationFailedError(
            "another_process",
            f"process {given.pid} is not the one that was seen: its pid is used again; list anew",
        )
    process = _process(given.pid)
    if process is None:
        raise _gone(given)
    if context.is_agent(given.pid):
        raise OperationFailedError(
            "not_allowed", f"process {given.pid} is the init system, the agent itself or one of its workers"
        )
    if not fits_any(context.policy.process.signal, process.name):
        raise OperationFailedError(
            "not_allowed",
            f"this host's policy.toml does not allow it: [process] signal has no pattern for {process.name}",
        )
    return process


def _gone(given: Target) -> OperationFailedError:
    return OperationFailedError("not_found", f"process {given.pid} is gone")


def _is_wanted(process: Process, wanted: Wanted) -> bool:
    named = wanted.name is None or fits(wanted.name, process.name)
    return named and wanted.user in (None, process.user)


def _all() -> Iterator[Process]:
    for entry in _PROC.iterdir():
        process = _process(int(entry.name)) if entry.name.isdigit() else None
        if process is not None:
            yield process


def _process(pid: int) -> Process | None:
    """Return what the kernel tells of a process; None if it is gone."""
    folder = _PROC / str(pid)
    try:
        line = (folder / "stat").read_bytes().decode("utf-8", "replace")
        command = (folder / "cmdline").read_bytes()[: 8 * _COMMAND]
        owner = folder.stat().st_uid
    except OSError:
        return None
    name, fields = line[line.index("(") + 1 : line.rindex(")")], line[line.rindex(")") + 1 :].split()
    return Process(
        pid=pid,
        started=int(fields[_STARTED]),
        parent=int(fields[_PARENT]),
        name=_shown(name),
        user=_user(owner),
        state=fields[_STATE],
        memory=max(0, int(fields[_RESIDENT])) * _PAGE,
        command=_shown(command.replace(b"\x00", b" ").decode("utf-8", "replace").strip()),
    )


def _shown(text: str) -> str:
    return "".join(each if each.isprintable() else "\ufffd" for each in text)[:_COMMAND]


def _user(uid: int) -> str:
    with contextlib.suppress(KeyError):
        return pwd.getpwuid(uid).pw_name[:_COMMAND]
    return str(uid)
