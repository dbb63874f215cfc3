"""What the daemon has to be told."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from mcoflow import __version__


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """The settings of one daemon. What concerns performing operations is told to the execution side.

    parallel: executions at a time, of each host. max_waiting: received and not begun, beyond it requests
    are rejected as busy. retention: how long an ended request is known, never under 9 days, because a
    request may be redelivered for 7. drain: what running work gets when the daemon is told to end.
    output_cap: most bytes kept of what one execution prints; a request may ask for less.
    """

    identity: str
    state_dir: Path
    collectives: tuple[str, ...] = ("main",)
    parallel: int = 4
    max_waiting: int = 1_000
    retention: timedelta = timedelta(days=30)
    facts_interval: timedelta = timedelta(minutes=5)
    presence_interval: timedelta = timedelta(seconds=60)
    drain: timedelta = timedelta(seconds=30)
    output_cap: int = 256 * 1024
    version: str = __version__
