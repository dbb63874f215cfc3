"""The executor is killed with -9 at every fault point: every plan ends right, every operation ran once.

The tests of this file share a database and an agent; each begins and ends without an executor.
"""

import ast
import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from mcoflow.clock import SystemClock
from mcoflow.domain.discovery import Counting, DiscoveryRecord
from mcoflow.engine.discoveries import Discoveries
from mcoflow.engine.watch import Watch
from mcoflow.storage import migrate
from tests.crash import points
from tests.crash.field import ROOT
from tests.crash.supervisor import Supervisor
from tests.crash.work import KILLED, WORK, ends_right, finish, new_gate, submit
from tests.waiting import until

ON_POSTGRESQL = (
    "plan.before_commit",
    "plan.after_commit",
    "director.before_commit",
    "director.after_commit",
    "outbox.before_publish",
    "outbox.after_publish",
    "reply.received",
    "reply.committed",
    "recovery.plan_taken",
    "lease.after_take",
)
TIMES = int(os.environ.get("MCOFLOW_KILLS", "1"))
"""How often each point kills, every time the executor that goes on where the last one died: 3 before a
release, then on both databases. In one thread each does so in every run, see test_every_point.py."""
OUTLIVED = 60.0
"""A lease that has not run out when the next executor starts, however busy the machine: so it has to find the
owner dead."""


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest) -> Supervisor:
    """A site on one of the databases."""
    return request.getfixturevalue("site" if request.param == "sqlite" else "postgresql_site")


def sweep(names):
    """Each point on SQLite, some of them on PostgreSQL too."""
    chosen = [(name, "sqlite") for name in names]
    chosen += [(name, "postgresql") for name in names if name in ON_POSTGRESQL or TIMES > 1]
    return pytest.mark.parametrize(("point", "either"), chosen, indirect=["either"])


@sweep((*points.SUBMITTING, *points.RUNNING))
def test_killed_at_the_point_all_plans_end_right_after_the_restart(either, point):
    """E-099, R-001 to R-006: nothing that was given an id is lost, nothing runs twice."""
    given, left = [], WORK
    for _ in range(TIMES):
        server = either.start_server(f"{point}:kill:1")
        more, left = submit(either, server, left or WORK)
        given += more
        assert server.await_death() == KILLED

    finish(either, given, left)


@sweep((*points.PLANNING_LATER, "planner.mid"))
def test_killed_while_it_plans_what_was_scheduled_the_next_executor_plans_it(either, point):
    """E-014: once; nothing of the first attempt is left."""
    plan_id = uuid4()
    server = either.start_server(f"{point}:kill:1")
    server.plan_elsewhere("effect", plan_id=plan_id, host="web1")
    assert server.await_death() == KILLED
    for _ in range(1, TIMES):
        assert either.start_server(f"{point}:kill:1").await_death() == KILLED

    server = either.start_server()
    either.give(plan_id)
    ends_right(either, [("effect", {}, plan_id)])
    either.check()
    server.end()


@sweep(points.TAKING_OVER)
def test_killed_while_it_takes_over_the_next_executor_goes_on(either, point):
    """E-099, R-007, R-008: recovery is repeatable; the work that was under way ends right."""
    gate = new_gate()
    first = either.start_server(lease=OUTLIVED)
    given, _ = submit(either, first, (("effect", {"host": "web1", "gate": gate}), *WORK[1:]))
    either.await_begin(given[0][2])
    first.kill()

    for _ in range(TIMES):
        assert either.start_server(f"{point}:kill:1", lease=OUTLIVED).await_death() == KILLED
    either.open_gate(gate)

    finish(either, given)


@sweep(points.DISCOVERING)
def test_killed_while_it_asks_hosts_the_next_executor_asks_and_counts_each_once(either, point):
    """B-059: what was asked for by somebody gets an end, in words and numbers."""
    server = either.start_server()
    until(either.store.hosts, "the host is known")
    server.end()
    asks = Discoveries(either.store, SystemClock(), Watch(SystemClock(), poll=0.1), lambda: None)
    discovery_id = asks.ask("all")
    for _ in range(TIMES):
        assert either.start_server(f"{point}:kill:1", lease=OUTLIVED).await_death() == KILLED

    server = either.start_server()
    record = until(lambda: _over(either.store.discovery(discovery_id)), "the discovery is over", within=60)

    assert record.problem == ""
    assert either.store.count_met(discovery_id) == Counting(1, answered=1)
    server.end()


