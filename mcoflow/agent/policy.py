"""What this host's owner allows of operations that could do anything: policy.toml as models. Nothing is
allowed that is not written there.

A pattern is a text in which `*` stands for any characters but `/`, and `**` for any characters. What a star
stands for never makes an option (a word that begins with `-`) nor a step up (`..`).
"""

import re
from collections.abc import Sequence
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from mcoflow.agent.policy_env import decides_what_runs

MORE: Final = "..."
"""As the last word of a command's argv: any further words, options too."""
_TOKENS: Final = re.compile(r"\*\*|\*|[^*]+")
_STEP_UP: Final = re.compile(r"(?<![A-Za-z0-9._-])\.\.(?![A-Za-z0-9._-])")
"""Also behind an option's sign, as in `--directory=..`."""


def _path(text: str) -> str:
    if not text.startswith("/") or ".." in text.split("/"):
        raise ValueError("write an absolute path without `..`")
    return text


def _argv(words: list[str]) -> list[str]:
    if not words[0].startswith("/") or "*" in words[0]:
        raise ValueError("the first word is the program: write its absolute path, without stars")
    if MORE in words[:-1]:
        raise ValueError(f"only the last word may be {MORE}")
    return words


Pattern = Annotated[str, Field(max_length=1024, pattern=r"^[^\x00]*$")]
PathPattern = Annotated[Pattern, AfterValidator(_path)]
UserName = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_-]{0,31}$", max_length=32)]
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$", max_length=64)]
Name = Annotated[str, Field(min_length=1, max_length=64)]


class _Rules(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Command(_Rules):
    """One command line that may be run, and as whom, where and with what."""

    argv: Annotated[list[Pattern], Field(min_length=1, max_length=64), AfterValidator(_argv)]
    users: Annotated[list[UserName], Field(max_length=64)] = []
    """Whom it may run as, the first unless asked otherwise; none: as the agent itself."""
    cwd: Annotated[list[PathPattern], Field(max_length=64)] = ["/"]
    env: Annotated[list[Variable], Field(max_length=64)] = []
    stdin: bool = False

    @model_validator(mode="after")
    def _no_way_around(self) -> Self:
        for name in self.env:
            if decides_what_runs(name):
                raise ValueError(f"env: {name} would decide which program runs, so nobody may set it")
        return self


class Files(_Rules):
    """Which files may be looked at, by the path they really have: links are followed first."""

    checksum: Annotated[list[PathPattern], Field(max_length=256)] | None = None
    """None: what everybody on the host may read."""
    read: Annotated[list[PathPattern], Field(max_length=256)] = []


class Processes(_Rules):
    """Which processes may get a signal, by the kernel's name for them."""

    signal: Annotated[list[Name], Field(max_length=256)] = []


class Policy(_Rules):
    """All that policy.toml says."""

    command: Annotated[list[Command], Field(max_length=256)] = []
    file: Files = Files()
    process: Processes = Processes()


def fits_any(patterns: Sequence[str], text: str) -> bool:
    """Whether a text fits one of the patterns."""
    return any(fits(pattern, text) for pattern in patterns)


def fits(pattern: str, text: str) -> bool:
    """Whether a text fits a pattern; see above what a star stands for. Time grows with the text only."""
    if "*" not in pattern:
        return text == pattern
    if _STEP_UP.search(text) or "\n" in text or (pattern[0] == "*" and text.startswith("-")):
        return False
    places = {0}
    for piece in _TOKENS.findall(pattern):
        places = _behind(piece, text, places)
        if not places:
            return False
    return len(text) in places


def fits_argv(patterns: Sequence[str], argv: Sequence[str]) -> bool:
    """Whether the words of a command fit, one for one."""
    if patterns[-1] == MORE:
        patterns = patterns[:-1]
        argv, more = argv[: len(patterns)], len(argv) >= len(patterns)
        if not more:
            return False
    return len(patterns) == len(argv) and all(map(fits, patterns, argv))


def _behind(piece: str, text: str, places: set[int]) -> set[int]:
    """Return where the piece may end if it begins at one of these places."""
    if piece == "**":
        return set(range(min(places), len(text) + 1))
    if piece != "*":
        return {place + len(piece) for place in places if text.startswith(piece, place)}
    found = set[int]()
    for place in sorted(places):
        if place not in found:
            slash = text.find("/", place)
            found.update(range(place, (len(text) if slash < 0 else slash) + 1))
    return found
