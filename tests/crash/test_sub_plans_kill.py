"""An executor is killed with -9 while it creates, runs and counts sub-plans that take turns with locks."""

import pytest

from mcoflow.ports.store import Listing
from tests.crash.supervisor import Supervisor
from tests.crash.work import KILLED

TOTAL = 30


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest) -> Supervisor:
    """A site on one of the databases."""
    return request.getfixturevalue("site" if request.param == "sqlite" else "postgresql_site")


@pytest.mark.parametrize(
    "fault",
    [
        "planner.mid:kill:12",  # in the middle of the second batch
        "director.before_commit:kill:5",
        "director.after_commit:kill:7",
        "run.mid:kill:9",
        "lease.after_take:kill:2",
    ],
)
def test_every_sub_plan_is_there_once_and_no_lock_is_left(either: Supervisor, fault: str) -> None:
    """E-066, E-077: every key has exactly one child, the counts are exact, plans at rest hold no lock."""
    server = either.start_server(fault)
    parent = server.submit("errands", total=TOTAL)
    assert server.await_death() == KILLED
    sound = either.start_server()
    if parent is None:  # it died before it could tell
        (made,) = either.store.plans(Listing(action="crash.errands", limit=1))
        parent = made.id

    plan = either.await_rest(parent)

    assert (plan.state, plan.result) == ("stopped", "success"), plan.explanation
    called = either.store.plans(Listing(caller=parent, limit=10 * TOTAL))
    assert sorted(each.args for each in called) == sorted(f'{{"number":{n}}}' for n in range(TOTAL))
    assert either.store.counts_by_state(parent) == {("stopped", "success"): TOTAL}
    assert left(either, "locks", "bells") == []
    sound.end()


def left(site: Supervisor, *tables: str) -> list[str]:
    """Name the tables that are not empty."""
    with site.store._database.reading() as connection:
        return [
            name for name in tables if connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar()
        ]
