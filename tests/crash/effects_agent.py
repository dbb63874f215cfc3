"""A plug-in agent for crash tests: its operations leave a trace on disk, synced by themselves.

Loaded in worker processes as the module `effects_agent` of an installed package; see effects_plugin.
"""

import json
import os
import signal
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field

from mcoflow.agent.operations import Agent, Strict

agent = Agent("effects")
Word = Annotated[str, Field(max_length=64, pattern="^[a-z0-9-]*$")]


class Task(Strict):
    """`key` is written into the trace; with `gate` it goes on once a file of that name exists."""

    key: Word
    gate: Word = ""
    stubborn: bool = False


class Made(Strict):
    """The key again."""

    key: Word


def leave_trace(event: str, key: str, **about: str | int) -> None:
    """Append a line to the log, synced, so that it is there however this process ends."""
    line = json.dumps({"event": event, "key": key, "pid": os.getpid(), "at": time.time(), **about}) + "\n"
    log = os.open(os.environ["EFFECTS_DIR"] + "/log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(log, line.encode())
    os.fsync(log)
    os.close(log)


def _perform(task: Task, operation: str) -> Made:
    if task.stubborn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    job = Path(sys.argv[1])  # the worker's own directory is called like the request
    order = json.loads((job / "job.json").read_text())
    about = {"request": job.name, "run": order["run"], "host": order["host"], "operation": operation}
    leave_trace("begin", task.key, **about)
    gate = Path(os.environ["EFFECTS_DIR"], task.gate)
    while task.gate and not gate.exists():
        threading.Event().wait(0.02)
    leave_trace("end", task.key, **about)
    return Made(key=task.key)


@agent.operation(summary="Leave a trace", timeout=timedelta(minutes=1), idempotent=False)
def once(given: Task) -> Made:
    """Leave a trace; never to be done twice."""
    return _perform(given, "once")


@agent.operation(summary="Leave a trace again", timeout=timedelta(minutes=1), idempotent=True)
def again(given: Task) -> Made:
    """Leave a trace; may be done twice."""
    return _perform(given, "again")
