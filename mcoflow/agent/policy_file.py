"""policy.toml: read at the start and on HUP, and believed only if nobody else may write it."""

import difflib
import logging
import os
import stat
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from mcoflow.agent.policy import Command, Files, Policy, Processes
from mcoflow.errors import ConfigError

log = logging.getLogger(__name__)

MAX_SIZE: Final = 64 * 1024
_WRITABLE_BY_OTHERS: Final = 0o022
_FAULTS_NAMED: Final = 5
_TABLES: Final[Mapping[str, type[BaseModel]]] = {"command": Command, "file": Files, "process": Processes}


class PolicyFile:
    """The policy of this host as it holds now."""

    def __init__(self, path: Path, *, required: bool = False) -> None:
        """Read it; errors as read_policy."""
        self._path, self._required = path, required
        self.current = read_policy(path, required=required)

    def reload(self) -> None:
        """Read it again; one that cannot be read or believed changes nothing, and the log says why."""
        try:
            self.current = read_policy(self._path, required=self._required)
        except ConfigError as error:
            log.error("policy.refused", extra={"why": str(error)})


def read_policy(path: Path, *, required: bool = False) -> Policy:
    """Read what is allowed; without a file that is nothing, unless it is `required`.

    Raises:
        ConfigError: it is not there, cannot be read, others may write it, or a rule is wrong; names them all.
    """
    try:
        content = _trusted_content(path)
    except FileNotFoundError:
        if required:
            raise ConfigError(
                f"[agent] policy: there is no {path}: write it, or take the key out (nothing is allowed then)"
            ) from None
        return Policy()
    except OSError as error:
        raise ConfigError(f"[agent] policy: {path} cannot be read: {error.strerror}") from None
    try:
        return Policy.model_validate(tomllib.loads(content.decode("utf-8")))
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is no TOML: {error}") from None
    except ValidationError as error:
        faults = [_in_words(path, fault) for fault in error.errors(include_url=False)]
        raise ConfigError("\n".join(faults[:_FAULTS_NAMED])) from None


def _trusted_content(path: Path) -> bytes:
    """Return the bytes of the very file that was looked at."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise ConfigError(f"[agent] policy: {path} is no file")
        if found.st_mode & _WRITABLE_BY_OTHERS:
            raise ConfigError(f"{path} can be written by others than its owner: chmod go-w {path}")
        if found.st_uid not in (0, os.geteuid()):
            raise ConfigError(f"{path} belongs to another user: chown it to this one, or to root")
        content = file.read(MAX_SIZE + 1)
    if len(content) > MAX_SIZE:
        raise ConfigError(f"{path} is over {MAX_SIZE // 1024} KiB")
    return content


def _in_words(path: Path, fault: Any) -> str:
    """Name the rule, counted from 1 as people count."""
    place = [str(part + 1) if isinstance(part, int) else part for part in fault["loc"]]
    why = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        why = _unknown_key(place)
    return f"{path}: {' '.join(place) or 'the file'}: {why}"


def _unknown_key(place: Sequence[str]) -> str:
    """Say that there is no such key, and which are near; all that there are if none is."""
    *table, key = place
    known = list((_TABLES[table[0]] if table else Policy).model_fields)
    near = difflib.get_close_matches(key[:80], known)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}"
    return f"there is no such key: {hint}"
