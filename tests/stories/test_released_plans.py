"""Plans of earlier releases: each schema that was in use has a dump in `released/`, made by its own code."""

import json
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, Final
from uuid import UUID

import pytest

from connectors.kombu import KombuExecutorConnector
from mcoflow.action import FOREVER, Action, Event, Registry, UserEvent
from mcoflow.clock import SystemClock
from mcoflow.domain.requests import CommandKind
from mcoflow.domain.states import PlanResult, PlanState
from mcoflow.engine.world import World
from mcoflow.storage.open import open_store
from mcoflow.storage.store import SqlStore

DUMPS: Final = sorted((Path(__file__).parent / "released").glob("*.sql"))
PAUSED = UUID("12f09252-5742-400d-aa7c-5f7b5241be0f")
SLEEPING = UUID("1e3d6ce2-6e04-416b-92fd-05c8b608eccb")
STOPPED = UUID("55afdb12-48f1-4942-9e5b-b10d582ec181")
WAITING = UUID("46fe7985-de94-4349-867e-80f9a3c56949")
SOON = timedelta(seconds=20)


class Good(Action):
    name = "released.good"

    def run(self) -> None:
        self.output["said"] = self.input["text"]


class Bad(Action):
    """Failed in the release that stored it; whatever it was is mended."""

    name = "released.bad"

    def run(self) -> None:
        self.output["mended"] = True


class Reads(Action):
    name = "released.reads"

    def run(self) -> None:
        self.output["read"] = self.input["text"]

    def finalize(self) -> None:
        self.output["tidied"] = True


class Sleeps(Action):
    name = "released.sleeps"
    accepts = (str,)

    def run(self, event: Event | None) -> None:
        if isinstance(event, UserEvent):
            self.output["woken_by"] = event.value
        else:
            self.suspend(patience=FOREVER)


class Broken(Action):
    name = "released.broken"


@pytest.fixture(params=DUMPS, ids=lambda dump: dump.stem)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    """The database as that release left it, brought up to date by opening it."""
    database = sqlite3.connect(tmp_path / "mcoflow.db")
    database.executescript(request.param.read_text())
    database.close()
    opened = open_store(f"sqlite:///{tmp_path}/mcoflow.db", SystemClock())
    yield opened
    opened.close()


@pytest.fixture
def world(store: SqlStore) -> Iterator[World]:
    actions = Registry()
    for action in (Good, Bad, Reads, Sleeps, Broken):
        actions.add(action)
    connector = KombuExecutorConnector(prefix="released")
    with World(store, connector, clock=SystemClock(), chance=Random(1), actions=actions) as running:
        yield running


def outputs(store: SqlStore, plan_id: UUID) -> list[dict[str, Any]]:
    return [json.loads(action["output"]) for action in store.whole(plan_id).actions]


def test_there_is_a_dump_to_try() -> None:
    assert DUMPS


def test_plans_of_earlier_releases_load_and_go_on(store: SqlStore, world: World) -> None:
    """E-111: paused, suspended, planned and stopped ones."""
    assert world.future(WAITING).wait(SOON).result is PlanResult.SUCCESS
    assert world.future(STOPPED).wait(SOON).state is PlanState.STOPPED

    resumed = world.resume(PAUSED).wait(SOON)

    assert resumed.result is PlanResult.SUCCESS
    assert outputs(store, PAUSED)[1:] == [
        {"said": "hello"},
        {"mended": True},
        {"read": "hello", "tidied": True},
    ]
    event = {"step_id": 2, "value": "a new release"}
    world.command(SLEEPING, CommandKind.EVENT, event, actor="ann", wait=SOON)
    assert world.future(SLEEPING).wait(SOON).result is PlanResult.SUCCESS
    assert outputs(store, SLEEPING) == [{"woken_by": "a new release"}]