def _over(record: DiscoveryRecord) -> DiscoveryRecord | None:
    return record if record.ended_at is not None else None


def test_every_point_that_the_code_names_is_in_the_list_and_broken_by_a_test():
    """3.1: a point that no run has hit, or that nobody knows, is a failure; the server's are hit above."""
    named = set(named_points())

    assert named == {*points.SERVER, *points.AGENT, *points.WORKER}
    agents_tests = (Path(__file__).with_name("test_agent_kill.py")).read_text()
    assert [name for name in (*points.AGENT, *points.WORKER) if f'"{name}' not in agents_tests] == []


def named_points() -> Iterator[str]:
    """Yield what the code calls its fault points, also where the call is left to somebody else."""
    for package in ("mcoflow", "connectors", "webui"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and "faultpoint" in map(ast.unparse, (node.func, *node.args)):
                    yield from (arg.value for arg in node.args if isinstance(arg, ast.Constant))


def test_killed_while_the_agent_works_the_result_is_applied_after_the_restart(either):
    """R-005: the reply waits in the dead executor's queue; the next one knows nothing but what is stored."""
    gate = new_gate()
    server = either.start_server()
    given, _ = submit(either, server, [("chain", {"host": "web1", "gate": gate})])
    either.await_begin(given[0][2], times=3)
    server.kill()
    either.open_gate(gate)

    finish(either, given)


def test_another_executor_takes_over_from_one_that_died(either):
    """R-008: nobody has to be started again."""
    gate = new_gate()
    first, second = either.start_server(), either.start_server()
    given, _ = submit(either, first, [("effect", {"host": "web1", "gate": gate})])
    either.await_begin(given[0][2])
    first.kill()
    either.open_gate(gate)

    ends_right(either, given)
    either.check()
    second.end()


def test_a_plan_that_is_submitted_again_under_its_id_is_one_plan(site):
    """R-001: killed before the plan was stored, and after."""
    for point in points.SUBMITTING:
        plan_id = uuid4()
        server = site.start_server(f"{point}:kill:1")
        assert server.submit("effect", plan_id=plan_id, host="web1") is None
        assert server.await_death() == KILLED

        server = site.start_server()
        assert server.submit("effect", plan_id=plan_id, host="web1") == plan_id
        site.give(plan_id)
        ends_right(site, [("effect", {}, plan_id)])
        site.check()
        server.end()


def test_local_work_that_may_not_be_repeated_waits_for_a_person(site):
    """Engine, 4: `RunInterruptedError`, effect unknown; here the work was done and its end not stored."""
    server, plan_id = site.start_server("run.mid:kill:1"), uuid4()
    server.submit("local", plan_id=plan_id)  # whether it is answered before the kill, or not
    site.give(plan_id)
    assert server.await_death() == KILLED

    server = site.start_server()
    plan = site.await_rest(plan_id)

    assert (plan.state, plan.result) == ("paused", "error")
    assert "the executor died while the step was inside run: effect unknown" in plan.explanation
    assert site.events(plan_id) == ["begin", "end"]
    server.cancel(plan_id)
    assert site.await_rest(plan_id).result == "cancelled"
    server.end()


def test_killed_when_a_cancel_was_stored_the_plan_is_cancelled_after_the_restart(site):
    """R-042: exactly one word, and the operation was told to stop."""
    gate = new_gate()
    server = site.start_server(f"{points.COMMAND}:kill:1")
    plan_id = server.submit("effect", host="web1", gate=gate)
    site.give(plan_id)
    site.await_begin(plan_id)
    assert server.cancel(plan_id) is None
    assert server.await_death() == KILLED

    server = site.start_server()

    assert site.await_rest(plan_id).result == "cancelled"
    assert site.events(plan_id) == ["begin"]
    site.check()
    server.end()


def test_killed_in_a_migration_the_next_start_migrates(site, tmp_path):
    """R-044: all of it or nothing."""
    database = f"sqlite:///{tmp_path}/new.db"
    server = site.start_server(f"{points.MIGRATION}:kill:1", database=database)
    assert server.await_death() == KILLED
    assert migrate.current(database) is None

    site.start_server(database=database).end()

    assert migrate.current(database) == migrate.newest()
