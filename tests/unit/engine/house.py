"""A whole engine with its threads: worlds on the ground of the testing kit."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

from mcoflow.action import Action, Middlewares, Registry, TransactionAdapter
from mcoflow.action.middleware import NO_MIDDLEWARES
from mcoflow.action.registry import REGISTERED
from mcoflow.domain.records import PlanRecord, StepRecord
from mcoflow.domain.requests import CommandKind
from mcoflow.domain.states import Phase, PlanState, StepState
from mcoflow.engine.settings import WorldSettings
from mcoflow.engine.world import World
from mcoflow.ports.observer import NOBODY, Observer
from mcoflow.testing import Ground, ManagedClock
from mcoflow.testing.stored import Stored
from tests.unit.engine.valve import Valve
from tests.waiting import until


class House(Stored):
    """One world at first; `restart` puts another in its place, `another` beside it."""

    def __init__(self, ground: Ground) -> None:
        super().__init__(ground.store)
        self.ground = ground
        self.clock, self.broker, self.hosts = ground.clock, ground.broker, ground.hosts
        self.worlds: list[World] = []
        self.valves: list[Valve] = []
        self.broker.serve()

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
        transaction: TransactionAdapter | None = None,
        observer: Observer = NOBODY,
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
            transaction=transaction,
            observer=observer,
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

    def step_when(
        self, plan_id: UUID, state: StepState, action: type[Action] | None = None, phase: Phase = Phase.RUN
    ) -> StepRecord:
        def found() -> StepRecord | None:
            step = self.step(plan_id, action, phase)
            return step if step.state is state else None

        step = until(found, f"{state}: {self.steps(plan_id)}")
        assert step is not None
        return step

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
        self.pass_time(seconds)
        for world in self.worlds:
            if world._executor is not None:
                world._executor.ring()
                world._executor.schedules.ring()

    def pass_time(self, seconds: float) -> None:
        """Let time pass unnoticed."""
        self.clock.advance(timedelta(seconds=seconds))


@contextmanager
def open_house() -> Iterator[House]:
    """A house without a world."""
    ground = Ground(ManagedClock(running=True))
    house = House(ground)
    try:
        yield house
    finally:
        house.close()
        ground.close()
