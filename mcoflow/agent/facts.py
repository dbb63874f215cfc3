"""What a host says of itself: facts of the machine, of mcoflow, and of the files in facts.d."""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mcoflow.agent.machine import machine_facts
from mcoflow.errors import MalformedMessageError
from mcoflow.wire import codec

MAX_FILES: Final = 100
MAX_FILE_BYTES: Final = 64 * 1024
MAX_FOLDER_BYTES: Final = 48 * 1024
"""All files together, as canonical JSON; the message that carries the facts has room for that."""
MAX_FOLDER_VALUES: Final = 2_500
"""Half of what a message may hold: the rest is for the machine's own facts."""

RESERVED: Final = "mcoflow"
_READ: Final = (".json", ".yaml", ".yml")

FactTree = dict[str, Any]
_Seen = tuple[int, int, int]  # inode, mtime in ns, bytes


@dataclass(slots=True)
class _FactFile:
    """One file as it was last seen: its last good facts, and why it is not good now."""

    seen: _Seen
    facts: FactTree
    error: str | None


class FactsFolder:
    """The files of facts.d. A bad one keeps its last good facts and is named; none is ever executed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files: dict[str, _FactFile] = {}

    def changed(self) -> bool:
        """Whether a file appeared, vanished or was written since `read`."""
        return {name: _seen(self._path / name) for name in self._names()} != {
            name: file.seen for name, file in self._files.items()
        }

    def read(self) -> tuple[FactTree, list[str]]:
        """Return the facts, later files winning per top-level key, and one line for each bad file."""
        names = self._names()
        self._files = {name: self._reread(name) for name in names[:MAX_FILES]}
        errors = [f"{name}: {file.error}" for name, file in self._files.items() if file.error]
        errors += [f"{name}: only {MAX_FILES} files are read" for name in names[MAX_FILES:]]
        merged, left_out = _merge({name: file.facts for name, file in self._files.items()})
        return merged, errors + left_out

    def _names(self) -> list[str]:
        try:
            return sorted(entry.name for entry in self._path.iterdir() if entry.suffix in _READ)
        except OSError:
            return []

    def _reread(self, name: str) -> _FactFile:
        path, before = self._path / name, self._files.get(name)
        seen = _seen(path)
        if before is not None and before.seen == seen and before.error is None:
            return before
        try:
            return _FactFile(seen, _parse(path), None)
        except (OSError, MalformedMessageError) as error:
            return _FactFile(seen, before.facts if before else {}, _one_line(error))


class Facts:
    """Everything a real host tells; `own` is the `mcoflow.*` part that the daemon knows."""

    def __init__(self, folder: Path, own: Mapping[str, Any]) -> None:
        self._folder = FactsFolder(folder)
        self._own = dict(own)

    def changed(self) -> bool:
        """Whether `read` would find other files than the last time."""
        return self._folder.changed()

    def read(self) -> FactTree:
        """Return all facts; what changes by itself each second is left out, or they were sent each time."""
        custom, errors = self._folder.read()
        return {**machine_facts(), **custom, RESERVED: {**self._own, "facts_errors": errors[:MAX_FILES]}}


def _parse(path: Path) -> FactTree:
    content = _content(path)
    facts = codec.loads(content, MAX_FILE_BYTES) if path.suffix == ".json" else _of_yaml(content)
    if RESERVED in facts:
        raise MalformedMessageError(f"the key {RESERVED} is reserved")
    codec.dumps(facts)  # also the rules that cost a walk over all values
    return facts


def _of_yaml(content: bytes) -> FactTree:
    if len(content) > MAX_FILE_BYTES:
        raise MalformedMessageError(f"at most {MAX_FILE_BYTES} bytes are accepted")
    from mcoflow.agent.yaml_facts import parse_yaml  # a host without such files need not load PyYAML

    return parse_yaml(content)


def _content(path: Path) -> bytes:
    """Read at most a byte too many, and nothing from what is no plain file or open to others."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        state = os.fstat(file.fileno())
        if not stat.S_ISREG(state.st_mode):
            raise MalformedMessageError("this is no plain file")
        if state.st_mode & 0o022 or state.st_uid not in (0, os.geteuid()):
            raise MalformedMessageError("others may write it: chown it to the agent's user, chmod go-w")
        return file.read(MAX_FILE_BYTES + 1)


def _merge(files: Mapping[str, FactTree]) -> tuple[FactTree, list[str]]:
    """Merge in the order of names; a file that would make it all too large is left out and named."""
    merged: FactTree = {}
    left_out = []
    for name, facts in files.items():
        wider = {**merged, **facts}
        data = codec.dumps(wider) if _count(wider) <= MAX_FOLDER_VALUES else b""
        if data and len(data) <= MAX_FOLDER_BYTES:
            merged = wider
        else:
            left_out.append(
                f"{name}: with it all files are over {MAX_FOLDER_BYTES // 1024} KiB or too many values"
            )
    return merged, left_out


def _count(value: object) -> int:
    if isinstance(value, dict):
        return 1 + sum(_count(inner) for inner in value.values())
    if isinstance(value, list):
        return 1 + sum(_count(inner) for inner in value)
    return 1


def _seen(path: Path) -> _Seen:
    try:
        state = path.stat()
    except OSError:
        return (0, 0, 0)
    return state.st_ino, state.st_mtime_ns, state.st_size


def _one_line(error: Exception) -> str:
    text = error.strerror or "cannot be read" if isinstance(error, OSError) else str(error)
    return text[:200]
