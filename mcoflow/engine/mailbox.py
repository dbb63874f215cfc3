"""Where everything that the director has to hear of waits: one queue, any number of writers, one reader."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """A queue that hands over whatever waits, all at once, so that one commit serves all of it."""

    def __init__(self) -> None:
        self._letters: deque[T] = deque()
        self._arrived = threading.Event()

    def __len__(self) -> int:
        return len(self._letters)

    def put(self, letter: T) -> None:
        """Add a letter; from any thread, never blocks."""
        self._letters.append(letter)
        if not self._arrived.is_set():
            self._arrived.set()

    def wake(self) -> None:
        """Let take() return although nothing may have come."""
        self._arrived.set()

    def take(self, *, wait: float, limit: int) -> list[T]:
        """Return up to `limit` letters, oldest first; wait at most `wait` seconds for the first."""
        if not self._letters and wait > 0:
            self._arrived.wait(wait)
        self._arrived.clear()  # before emptying: what comes from here on sets it again
        letters = self._letters
        taken = [letters.popleft() for _ in range(min(len(letters), limit))]
        if letters:
            self._arrived.set()
        return taken
