"""Chunks: what a step says while it works, piece by piece."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Chunk:
    """One piece of a step's output, never changed once it is stored.

    `number` rises within an action and is the cursor for reading on; 0 is not stored yet. `at` is in
    UTC; None is the time when the call that made it is stored.
    """

    text: str
    stream: str = "stdout"
    at: datetime | None = None
    number: int = 0
