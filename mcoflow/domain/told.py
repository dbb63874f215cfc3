"""What went wrong, in one line for tables and summaries; the whole text stays with its step. Pure."""

from __future__ import annotations

from typing import Final

_TRACEBACK: Final = "Traceback (most recent call last)"
_FATAL: Final = "Fatal Python error"
"""Begins the line that says it; below are only stacks."""
_NO_RESULT: Final = "and left no result"
"""What is said of a worker that died, before what it printed last. The words of agents."""


def in_one_line(message: str) -> str:
    """Return the text as one line; of a traceback, or what a dead worker printed, only the last line."""
    lines = [" ".join(line.split()) for line in message.splitlines() if line.strip()]
    whole = " ".join(lines)
    said, dead, _ = whole.partition(_NO_RESULT)
    before, trace, _ = whole.partition(_TRACEBACK)
    if len(lines) < 2 or not (dead or trace):
        return whole
    head = (said + dead if dead else before).rstrip(": ")
    _, fatal, stack = "\n".join(lines).partition(_FATAL)
    last = fatal + stack.partition("\n")[0] if fatal else lines[-1]
    return f"{head}: {last}" if head else last
