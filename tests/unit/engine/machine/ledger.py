"""What user code was called, and for what: the machine's own record, beside the database."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar
from uuid import UUID

from mcoflow.engine.work import JobDone

Begun = tuple[UUID, int, int, object]
"""Plan, step, attempt, and the event; None: its beginning."""


class Ledger:
    """One story's record. Actions write into `Ledger.now`; it is told afterwards for which attempt."""

    now: ClassVar[Ledger]

    def __init__(self) -> None:
        self.calls: Counter[Begun] = Counter()
        self.hooks: Counter[tuple[UUID, str]] = Counter()
        self.heard: Counter[object] = Counter()
        self._begun: list[bool] = []

    def called(self, *, beginning: bool, value: object = None) -> None:
        """User code was entered, with a value that somebody sent, or at the beginning of an attempt."""
        self._begun.append(beginning)
        if value is not None:
            self.heard[value] += 1

    def reported(self, letter: Any) -> None:
        """A worker has reported: now it is known whose code it was."""
        if isinstance(letter, JobDone):
            what: object = letter.event_id or ("beginning" if any(self._begun) else None)
            if what is not None:
                self.calls[letter.plan_id, letter.step_id, letter.attempt, what] += 1
        self._begun.clear()

    def doubled(self) -> list[Begun]:
        """What was called more than once for one attempt."""
        return [key for key, times in self.calls.items() if times > 1]
