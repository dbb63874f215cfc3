"""A client that plans into the database that it is given, and may be killed meanwhile."""

import sys
from random import Random
from typing import ClassVar
from uuid import UUID

from mcoflow.action import Action, plan_hook
from mcoflow.clock import SystemClock
from mcoflow.domain.view import PlanView
from mcoflow.engine.world import World
from mcoflow.storage.open import open_store


class Group(Action):
    """Plans three."""

    name = "planning_process.group"

    def plan(self) -> None:
        for _ in range(3):
            self.plan_action(Single)


class Single(Action):
    """Does nothing."""

    name = "planning_process.single"

    def run(self) -> None:
        """Do nothing."""


class Hooked(Single):
    """Notes each state, in the process that calls its hooks."""

    name = "planning_process.hooked"
    told: ClassVar[list[str]] = []

    @plan_hook()
    def note(self, plan: PlanView) -> None:
        self.told.append(plan.state.value)


def main(action: str, database: str, plan_id: str) -> None:
    clock = SystemClock()
    world = World(open_store(database, clock), None, clock=clock, chance=Random(), executor=False)
    world.submit(action, {}, user="ann", plan_id=UUID(plan_id))


if __name__ == "__main__":
    main(*sys.argv[1:])
