"""What this machine is by its settings: all in one process, a server, a managed host, or both."""

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mcoflow.bootstrap.settings import is_in_process
from mcoflow.bootstrap.state import LOCK
from mcoflow.config import Config

AGENT_LOCK: Final = "lock"
"""As `mcoflow.agent.state_dir` calls it, which is not loaded for a look."""


@dataclass(frozen=True, slots=True)
class Roles:
    """`embedded`: server and agent are one process, `mcoflow up`."""

    server: bool
    agent: bool
    embedded: bool = False

    @property
    def words(self) -> str:
        """Say it, and which setting says so."""
        if self.embedded:
            return "everything in one process: [broker] url is inside `mcoflow up`"
        if self.server and self.agent:
            return "server and managed host"
        if self.agent:
            return "managed host; with [server] database or [web] it would be a server, too"
        return "server; with a key in [agent] it would be a managed host, too"


def roles_of(config: Config) -> Roles:
    """Judge by what was set: where a state directory is says nothing, for it has a default for everybody."""
    if is_in_process(config.broker):
        return Roles(server=True, agent=True, embedded=True)
    agent, server = config.agent, config.server
    is_agent = bool(agent.model_fields_set - {"state_dir"})
    is_agent = is_agent or agent.state_dir != server.state_dir / "agent"
    is_server = bool(server.model_fields_set - {"state_dir"}) or bool(config.web.model_fields_set)
    return Roles(server=is_server or not is_agent, agent=is_agent)


def up_holder(config: Config) -> int | None:
    """Return the process of `mcoflow up` that holds the state directory; None if nobody does."""
    return _holder(config.server.state_dir / LOCK)


def agent_holder(config: Config) -> int | None:
    """Return the process of the agent that holds its state directory; None if nobody does."""
    return _holder(config.agent.state_dir / AGENT_LOCK)


def last_up(config: Config) -> tuple[int, float] | None:
    """Return the process that held the state directory last and when it began; None: there was none."""
    path = config.server.state_dir / LOCK
    try:
        return int(path.read_text()), path.stat().st_mtime
    except (OSError, ValueError):
        return None


def _holder(lock: Path) -> int | None:
    """Return the process that has locked the file, 0 if it cannot be told which; nothing is made or kept."""
    try:
        opened = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        found = os.pread(opened, 32, 0).decode("ascii", "replace").strip()
        return int(found) if found.isdecimal() else 0
    finally:
        os.close(opened)
    return None
