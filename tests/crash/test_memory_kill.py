"""Everything in one process, on memory://: killed with -9, messages and all, and started again."""

from contextlib import closing

import pytest

from tests.crash.supervisor import Supervisor
from tests.crash.work import KILLED, ends_right, finish, new_gate, submit

WORK = (("effect", {"host": "web1"}), ("nap", {}), ("chain", {"host": "web1"}))


@pytest.fixture
def site(tmp_path):
    with closing(Supervisor(tmp_path, "memory://", "crash", f"sqlite:///{tmp_path}/db", ["web1"])) as site:
        yield site


@pytest.mark.parametrize(
    "point",
    ["outbox.before_publish", "outbox.after_publish", "agent.acked", "reply.received", "reply.committed"],
)
def test_killed_at_the_point_every_plan_ends_and_nothing_runs_twice(site, point):
    """B-029: the messages are gone with the process, the outbox and the journal are not."""
    server = site.start_server(f"{point}:kill:1")
    given, left = submit(site, server, WORK)
    assert server.await_death() == KILLED

    finish(site, given, left)


def test_killed_while_operations_run_and_others_wait_every_plan_ends(site):
    """B-029: four execute and go on without us, four wait in the journal."""
    gate = new_gate()
    server = site.start_server()
    given, _ = submit(site, server, [("effect", {"host": "web1", "gate": gate})] * 8)
    plans = [plan_id for _, _, plan_id in given]
    for plan_id in plans[:4]:
        site.await_begin(plan_id)
    server.kill()
    site.open_gate(gate)

    server = site.start_server()

    ends_right(site, given)
    site.check()
    server.end()
