"""What operators do with the processes that run tasks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from mcoflow.domain.census import Census
from mcoflow.domain.requests import WorldRecord
from mcoflow.errors import WorldAliveError, WorldNotFoundError
from mcoflow.ports.engine import Engine
from mcoflow.ports.store import Reader
from mcoflow.services.times import certain_moment

_UNKNOWN: Final = "unknown"


class Pulse(StrEnum):
    """How an executor is, by the database's clock."""

    LIVE = "live"
    LATE = "late"  #: not heard of for two heartbeats, but its lease has not run out
    DEAD = "dead"  #: its tasks are taken up by others


@dataclass(frozen=True, slots=True)
class WorkerView:
    """One executor. `queues`: its threads by queue; `tasks`: those that wait or run and are its own."""

    id: UUID
    host: str
    pid: str
    version: str
    state: Pulse
    queues: Mapping[str, int]
    tasks: int
    started_at: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class CensusView:
    """How all executors are. `orphans`: rows by table that are left of deleted tasks; none is right."""

    executors: Sequence[WorkerView]
    orphans: Mapping[str, int]


class Executors:
    """The use cases of executors."""

    def __init__(self, engine: Engine, reader: Reader) -> None:
        self._engine, self._reader = engine, reader

    def check(self) -> CensusView:
        """Return how all executors are, the oldest first; nothing is changed."""
        census = self._engine.check()
        owned = self._reader.plans_owned()
        found = sorted(_by_state(census), key=lambda each: (each[1].started_at, each[1].id))
        return CensusView([_view(state, world, owned) for state, world in found], census.orphans)

    def list(self) -> Sequence[WorkerView]:
        """Return the executors that the database knows; those that ended in good order it has forgotten."""
        return self.check().executors

    def invalidate(self, world_id: UUID, *, even_alive: bool = False) -> WorkerView:
        """Declare an executor dead, so that others take its tasks up at once; return how it was.

        One that was dead already stays so: its tasks are being taken up.

        Raises:
            WorldNotFoundError: there is none with this id.
            WorldAliveError: it is live, and `even_alive` was not said. Nothing was changed.
        """
        found = next((each for each in self.list() if each.id == world_id), None)
        if found is None:
            raise WorldNotFoundError(world_id)
        if found.state is Pulse.LIVE and not even_alive:
            raise WorldAliveError(world_id, f"pid {found.pid} on {found.host}")
        self._engine.invalidate(world_id)
        return found


def _by_state(census: Census) -> Sequence[tuple[Pulse, WorldRecord]]:
    sorted_out = ((Pulse.LIVE, census.live), (Pulse.LATE, census.late), (Pulse.DEAD, census.dead))
    return [(state, world) for state, some in sorted_out for world in some if world.kind == "executor"]


def _view(state: Pulse, world: WorldRecord, owned: Mapping[UUID, int]) -> WorkerView:
    return WorkerView(
        id=world.id,
        host=str(world.meta.get("hostname", _UNKNOWN)),
        pid=str(world.meta.get("pid", _UNKNOWN)),
        version=str(world.meta.get("version", _UNKNOWN)),
        state=state,
        queues=world.meta.get("queues", {}),
        tasks=owned.get(world.id, 0),
        started_at=certain_moment(world.started_at),
        last_seen=certain_moment(world.seen_at),
    )
