"""Hosts that a person has to admit."""

import pytest

from mcoflow.domain.outcome import Outcome
from mcoflow.engine.admission import MOST_PENDING
from mcoflow.engine.settings import WorldSettings
from mcoflow.errors import HostNotFoundError
from mcoflow.ports.bus import Verdict
from mcoflow.testing import MemoryConnector
from mcoflow.wire.replies import Up
from tests.unit.engine.house import House
from tests.unit.engine.play import Install, compose, one
from tests.unit.engine.test_fleet import appear, taken

APPROVE = WorldSettings(approve=True)


@pytest.fixture
def strict(empty_house: House) -> House:
    """One executor that lets nobody in by itself."""
    empty_house.another(settings=APPROVE)
    return empty_house


@pytest.fixture
def removed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hosts whose queues were deleted."""
    names: list[str] = []
    monkeypatch.setattr(MemoryConnector, "remove_host", lambda _self, host: names.append(host))
    return names


def admitted(house: House) -> dict[str, bool]:
    return {host.identity: host.admitted for host in house.store.hosts()}


def test_a_host_gets_no_queue_before_it_is_admitted(strict: House) -> None:
    """B-012: pending until a person admits it; then when it speaks next."""
    assert taken(strict, appear(strict, "web1")) == [Verdict.ACK]
    assert admitted(strict) == {"web1": False}
    assert strict.broker.declared == []

    strict.world.admissions.admit(["web1"])
    taken(strict, appear(strict, "web1"))

    assert admitted(strict) == {"web1": True}
    assert strict.broker.declared == ["web1"]


def test_what_an_executor_remembers_does_not_undo_what_a_person_said(strict: House) -> None:
    """B-012: also of one that never heard of it."""
    taken(strict, appear(strict, "web1"))
    strict.another(settings=APPROVE)
    strict.world.admissions.admit(["web1"])

    for _ in range(3):
        taken(strict, appear(strict, "web1", state=Up.ALIVE))

    assert admitted(strict) == {"web1": True}


def test_a_host_that_is_removed_loses_its_queues_and_is_pending_again(
    strict: House, removed: list[str]
) -> None:
    """B-012: when it speaks next; admitted again it gets new ones."""
    taken(strict, appear(strict, "web1"))
    strict.world.admissions.admit(["web1"])
    taken(strict, appear(strict, "web1"))
    removed.clear()

    strict.world.admissions.remove("web1")
    assert admitted(strict) == {}
    taken(strict, appear(strict, "web1", state=Up.ALIVE))

    assert removed == ["web1"]
    assert admitted(strict) == {"web1": False}
    strict.world.admissions.admit(["web1"])
    taken(strict, appear(strict, "web1"))
    assert strict.broker.declared == ["web1", "web1"]


def test_no_more_than_so_many_wait_at_a_time(strict: House) -> None:
    """B-012: anybody may claim any name; the others are told nothing, and heard when there is room."""
    for number in range(MOST_PENDING + 5):
        taken(strict, appear(strict, f"web{number}"))
    assert len(admitted(strict)) == MOST_PENDING == 100

    strict.world.admissions.admit(["web0"])
    taken(strict, appear(strict, "web104"))

    assert admitted(strict)["web104"] is False
    assert sum(not each for each in admitted(strict).values()) == MOST_PENDING


def test_a_request_to_a_pending_host_says_what_to_do(strict: House) -> None:
    """B-013: no such host; an effect is out of the question."""
    taken(strict, appear(strict, "web1"))
    strict.hosts.unknown.add("web1")

    plan_id = compose(strict, one(Install, host="web1", package="nginx"))

    plan = strict.rest(plan_id)
    assert strict.step(plan_id).outcome is Outcome.NO_SUCH_HOST
    assert "web1 is not admitted: `mcoflow host admit web1`" in plan.explanation


def test_hosts_that_nobody_heard_of_are_neither_admitted_nor_removed(strict: House) -> None:
    taken(strict, appear(strict, "web1"))

    with pytest.raises(HostNotFoundError, match=r"never heard of web8, web9.*then admit it$"):
        strict.world.admissions.admit(["web8", "web9"])
    with pytest.raises(HostNotFoundError, match=r"never heard of web9.*; the others were let in$"):
        strict.world.admissions.admit(["web9", "web1"])
    with pytest.raises(HostNotFoundError, match="web9"):
        strict.world.admissions.remove("web9")


def test_in_the_open_mode_whoever_is_removed_is_let_in_when_it_speaks(house: House) -> None:
    """B-012: as any host."""
    taken(house, appear(house, "web1"))
    house.world.admissions.remove("web1")

    taken(house, appear(house, "web1"))

    assert admitted(house) == {"web1": True}
