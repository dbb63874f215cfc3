"""Fake system tools, first in PATH, that write down their arguments; and names meant to do harm."""

import os
import random
import string
from collections.abc import Iterator
from pathlib import Path

RECORD = """#!/bin/sh
{ for word in "$0" "$@"; do printf '%s\\037' "$word"; done; printf '\\036'; } >> "$TRAP_LOG"
"""
ALLOWED = string.ascii_letters + string.digits + "+._@-:"
DANGEROUS = " \t\n;|&$`'\"\\<>(){}[]*?!#%^=,/\x00\x1b\u202e\uff0dé-"


def set_trap(folder: Path, tools: dict[str, str]) -> Path:
    """Make the tools, each a body of shell after its arguments were recorded; return their folder."""
    folder.mkdir()
    for name, body in tools.items():
        tool = folder / name
        tool.write_text(RECORD + body)
        tool.chmod(0o755)
    return folder


def recorded(log: Path) -> list[list[str]]:
    """Return the argument lists that reached the tools, the tool's base name first."""
    if not log.exists():
        return []
    calls = [call.split("\x1f")[:-1] for call in log.read_text().split("\x1e")[:-1]]
    return [[os.path.basename(call[0]), *call[1:]] for call in calls]  # noqa: PTH119


def hostile_names(count: int, seed: int = 1) -> Iterator[str]:
    """Yield names made to be options, commands, paths and patterns; a few happen to be allowed."""
    chance = random.Random(seed)
    stems = ("nginx", "-rf", "--purge", "$(id)", "`id`", "../../etc", "a;reboot", "g++", "x", "")
    for _ in range(count):
        alphabet = ALLOWED if chance.random() < 0.1 else ALLOWED + DANGEROUS * 2
        tail = "".join(chance.choice(alphabet) for _ in range(chance.choice((0, 1, 1, 2, 2, 5, 9, 200))))
        yield chance.choice(stems) + tail
