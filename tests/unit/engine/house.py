"""A whole engine for a test: store on a file, worlds, a broker and hosts that do as they are told."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from mcoflow.action import Action, Middlewares, Registry
from mcoflow.action.middleware import NO_MIDDLEWARES
from mcoflow.action.registry import REGISTERED
from mcoflow.domain.records import PlanRecord, StepRecord
from mcoflow.domain.requests import CommandKind, EvidenceRecord
from mcoflow.domain.states import Phase, PlanState, StepState
from mcoflow.engine.settings import WorldSettings
from mcoflow.engine.world import World
from mcoflow.storage.open import open_store
from tests.unit.engine.clock import ManagedClock
from tests.unit.engine.fake_broker import FakeBroker
from tests.unit.engine.fake_hosts import FakeHosts
from tests.unit.engine.valve import Valve
from tests.waiting import until

Shown = tuple[str, str]


class House:
    """One world at first; `restart` puts another in its place, `another` beside it."""

    def __init__(self, database: Path) -> None:
        self.clock = ManagedClock()
        self.store = open_store(f"sqlite:///{database}", self.clock, migrate=False)
        self.broker = FakeBroker()
        self.hosts = FakeHosts(self.broker)
        self.worlds: list[World] = []
        self.valves: list[Valve] = []

    # -- worlds --------------------------------------------------------------------------------------------

    @property
    def world(self) -> World:
        return self.worlds[-1]

    @property
    def valve(self) -> Valve:
        """What stands between the newest world and the store."""
        return self.valves[-1]

    def another(
        self,
        *,
        executor: bool = True,
        confirm: bool = True,
        settings: WorldSettings | None = None,
        actions: Registry = REGISTERED,
        middleware: Middlewares = NO_MIDDLEWARES,
    ) -> World:
        valve = Valve(self.store)
        world = World(
            valve,
            self.broker.connector(confirm=confirm),
            clock=self.clock,
            chance=Random(),
            settings=settings,
            executor=executor,
            actions=actions,
            middleware=middleware,
        )
        self.worlds.append(world)
        self.valves.append(valve)
        return world.start()

    def kill(self) -> None:
        """Let the newest world be dead for all others; it writes nothing any more, and does not know."""
        self.valve.shut()
        for world in self.store.worlds():
            if world.alive:
                self.store.expire_world(world.id)

    def restart(self, **how: Any) -> World:
        self.kill()
        return self.another(**how)

    def close(self) -> None:
        for world, valve in zip(self.worlds, self.valves, strict=True):
            valve.open()
            world.terminate(timeout=timedelta(seconds=10))
        self.broker.close()
        self.store.close()

    # -- plans ---------------------------------------------------------------------------------------------

    def trigger(self, action: type[Action], *, plan_id: UUID | None = None, **fields: Any) -> UUID:
        return self.world.submit(action.name, fields, user="ann", plan_id=plan_id).plan_id

    def run(self, action: type[Action], **fields: Any) -> PlanRecord:
        """Trigger a plan and wait until it rests."""
        return self.rest(self.trigger(action, **fields))

    def rest(self, plan_id: UUID) -> PlanRecord:
        return self.plan_when(plan_id, lambda plan: plan.state in (PlanState.PAUSED, PlanState.STOPPED))

    def plan_when(self, plan_id: UUID, look: Callable[[PlanRecord], bool]) -> PlanRecord:
        def found() -> PlanRecord | None:
            plan = self.store.plan(plan_id)
            return plan if look(plan) else None

        plan = until(found, f"plan {plan_id}: {self.steps(plan_id)}")
        assert plan is not None
        return plan

    def steps(self, plan_id: UUID) -> dict[int, StepRecord]:
        """The run and finalize steps by id."""
        rows = self.store.steps(plan_id, limit=10_000)
        return {row.step.id: row.step for row in rows if row.step.phase is not Phase.PLAN}

    def states(self, plan_id: UUID) -> list[str]:
        return [step.state.value for step in self.steps(plan_id).values()]

    def step(self, plan_id: UUID, action: type[Action] | None = None, phase: Phase = Phase.RUN) -> StepRecord:
        """The one step of an action."""
        found = [
            step
            for step in self.steps(plan_id).values()
            if step.phase is phase and (action is None or step.action == action.name)
        ]
        assert len(found) == 1, found
        return found[0]

    def step_when(
        self, plan_id: UUID, state: StepState, action: type[Action] | None = None, phase: Phase = Phase.RUN
    ) -> StepRecord:
        def found() -> StepRecord | None:
            step = self.step(plan_id, action, phase)
            return step if step.state is state else None

        step = until(found, f"{state}: {self.steps(plan_id)}")
        assert step is not None
        return step

    def output(self, plan_id: UUID, action: type[Action] | None = None) -> dict[str, Any]:
        row = self.store.step(plan_id, self.step(plan_id, action).id)
        return dict(json.loads(row.output))

    def history(self, plan_id: UUID) -> list[str]:
        return [line.name for line in self.store.history(plan_id)]

    def evidence(self) -> list[EvidenceRecord]:
        """All messages that changed nothing, of whatever plan."""
        from sqlalchemy import text

        with self.store._database.reading() as connection:
            rows = connection.execute(text("SELECT why, host, detail FROM evidence")).all()
        return [EvidenceRecord(0.0, row.why, row.host, None, None, b"", row.detail) for row in rows]

    def count(self, table: str) -> int:
        from sqlalchemy import text

        with self.store._database.reading() as connection:
            return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())

    # -- people and time -----------------------------------------------------------------------------------

    def command(self, plan_id: UUID, kind: CommandKind, **arguments: Any) -> Mapping[str, Any]:
        return self.world.command(plan_id, kind, arguments, actor="bob", wait=timedelta(seconds=10))

    def cancel(self, plan_id: UUID) -> Mapping[str, Any]:
        return self.command(plan_id, CommandKind.CANCEL)

    def resume(self, plan_id: UUID) -> None:
        self.command(plan_id, CommandKind.RESUME)

    def skip(self, plan_id: UUID, step_id: int, **how: Any) -> list[int]:
        return list(self.command(plan_id, CommandKind.SKIP, step_id=step_id, **how)["step_ids"])

    def send(self, plan_id: UUID, step_id: int, value: Any) -> None:
        self.command(plan_id, CommandKind.EVENT, step_id=step_id, value=value)

    def advance(self, seconds: float) -> None:
        """Let time pass, and the executors notice."""
        self.clock.advance(seconds)
        for world in self.worlds:
            if world._executor is not None:
                world._executor.ring()
                world._executor.schedules.ring()

    def enforce_deadlines(self) -> None:
        """Wait until the executor knows that no reply waits unread."""
        executor = self.world._executor
        assert executor is not None
        until(lambda: not executor._director._deadlines.held, "the reply queues were read")


@contextmanager
def open_house(database: Path) -> Iterator[House]:
    """A house on a database whose schema is up to date."""
    house = House(database)
    try:
        yield house
    finally:
        house.close()
