"""Doorbells and offers of plans that get lost: they carry no authority, and nothing waits for them."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from mcoflow.domain.requests import CommandKind
from mcoflow.domain.states import PlanResult, StepState
from mcoflow.engine.lookout import POLL
from mcoflow.engine.settings import WorldSettings
from mcoflow.ports.bus import Bell, OnReceipt, Parcel, Plans
from tests.unit.engine.house import House
from tests.unit.engine.play import Compose, Listen, do, one, play
from tests.waiting import until

_EVE = {"actor": "eve", "wait": timedelta(seconds=30)}


@pytest.fixture
def lost(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Parcel]]:
    """What the broker lost: everything that only wakes somebody. It says that it has delivered it."""
    parcels: list[Parcel] = []
    take = house.broker.take

    def lose(parcel: Parcel, on_receipt: OnReceipt) -> None:
        if isinstance(parcel.address, Plans | Bell):
            parcels.append(parcel)
            house.broker.call(lambda: on_receipt(parcel, "confirmed"))
        else:
            take(parcel, on_receipt)

    monkeypatch.setattr(house.broker, "take", lose)
    return parcels


def sleep(action: Any, event: Any) -> None:
    if event is None:
        action.suspend(patience=timedelta(hours=1))


def test_a_plan_whose_offer_is_lost_is_found(house: House, lost: list[Parcel]) -> None:
    """B-018: an executor looks for itself, far more often than it looks for the dead."""
    client = house.another(executor=False)
    plan_id = client.submit(Compose.name, {"layout": play.layout(do("a"))}, user="eve").plan_id

    house.pass_time(POLL)

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert [parcel.kind for parcel in lost] == ["plan"]
    assert WorldSettings().reconcile.total_seconds() > POLL


def test_a_command_whose_doorbell_is_lost_is_obeyed(house: House, lost: list[Parcel]) -> None:
    """B-018: who gave it waits no longer than a look takes."""
    play.scripts["a"] = sleep
    client = house.another(executor=False)
    plan_id = client.submit(Compose.name, {"layout": play.layout(one(Listen))}, user="eve").plan_id
    house.pass_time(POLL)
    step = house.step_when(plan_id, StepState.SUSPENDED)

    event = {"step_id": step.id, "value": "go"}
    giving = threading.Thread(target=client.command, args=(plan_id, CommandKind.EVENT, event), kwargs=_EVE)
    giving.start()
    until(lambda: [parcel for parcel in lost if isinstance(parcel.address, Bell)], "the bell is lost")
    house.pass_time(POLL)

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    giving.join(10)
    assert not giving.is_alive()
