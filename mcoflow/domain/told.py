"""What went wrong, in one line for tables and summaries; the whole text stays with its step. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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


def together(told: Iterable[tuple[str, str]], *, most: int, named: int) -> str:
    """Return what happened where, the same text once: `web1, web2 and 3 more: no space; db1: no package`.

    `told` are hosts, empty for none, with texts. At most so many texts are told, each with at most `named`
    hosts.
    """
    hosts: dict[str, dict[str, None]] = {}
    for host, text in told:
        hosts.setdefault(text, {})[host] = None
    lines = [f"{_some([each for each in where if each], named)}{text}" for text, where in hosts.items()]
    left = len(lines) - most
    return "; ".join([*lines[:most], *([f"and {left} more"] if left > 0 else [])])


def says(told: str, text: str) -> bool:
    """Whether a text is told already: as the whole, or as a part after a colon or semicolon."""
    return any(f"{sign} {text}" in f": {told}" for sign in ":;")


def _some(hosts: Sequence[str], named: int) -> str:
    more = f" and {len(hosts) - named} more" if len(hosts) > named else ""
    return f"{', '.join(hosts[:named])}{more}: " if hosts else ""
