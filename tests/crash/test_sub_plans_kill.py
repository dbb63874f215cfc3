"""An executor is killed with -9 while it creates, runs and counts sub-plans that take turns with locks."""

from uuid import UUID

import pytest

from mcoflow.domain.states import PlanState
from mcoflow.ports.store import Listing
from tests.crash.crash_actions import Waves
from tests.crash.supervisor import WITHIN, Supervisor
from tests.crash.work import KILLED, new_gate
from tests.waiting import until

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


def test_the_counts_are_exact_when_the_executors_of_parent_and_children_die_in_turn(
    postgresql_site: Supervisor,
) -> None:
    """E-069: who is slow to claim leaves the children of the plan that it runs to another executor."""
    site, gate, total = postgresql_site, new_gate(), 2 * Waves.wave
    first = site.start_server("lease.before_take:sleep=2")
    second = site.start_server("lease.before_take:sleep=0.7")
    parent = first.submit("waves", host="web1", gate=gate, total=total)
    assert parent is not None
    site.give(parent)
    assert await_apart(site, parent, begun=Waves.wave) == (first.pid, second.pid)
    first.kill()
    # Only then the third: it claims faster, and would take the parent too.
    until(lambda: owner(site, parent) == second.pid, "the second has taken the parent over", within=WITHIN)

    third = site.start_server()
    site.open_gate(f"{gate}-0")
    assert await_apart(site, parent, begun=total) == (second.pid, third.pid)
    third.kill()
    site.open_gate(f"{gate}-1")

    plan = site.await_rest(parent)
    assert (plan.state, plan.result) == ("stopped", "success"), plan.explanation
    children = site.store.plans(Listing(caller=parent, limit=10 * total))
    assert site.store.counts_by_state(parent) == {("stopped", "success"): total}
    assert [site.events(each.id) for each in children] == [["begin", "end"]] * total
    site.check()
    second.end()


def await_apart(site: Supervisor, parent: UUID, begun: int) -> tuple[int, int]:
    """Wait until so many operations have begun, and children run on another executor than their parent.

    Return the process ids of both.
    """

    def apart() -> tuple[int, int] | None:
        children = site.store.plans(Listing(caller=parent, limit=100))
        pids = living(site)
        of_parent = owner(site, parent)
        of_children = {pids.get(each.owner) for each in children if each.state is PlanState.RUNNING}
        works = sum(site.events(each.id).count("begin") for each in children) >= begun
        if not works or len(of_children) != 1 or of_children & {of_parent, None}:
            return None
        return of_parent, *of_children

    return until(apart, "children on another executor than their parent", within=WITHIN)


def owner(site: Supervisor, plan_id: UUID) -> int | None:
    """Return the process id of the living executor that has the plan."""
    return living(site).get(site.store.plan(plan_id).owner)


def living(site: Supervisor) -> dict[UUID | None, int]:
    """Return the process ids of the living executors."""
    return {world.id: world.meta["pid"] for world in site.store.worlds() if world.alive}


def left(site: Supervisor, *tables: str) -> list[str]:
    """Name the tables that are not empty."""
    with site.store._database.reading() as connection:
        return [
            name for name in tables if connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar()
        ]
