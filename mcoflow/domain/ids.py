"""Names of hosts and executors, as people and as the broker write them."""

import re
from random import Random
from typing import Final
from uuid import UUID

from mcoflow.errors import InputInvalidError

HOST_PATTERN: Final = r"[a-z0-9]([a-z0-9.-]{0,56}[a-z0-9])?"
"""58 characters at the most: a certificate's common name holds 64 with `agent-` before it."""
HOST_AS_WRITTEN: Final = HOST_PATTERN.replace("a-z", "a-zA-Z")
"""As people may write it; it is kept in lower case."""

_HOST: Final = re.compile(HOST_PATTERN)
_WORD_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz0123456789"


def host_id(text: str) -> str:
    """Return the identity, lower-cased; raise InputInvalidError for what is no identity of a host."""
    identity = text.strip().lower()
    if _HOST.fullmatch(identity) is None or ".." in identity:
        shown = text if len(text) <= 80 else text[:77] + "..."
        raise InputInvalidError(
            f"{shown!r} is no host name: letters, digits, '.' and '-', 1 to 58 of them, "
            "beginning and ending with a letter or digit"
        )
    return identity


def host_token(identity: str) -> str:
    """Return the identity as the broker sees it: `.` separates words of a routing key, so it becomes `_`."""
    return identity.replace(".", "_")


def host_of_token(token: str) -> str:
    """Undo host_token; an identity has no `_` of its own."""
    return token.replace("_", ".")


def new_executor_token(chance: Random) -> str:
    """Draw the name of one registration of an executor: `x-` and 12 of a-z0-9."""
    return "x-" + "".join(chance.choice(_WORD_ALPHABET) for _ in range(12))


def new_uuid(chance: Random) -> UUID:
    """Draw a UUID4 without a system call, which on the hot path costs more than all else about a request."""
    return UUID(int=chance.getrandbits(128), version=4)
