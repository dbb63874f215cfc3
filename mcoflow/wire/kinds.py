"""The words and limits of the messages. The values are sent: add new ones, never rename.

Source: the project's bus specification, 3.3.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

KIB: Final = 1024
ARGS_LIMIT: Final = 48 * KIB
VALUES_LIMIT: Final = 64 * KIB
MESSAGE_LIMIT: Final = 4 * KIB
TAIL_LIMIT: Final = 8 * KIB
REASON_LIMIT: Final = 256
CALLER_LIMIT: Final = 128
PART_LIMIT: Final = 120 * KIB
"""Of facts and of operations: both fit into one presence."""
CHUNKS_LIMIT: Final = 1_000_000
"""Of one request: its chunks are counted from 0."""


class Kind(StrEnum):
    """What a message is."""

    REQUEST = "request"
    CANCEL = "cancel"
    QUERY = "query"
    DISCOVER = "discover"
    ACCEPTED = "accepted"
    PROGRESS = "progress"
    OUTPUT = "output"
    RESULT = "result"
    PRESENCE = "presence"


SIZE_LIMITS: Final[Mapping[Kind, int]] = {
    Kind.REQUEST: 64 * KIB,
    Kind.CANCEL: 8 * KIB,
    Kind.QUERY: 8 * KIB,
    Kind.DISCOVER: 8 * KIB,
    Kind.ACCEPTED: 4 * KIB,
    Kind.PROGRESS: 4 * KIB,
    Kind.OUTPUT: 64 * KIB,
    Kind.RESULT: 256 * KIB,
    Kind.PRESENCE: 256 * KIB,
}


class Work(StrEnum):
    """Where the host stands with a request, as `progress` says it."""

    QUEUED = "queued"
    EXECUTING = "executing"
    STOPPING = "stopping"
    UNKNOWN = "unknown"


class Outcome(StrEnum):
    """How a request ended on the host. A receiver counts a word it does not know as failed.

    cancelled: before it started, nothing was run. killed: after the start, with `reason` cancel or timeout.
    """

    OK = "ok"
    FAILED = "failed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    KILLED = "killed"
    INTERRUPTED = "interrupted"
    JOURNAL_LOST = "journal_lost"


class Refusal(StrEnum):
    """Why a request was rejected: nothing was run."""

    MALFORMED = "malformed"
    UNSUPPORTED_VERSION = "unsupported_version"
    UNKNOWN_AGENT = "unknown_agent"
    UNKNOWN_OPERATION = "unknown_operation"
    INVALID_ARGS = "invalid_args"
    EXPIRED = "expired"
    WRONG_HOST = "wrong_host"
    NOT_ALLOWED = "not_allowed"
    UNTRUSTED = "untrusted"
    BUSY = "busy"
    NO_SPACE = "no_space"
    CHECK_UNSUPPORTED = "check_unsupported"
    ID_REUSED = "id_reused"


class Stream(StrEnum):
    """Where output came from."""

    STDOUT = "stdout"
    STDERR = "stderr"
    LOG = "log"


class Up(StrEnum):
    """What a presence message says of its host."""

    UP = "up"
    ALIVE = "alive"
    DOWN = "down"


class Want(StrEnum):
    """What a discover asks for besides presence."""

    FACTS = "facts"
    OPERATIONS = "operations"
