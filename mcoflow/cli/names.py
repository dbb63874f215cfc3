"""Names of hosts on the command line: refused in the same words by every command."""

from collections.abc import Iterable

from mcoflow.domain.ids import host_id


def host_names(words: Iterable[str]) -> list[str]:
    """Return the identities in words that may hold several between commas, each once.

    Raises:
        InputInvalidError: one of them is no name of a host.
    """
    named = (name for word in words for name in word.split(","))
    return list(dict.fromkeys(host_id(name) for name in named if name.strip()))
