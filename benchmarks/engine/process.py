"""One engine for benchmarks, driven by lines of JSON: `python -m benchmarks.engine.process DATABASE`.

Each line on standard input is `[method, arguments]` of Engine; each answer is one line of JSON.
"""

import gc
import json
import statistics
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from random import Random
from typing import Any
from uuid import uuid4

import psutil

from benchmarks.engine.statements import Count, counted
from benchmarks.engine.works import Await, Many, ManyAwait, Nothing, Parent
from connectors.kombu import KombuExecutorConnector
from mcoflow.bootstrap.garbage import collect_seldom
from mcoflow.clock import SystemClock
from mcoflow.domain.requests import CommandKind
from mcoflow.domain.states import PlanResult, StepState
from mcoflow.domain.view import PlanView
from mcoflow.engine.futures import PlanFuture
from mcoflow.engine.handles import Triggered
from mcoflow.engine.planner import make_plan
from mcoflow.engine.world import World
from mcoflow.storage.open import open_store

WAIT = timedelta(minutes=5)
SOON = timedelta(seconds=30)


class Engine:
    """One world on its own database, without hosts."""

    def __init__(self, database: str) -> None:
        clock = SystemClock()
        self._stack = ExitStack()
        self._count: Count = self._stack.enter_context(counted()) if "sqlite" in database else Count()
        self._store = open_store(database, clock)
        connector = KombuExecutorConnector(prefix="bench")
        self._world = World(self._store, connector, clock=clock, chance=Random())
        self._world.start()
        self._trigger_one()  # so that nothing is done for the first time

    def plans(self, plans: int, clients: int) -> dict[str, float]:
        """Trigger single-step plans from some threads and wait for all."""
        return self._measured(plans, lambda: self._shared_out(plans, clients, self._trigger))

    def steps(self, steps: int) -> dict[str, float]:
        """Run one plan of so many concurrent steps; the rate is that of its run, without its planning."""
        views: list[PlanView] = []

        def go() -> None:
            made = self._world.trigger(Many, count=steps)
            assert isinstance(made, Triggered)
            views.append(_ended_well(made.future))

        measured = self._measured(steps, go)
        began, ended = views[0].started_at, views[0].ended_at
        assert began is not None
        assert ended is not None
        return {**measured, "rate": steps / (ended - began)}

    def events(self, plans: int, clients: int) -> dict[str, float]:
        """Trigger plans whose one step suspends, send each its event, wait for all."""
        return self._measured(plans, lambda: self._shared_out(plans, clients, self._trigger_and_wake))

    def sub_plans(self, children: int) -> dict[str, float]:
        """Run one plan of so many sub-plans; also how often they were counted, and the memory they took."""
        gc.collect()
        before = psutil.Process().memory_info().rss

        def go() -> None:
            made = self._world.trigger(Parent, count=children)
            assert isinstance(made, Triggered)
            _ended_well(made.future)

        measured = self._measured(children, go)
        return {**measured, "counts": Parent.counts, "memory": Parent.most_memory - before}

    def latency(self, times: int) -> float:
        """Median seconds from trigger to the end, one plan after another."""
        took = []
        for _ in range(times):
            began = time.perf_counter()
            self._trigger_one()
            took.append(time.perf_counter() - began)
        return statistics.median(took)

    def planning(self, actions: int) -> float:
        """Seconds to plan so many actions, without storing them; the shortest of three."""
        took = []
        for _ in range(3):
            began = time.perf_counter()
            make_plan(Many, {"count": actions}, plan_id=uuid4(), user="bench", now=0.0)
            took.append(time.perf_counter() - began)
        return min(took)

    def suspended(self, plans: int, steps: int) -> float:
        """Bytes of memory for each suspended step, with so many steps in each of so many plans."""
        gc.collect()
        process = psutil.Process()
        before = process.memory_info().rss
        ids = []
        for _ in range(plans):
            made = self._world.trigger(ManyAwait, count=steps)
            ids.append(made.plan_id)
        for plan_id in ids:
            while self._store.plan(plan_id).counts.get(StepState.SUSPENDED) != steps:
                time.sleep(0.05)
        gc.collect()
        return (process.memory_info().rss - before) / (plans * steps)

    def stop(self) -> float:
        """End the world."""
        self._world.terminate(timeout=timedelta(seconds=10))
        self._stack.close()
        return 0.0

    def _measured(self, units: int, work: Callable[[], None]) -> dict[str, float]:
        statements, cpu, began = self._count.statements, time.process_time(), time.perf_counter()
        work()
        return {
            "rate": units / (time.perf_counter() - began),
            "cpu": (time.process_time() - cpu) / units,
            "statements": (self._count.statements - statements) / units,
        }

    def _shared_out(self, plans: int, clients: int, one: Callable[[], PlanFuture]) -> None:
        futures: list[PlanFuture] = []
        left = iter(range(plans))

        def go() -> None:
            for _ in left:
                futures.append(one())

        threads = [threading.Thread(target=go) for _ in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for future in futures:
            _ended_well(future)

    def _trigger_one(self) -> None:
        _ended_well(self._trigger())

    def _trigger(self) -> PlanFuture:
        made = self._world.trigger(Nothing)
        assert isinstance(made, Triggered)
        return made.future

    def _trigger_and_wake(self) -> PlanFuture:
        made = self._world.trigger(Await)
        assert isinstance(made, Triggered)
        event = {"step_id": 2, "value": "go"}
        self._world.command(made.plan_id, CommandKind.EVENT, event, actor="bench", wait=SOON)
        return made.future


def _ended_well(future: PlanFuture) -> PlanView:
    plan = future.wait(WAIT)
    if plan.result is not PlanResult.SUCCESS:
        raise SystemExit(f"{plan.label} ended {plan.result}: {plan.explanation}")
    return plan


def main(database: str) -> None:
    """Answer lines until standard input closes."""
    engine = Engine(database)
    collect_seldom()
    for line in sys.stdin:
        method, arguments = json.loads(line)
        answer: Any = getattr(engine, method)(*arguments)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
