"""Which processes take part, and what is left of those that do not."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from mcoflow.domain.requests import WorldRecord

LATE: Final = 2.0
"""Heartbeats that a world may leave out before it counts as late."""


@dataclass(frozen=True, slots=True)
class Census:
    """Worlds by how they are: `late` ones have a lease still, and have not been heard of for two heartbeats.

    `orphans` are rows whose plan is gone, by table: nothing should be left of a plan, so tell us of any.
    """

    live: tuple[WorldRecord, ...]
    late: tuple[WorldRecord, ...]
    dead: tuple[WorldRecord, ...]
    orphans: Mapping[str, int]

    @classmethod
    def of(
        cls, worlds: Collection[WorldRecord], *, now: float, heartbeat: float, orphans: Mapping[str, int]
    ) -> Census:
        """Sort worlds; `now` by the clock that wrote `seen_at`."""
        living = [world for world in worlds if world.alive]
        late = [world for world in living if now - world.seen_at > LATE * heartbeat]
        return cls(
            live=tuple(world for world in living if world not in late),
            late=tuple(late),
            dead=tuple(world for world in worlds if not world.alive),
            orphans=orphans,
        )
