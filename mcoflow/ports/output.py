"""What is asked of a store about output: of actions, and of hosts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from mcoflow.domain.chunks import Chunk
from mcoflow.domain.output import OutputScope, OutputSizes, Piece

STEP_CAP: Final = 4 * 1024 * 1024
"""Bytes of output that are stored of a step, unless the settings say otherwise."""


@dataclass(frozen=True, slots=True)
class NewChunks:
    """What an action said in one call; `at`: the time of chunks that have none."""

    plan_id: UUID
    action_id: int
    chunks: Sequence[Chunk]
    at: float


@dataclass(frozen=True, slots=True)
class Gap:
    """Chunks of a request that have not come, from `seq` on; the host is to be asked for them."""

    request_id: UUID
    plan_id: UUID
    host: str
    seq: int


@dataclass(frozen=True, slots=True)
class Gaps:
    """What a look for gaps found.

    `asked` are to be asked for now; `given_up` are the plans of those that were asked for often enough: what
    came after the gap can be read now. `next_at`: when to look again; None: nothing is missing.
    """

    asked: Sequence[Gap] = ()
    given_up: Sequence[UUID] = ()
    next_at: float | None = None


class OutputStore(Protocol):
    """The engine's side."""

    def claim_gaps(self, now: float, *, limit: int = 500) -> Gaps:
        """Find output that is missing and due to be asked for; each is given to one caller only."""


class OutputReader(Protocol):
    """The side of pages and commands."""

    def output(
        self,
        scope: OutputScope,
        *,
        after: int = 0,
        before: int | None = None,
        streams: Sequence[str] = (),
        limit: int = 100,
    ) -> Sequence[Piece]:
        """Pieces in order: the first whose number is above `after`, or with `before` the last below it.

        Pieces of a request come in the order in which the host printed them, each once, while it runs and
        afterwards: what comes too early waits for what is missing before it.
        """

    def output_sizes(self, scope: OutputScope) -> OutputSizes:
        """How much output there is, and what is missing."""

    def output_open(self, scope: OutputScope) -> bool:
        """Whether a step may still say something, or chunks are still asked for."""
