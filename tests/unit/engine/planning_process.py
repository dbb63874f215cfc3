"""A client that plans into the database that it is given, and may be killed meanwhile."""

import sys
from random import Random
from uuid import UUID

from mcoflow.action import Action
from mcoflow.clock import SystemClock
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


def main(database: str, plan_id: str) -> None:
    clock = SystemClock()
    world = World(open_store(database, clock), None, clock=clock, chance=Random(), executor=False)
    world.submit(Group.name, {}, user="ann", plan_id=UUID(plan_id))


if __name__ == "__main__":
    main(*sys.argv[1:])
