"""What the engine tells of itself, after it was committed; `mcoflow.telemetry` makes metrics of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Protocol

from mcoflow.ports.measures import Key


class Observer(Protocol):
    """Hears what happened, once a batch. Called from any thread; neither blocks nor raises."""

    def counted(self, counts: Mapping[Key, int]) -> None:
        """So often did these happen since the last call."""

    def measured(self, values: Mapping[Key, Sequence[float]]) -> None:
        """These durations (seconds) and sizes were found."""


class Nobody:
    """An observer that does not listen."""

    def counted(self, counts: Mapping[Key, int]) -> None:
        """See Observer.counted."""

    def measured(self, values: Mapping[Key, Sequence[float]]) -> None:
        """See Observer.measured."""


NOBODY: Final[Observer] = Nobody()
"""The default. What would have to be gathered step by step is not gathered for it."""

Gauges = Callable[[], Iterable[tuple[Key, float]]]
"""Tells how things stand now; asked whenever somebody wants to know."""


class Exposition(Protocol):
    """What has been observed so far, as text for a monitoring system."""

    content_type: str

    def text(self) -> bytes:
        """Return all of it; a source of gauges that is away is left out."""
