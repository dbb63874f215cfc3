"""Names of hosts on the command line: refused in the same words by every command."""

from collections.abc import Iterable

from mcoflow.domain.ids import host_id
from mcoflow.domain.target_names import MAGIC
from mcoflow.errors import InputInvalidError


def host_names(words: Iterable[str], *, instead: str = "say --target {!r}") -> list[str]:
    """Return the identities in words that may hold several between commas, each once.

    `instead`: what to do for whoever writes a pattern.

    Raises:
        InputInvalidError: one of them is no name of a host.
    """
    named = [name for word in words for name in word.split(",") if name.strip()]
    if pattern := next((name for name in named if MAGIC.search(name)), None):
        raise InputInvalidError(
            f"{pattern[:80]!r} is a pattern, no host name: {instead.format(pattern[:80])}"
        )
    return list(dict.fromkeys(host_id(name) for name in named))
