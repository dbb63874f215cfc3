"""The look into the database: plans and commands that wait there for an executor."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from mcoflow.clock import Clock
from mcoflow.domain.records import PlanSnapshot
from mcoflow.domain.requests import CommandAnswer, CommandRecord
from mcoflow.engine.batch import Batch
from mcoflow.engine.memory import Memory
from mcoflow.engine.patient import PatientStore
from mcoflow.engine.people import People
from mcoflow.engine.quarantine import break_off
from mcoflow.engine.recovery import Recovery
from mcoflow.errors import StoreUnavailableError
from mcoflow.faults import faultpoint

log = logging.getLogger("mcoflow.lookout")

POLL: Final = 0.25
"""Seconds between two looks for what no bell announced."""
CLAIM: Final = 500


class Lookout:
    """Finds plans and commands, claims the plans, and has the commands obeyed.

    `next_look` is on the clock's monotonic scale; set it to 0 to look at the next turn.
    """

    def __init__(
        self,
        memory: Memory,
        people: People,
        recovery: Recovery,
        *,
        store: PatientStore,
        clock: Clock,
        world_id: UUID,
    ) -> None:
        self._memory = memory
        self._people = people
        self._recovery = recovery
        self._store = store
        self._clock = clock
        self._world_id = world_id
        self.next_look = 0.0

    @property
    def due(self) -> bool:
        """Whether it is time to look."""
        return self._clock.monotonic() >= self.next_look

    def look(self, batch: Batch) -> None:
        """Take up what waits."""
        self.next_look = self._clock.monotonic() + POLL
        waiting = self._store.waiting(self._world_id, limit=CLAIM)
        commands = waiting.commands
        wanted = set(waiting.plans) | {command.plan_id for command in commands}
        wanted -= self._memory.runs.keys()
        if wanted:
            faultpoint("lease.before_take")
            self._recovery.take_up(batch, self._claim(batch, wanted))
            faultpoint("lease.after_take")
            if commands:  # another executor may have applied them before the plans became ours
                commands = self._store.waiting(self._world_id, limit=CLAIM).commands
        for command in commands:
            self._obey(batch, command)
        if len(waiting.plans) == CLAIM:
            self.next_look = 0.0

    def _claim(self, batch: Batch, wanted: Collection[UUID]) -> Sequence[PlanSnapshot]:
        """Claim them all at once; one by one if that fails, to find the one that cannot be read."""
        try:
            return self._store.claim(self._world_id, wanted)
        except StoreUnavailableError:
            raise
        except Exception:
            log.exception("claim.failed", extra={"plans": len(wanted)})
        claimed: list[PlanSnapshot] = []
        for plan_id in wanted:
            try:
                claimed += self._store.claim(self._world_id, [plan_id])
            except StoreUnavailableError:
                raise
            except Exception as error:  # noqa: BLE001 - the others can be claimed
                break_off(self._memory, batch, plan_id, error)
        return claimed

    def _obey(self, batch: Batch, command: CommandRecord) -> None:
        try:
            if command.plan_id in self._memory.runs:
                batch.answers.append((command.plan_id, self._people.apply(batch, command)))
            elif command.plan_id not in batch.dropped:
                self._people.refuse_if_over(batch, command, self._store)
        except StoreUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 - answered, lest it is tried for ever
            break_off(self._memory, batch, command.plan_id, error)
            batch.answers.append((None, CommandAnswer(command.id, {}, type(error).__name__, str(error))))
