"""What may stand in a target: names of hosts and patterns of them, of groups, agents, collectives, facts."""

import re
from typing import Final

from mcoflow.domain.ids import host_id
from mcoflow.domain.safe_regex import checked_regex
from mcoflow.errors import InputInvalidError, TargetInvalidError

MAX_PATTERN: Final = 200
MAGIC: Final = re.compile(r"[*?\[]")
"""What makes a name a pattern."""
_GLOB: Final = re.compile(r"(?:[a-z0-9.*?-]|\[!?[a-z0-9.-]+\])+")
_LABEL: Final = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_ESCAPED_SLASH: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\/")


def identity_name(value: str) -> str:
    """Return the name of a host; TargetInvalidError for what is none."""
    try:
        return host_id(value)
    except InputInvalidError as error:
        raise TargetInvalidError(str(error)) from None


def glob_name(value: str) -> str:
    """Return a pattern of names, or a name; TargetInvalidError for what is neither."""
    lowered = value.lower()
    if len(value) > MAX_PATTERN or not _GLOB.fullmatch(lowered):
        raise TargetInvalidError(
            f"{_shown(value)} is no pattern of host names: letters, digits, '.', '-', *, ? and [abc], "
            f"{MAX_PATTERN} at most"
        )
    return lowered if MAGIC.search(lowered) else identity_name(lowered)


def label(value: str) -> str:
    """Return the name of a group, an agent or a collective; TargetInvalidError for what is none."""
    if not _LABEL.fullmatch(value):
        raise TargetInvalidError(
            f"{_shown(value)} is no such name: small letters, digits, '-' and '_', beginning with a letter, "
            "64 at most"
        )
    return value


def slashless_regex(value: str) -> str:
    r"""Take `\/` as `/`: only between slashes it has to be written so."""
    return checked_regex(_ESCAPED_SLASH.sub(r"\1/", value))


def check_path(path: str) -> None:
    """Raise TargetInvalidError for what cannot be the path of a fact."""
    if not 0 < len(path) <= MAX_PATTERN or not path.isprintable() or not all(path.split(".")):
        raise TargetInvalidError(f"{_shown(path)} is no name of a fact: words between dots, like os.family")


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:77] + "...")
