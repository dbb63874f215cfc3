"""What hosts print while they execute: numbered chunks, and how many there were."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class HostChunk:
    """A chunk as a host sent it.

    `seq` counts the chunks of its request from 0, over all streams; `offset` the bytes of its stream before
    it, those included that the host left out. `at` is the host's clock, as an epoch.
    """

    plan_id: UUID
    request_id: UUID
    seq: int
    stream: str
    offset: int
    text: str
    at: float


@dataclass(frozen=True, slots=True)
class OutputEnd:
    """What a host says of its output at the end: chunks sent, bytes printed, whether it left some out."""

    plan_id: UUID
    request_id: UUID
    chunks: int
    size: int
    truncated: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of output as it is read: of a host, or of an action itself.

    `number` rises and is the cursor for reading on. `lost`: so many chunks before it never came; `left_out`:
    so many bytes before it are missing, be it for that or because the host left them out.
    """

    number: int
    host: str | None
    step_id: int | None
    stream: str
    text: str
    at: datetime
    request_id: UUID | None = None
    seq: int | None = None
    lost: int = 0
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class OutputScope:
    """Whose output: all of a plan, that of one of its hosts, or of one of its actions."""

    plan_id: UUID
    host: str | None = None
    action_id: int | None = None


@dataclass(frozen=True, slots=True)
class OutputSizes:
    """How much output there is.

    `kept`: bytes that hosts sent and that are stored; `printed`: bytes that they printed, if they told;
    `lost`: chunks that never came; `waited_for`: requests of which chunks are still asked for; `cut`:
    requests of which the server refused the rest, because the step had its share; `truncated`: those of
    which the host itself left something out.
    """

    kept: int = 0
    printed: int = 0
    lost: int = 0
    waited_for: int = 0
    cut: int = 0
    truncated: int = 0
