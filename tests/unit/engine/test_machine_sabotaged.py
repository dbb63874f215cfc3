"""The machine finds what is broken: an engine, a store or an agent that lacks one thing is found out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from mcoflow.domain.requests import RequestRecord
from mcoflow.ports.bus import Delivery, Verdict
from mcoflow.ports.store import Changes, Waiting
from tests.unit.engine.machine.weather import AnyOrder, WatchedExecutor
from tests.unit.engine.machine.zoo import Zoo
from tests.unit.engine.test_machine import Engine

STORIES = settings(
    max_examples=60,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate,),
    report_multiple_bugs=False,
)


class AcksFirst(WatchedExecutor):
    """Acknowledges replies when they come, not when they are stored."""

    def _reply(self, delivery: Delivery) -> None:
        self._connector.settle([delivery], Verdict.ACK)
        super()._reply(delivery)


class Twice(AnyOrder):
    """Does each job twice."""

    def work(self) -> bool:
        if self._jobs:
            self._jobs[0]()
        return super().work()


class WorksTwice(WatchedExecutor):
    """Has such workers."""

    def _pool(self, queues: Any) -> AnyOrder:
        workers = super()._pool(queues)
        workers.__class__ = Twice
        return workers


def unfenced(machine: Engine) -> None:
    """Writes under whatever epoch."""
    store = machine.ground.store

    def write(changes: Changes) -> None:
        before = list(changes.plans)
        changes.plans = [replace(plan, epoch=store.plan(plan.id).epoch) for plan in before]
        type(store).commit(store, changes)
        changes.plans = before
        machine.seen.committed(changes)

    store.commit = write  # type: ignore[method-assign]


def unreconciled(machine: Engine) -> None:
    """Looks for no plans that nobody runs."""
    store, waiting = machine.ground.store, machine.ground.store.waiting

    def look(*args: Any, **fields: Any) -> Waiting:
        return replace(waiting(*args, **fields), plans=())

    store.waiting = look  # type: ignore[method-assign]


def without_outbox(machine: Engine) -> None:
    """Publishes requests that it has not stored."""
    store, commit = machine.ground.store, machine.ground.store.commit

    def write(changes: Changes) -> None:
        kept: list[RequestRecord] = changes.new_requests
        changes.new_requests = []
        commit(changes)
        changes.new_requests = kept

    store.commit = write  # type: ignore[method-assign]


def without_journal(machine: Engine) -> None:
    """Agents that do not look whether they know a request."""
    hosts = machine.ground.hosts
    execute = hosts._execute

    def forgetful(*args: Any) -> None:
        hosts._journal.clear()
        execute(*args)

    hosts._execute = forgetful  # type: ignore[method-assign]


def nothing(_machine: Engine) -> None:
    """Break nothing here."""


@pytest.mark.parametrize(
    ("invariant", "executor", "breaks"),
    [
        ("I-2", WorksTwice, nothing),
        ("I-2", WatchedExecutor, without_journal),
        ("I-4", AcksFirst, nothing),
        ("I-[46]", WatchedExecutor, without_outbox),
        ("I-12", WatchedExecutor, unreconciled),
    ],
    ids=["works twice", "no journal", "acks first", "no outbox", "no reconciler"],
)
def test_what_is_broken_is_found(
    invariant: str, executor: type[WatchedExecutor], breaks: Callable[[Engine], None]
) -> None:
    """Reliability 3.7: of a story that fails, the first complaint names the invariant."""
    broken = type("Broken", (Engine,), {"executor": executor, "sabotage": breaks})

    with pytest.raises(AssertionError, match=rf"^({invariant})[: ]"):
        run_state_machine_as_test(broken, settings=STORIES)


def test_an_epoch_that_is_left_out_of_writes_is_found() -> None:
    """I-7: an executor that was declared dead goes on with its plan; told, for it is seldom drawn."""
    machine = type("Broken", (Engine,), {"sabotage": unfenced})()
    machine.set_up(7)
    with machine.held:
        plan_id = machine.worlds[0].trigger(Zoo, ["deaf", {}]).plan_id
        machine.ground.drain()
        machine.freeze_executor(0)
        machine.worlds[1].executor.turn()
        assert machine.stored.plan(plan_id).epoch == 2, "the other one has it"
        machine.all_holds()

        machine.worlds[0].abort(plan_id)

        with pytest.raises(AssertionError, match=r"^I-7: "):
            machine.all_holds()
