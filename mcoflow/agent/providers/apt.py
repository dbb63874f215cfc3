"""What dpkg and apt tell: what is installed, what could be, what a command would do. Nothing here changes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mcoflow.agent.providers.port import PackageFound, PackageMove
from mcoflow.agent.providers.tools import Ended, run_tool
from mcoflow.errors import OperationFailedError

DEBIAN_NAME: Final = re.compile(r"[a-z0-9][a-z0-9+.-]*[a-z0-9+.](:[a-z0-9-]{1,16})?")
"""Debian's own rule, and no `-` at the end: apt would take `nginx-` for the wish to remove nginx."""

Versions = Mapping[str, str]

_UNFINISHED: Final = frozenset("UFWt")  # unpacked, half-configured, triggers awaited or pending
_SIMULATED: Final = re.compile(r"(Inst|Remv|Purg) (\S+)(?: \[([^\]]+)\])?(?: \((\S+) )?")
_CANDIDATE: Final = re.compile(r"^  Candidate: (\S+)$", re.MULTILINE)
_REASONS: Final = (
    ("not_root", re.compile(r"are you root\?|requires superuser|Permission denied\)")),
    (
        "locked",
        re.compile(r"[Cc]ould not get lock|Unable to (?:acquire|lock)|lock was locked by another|is locked"),
    ),
    ("no_space", re.compile(r"No space left on device|not have enough free space")),
    (
        "not_found",
        re.compile(r"Unable to locate package|Version '.*' for '.*' was not found|no installation cand"),
    ),
    ("fetch_failed", re.compile(r"Failed to fetch|Temporary failure resolving|Unable to fetch")),
    ("unmet_dependencies", re.compile(r"unmet dependencies|held broken packages")),
)


@dataclass(frozen=True, slots=True)
class Installed:
    """Every installed package with its version, and the names of those that dpkg left half done."""

    versions: Versions
    unfinished: tuple[str, ...]


def plain_name(package: str) -> str:
    """Return the name as `installed` lists it: without this machine's own architecture.

    Raises OperationFailedError `invalid_name` for what Debian never calls a package.
    """
    if DEBIAN_NAME.fullmatch(package) is None:
        raise OperationFailedError("invalid_name", f"{package!r} is no Debian package name")
    name, _, architecture = package.partition(":")
    return name if architecture in ("", "all", _own_architecture()) else package


def installed() -> Installed:
    """Ask dpkg what is installed."""
    form = "${Package}\t${Architecture}\t${Version}\t${db:Status-Abbrev}\n"
    own = _own_architecture()
    versions, unfinished = {}, []
    for line in _asked(["dpkg-query", "--show", f"--showformat={form}"]).splitlines():
        name, architecture, version, status = line.split("\t")
        called = name if architecture in ("all", own) else f"{name}:{architecture}"
        if status[1] == "i" or status[1] in _UNFINISHED:
            versions[called] = version
        if status[1] in _UNFINISHED:
            unfinished.append(called)
    return Installed(versions, tuple(unfinished))


def candidate(package: str) -> str | None:
    """Return the version that apt would install now, None when its sources have none."""
    found = _CANDIDATE.search(_asked(["apt-cache", "policy", "--", package]))
    return found[1] if found and found[1] != "(none)" else None


def search(text: str) -> Sequence[PackageFound]:
    """Return the packages whose name contains the text, by name. apt takes it for a regular expression."""
    lines = _asked(["apt-cache", "search", "--names-only", "--", re.escape(text)]).splitlines()
    found = (line.partition(" - ") for line in sorted(lines))
    return [PackageFound(name, summary) for name, _, summary in found]


def predicted(arguments: Sequence[str]) -> tuple[PackageMove, ...]:
    """Let apt simulate `apt-get <arguments>` and return what it would move; it takes no lock."""
    ended = run_tool(["apt-get", "--simulate", "--yes", *arguments], log=True)
    if ended.exit_code:
        raise failure(ended)
    moves: dict[str, PackageMove] = {}
    for line in ended.stdout.splitlines():
        if found := _SIMULATED.match(line):
            word, name, before, after = found.groups()
            moves[name] = PackageMove(name, before, after if word == "Inst" else None)
    return tuple(moves.values())


def moved(before: Versions, after: Versions) -> tuple[PackageMove, ...]:
    """Return every package whose version differs, by name."""
    names = sorted(before.keys() | after.keys())
    changed = [name for name in names if before.get(name) != after.get(name)]
    return tuple(PackageMove(name, before.get(name), after.get(name)) for name in changed)


def failure(ended: Ended) -> OperationFailedError:
    """Make the error for a tool that failed: a known reason from its words, else `exit`."""
    reason = next((word for word, sign in _REASONS if sign.search(ended.output)), "exit")
    complaints = [line for line in ended.output.splitlines() if line.startswith(("E: ", "dpkg: error"))]
    said = "; ".join(complaints[:3]) or f"the package tool ended with exit code {ended.exit_code}"
    return OperationFailedError(reason, said[:1_000], exit_code=ended.exit_code)


def _own_architecture() -> str:
    return _asked(["dpkg", "--print-architecture"]).strip()


def _asked(argv: Sequence[str]) -> str:
    ended = run_tool(argv)
    if ended.exit_code:
        raise failure(ended)
    return ended.stdout
