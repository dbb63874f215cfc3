"""Operations that wait on their host for another one: the step says whom it waits for."""

from uuid import UUID

from mcoflow.domain.states import PlanResult
from mcoflow.services.present import step_words
from mcoflow.testing.hosts import accepted, only, progress, result
from mcoflow.wire.messages import Work
from tests.unit.engine.house import House
from tests.unit.engine.play import Install, compose
from tests.waiting import until

HOLDER = "waits for package.install 0a1b, which holds package"


def install(house: House) -> UUID:
    return compose(house, lambda plan: plan.plan_action(Install, host="web1", package="x"))


def test_a_waiting_step_says_whom_it_waits_for(house: House) -> None:
    """B-042: visible on the server, until it may begin."""
    house.hosts.default = only(accepted(), progress(Work.QUEUED, HOLDER))
    plan_id = install(house)
    until(lambda: house.step(plan_id).reason, "it says why it waits")

    words = step_words(house.step(plan_id))

    assert words == "waits for its turn: package.install 0a1b, which holds package"


def test_it_says_so_no_longer_when_it_executes(house: House) -> None:
    house.hosts.default = only(accepted(), progress(Work.QUEUED, HOLDER), progress())
    plan_id = install(house)
    until(lambda: any(each.executing for each in house.store.open_requests([plan_id])), "it executes")

    assert step_words(house.step(plan_id)) == "waiting for a reply"


def test_nothing_of_it_is_left_at_the_end(house: House) -> None:
    house.hosts.default = only(accepted(), progress(Work.QUEUED, HOLDER), result())

    plan = house.rest(install(house))

    assert plan.result is PlanResult.SUCCESS
    assert house.step(plan.id).reason == ""
