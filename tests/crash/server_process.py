"""An executor that is to be killed: settings as JSON on the command line, a command as JSON a line of input.

With `agent` in the settings it is like `mcoflow up`: the agent lives in the same process.
"""

import json
import sys
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import tests.crash.crash_actions  # noqa: F401 - registers the actions
from connectors.choose import executor_connector
from mcoflow.clock import SystemClock
from mcoflow.domain.requests import CommandKind
from mcoflow.domain.schedule import Schedule
from mcoflow.engine.settings import WorldSettings
from mcoflow.engine.world import World
from mcoflow.ports.bus_settings import BusSettings
from mcoflow.storage.open import open_store
from tests.crash.agent_parts import crash_agent

QUICK = WorldSettings(heartbeat=timedelta(seconds=0.5), reconcile=timedelta(seconds=0.5))
PATIENCE = timedelta(seconds=20)


class Driver:
    """What the supervisor may ask for; every answer is JSON."""

    def __init__(self, world: World) -> None:
        self._world = world

    def submit(self, action: str, fields: dict[str, Any], plan_id: str | None) -> str:
        """Plan an action and return the id of its plan."""
        own = UUID(plan_id) if plan_id is not None else None
        return str(self._world.submit(action, fields, user="crash", plan_id=own).plan_id)

    def plan_elsewhere(self, action: str, fields: dict[str, Any], plan_id: str) -> str:
        """Let an executor plan an action, and return the id of the plan."""
        made = self._world.schedule(action, fields, schedule=Schedule(), user="crash", plan_id=UUID(plan_id))
        return str(made)

    def cancel(self, plan_id: str) -> list[int]:
        """Cancel a plan."""
        done = self._world.command(UUID(plan_id), CommandKind.CANCEL, {}, actor="crash", wait=PATIENCE)
        return list(done["step_ids"])


def answer_lines(driver: Driver) -> None:
    """Answer until the input closes."""
    tell("ready")
    for line in sys.stdin:
        method, arguments = json.loads(line)
        tell(getattr(driver, method)(*arguments))


def tell(answer: Any) -> None:
    """Write one answer."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Run until the input closes, or until killed."""
    settings = json.loads(sys.argv[1])
    clock = SystemClock()
    store = open_store(settings["database"], clock)
    heartbeat = timedelta(seconds=settings["heartbeat"])
    bus = BusSettings(url=settings["url"], prefix=settings["prefix"], heartbeat=heartbeat)
    quick = replace(QUICK, lease=timedelta(seconds=settings["lease"]))
    world = World(store, executor_connector(bus), clock=clock, chance=Random(), settings=quick).start()
    agent = crash_agent(bus, **settings["agent"]) if settings["agent"] else None
    if agent is not None:
        agent.start()
    answer_lines(Driver(world))
    if agent is not None:
        agent.stop()
        agent.wait()
    world.terminate(timeout=PATIENCE)


if __name__ == "__main__":
    main()
