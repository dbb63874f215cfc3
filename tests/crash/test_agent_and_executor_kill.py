"""Agent and executor together: what a plan says when the agent, or an executor's time, was taken away."""

import os
import signal

import pytest

from tests.crash.work import ends_right, finish, new_gate, submit
from tests.waiting import until


def test_an_agent_that_is_killed_while_it_executes_adopts_its_worker(site):
    """R-012, B-035: the plan ends as if nothing had happened."""
    gate = new_gate()
    server = site.start_server()
    given, _ = submit(site, server, [("effect", {"host": "web1", "gate": gate})])
    site.await_begin(given[0][2])
    site.kill_agent("web1")

    site.start_agent("web1")
    site.open_gate(gate)

    ends_right(site, given)
    site.check()
    server.end()


@pytest.mark.parametrize(
    ("operation", "result", "events"),
    [("once", "error", ["begin"]), ("again", "success", ["begin", "begin", "end"])],
)
def test_an_agent_that_is_killed_with_its_worker_repeats_only_what_may_be(site, operation, result, events):
    """R-013, B-036: else the step ends `interrupted`, its effect unknown."""
    gate = new_gate()
    server = site.start_server()
    plan_id = server.submit("effect", host="web1", operation=operation, gate=gate)
    site.give(plan_id)
    site.await_begin(plan_id)
    site.kill_agent("web1")
    os.kill(site.trace(plan_id)[0]["pid"], signal.SIGKILL)
    site.open_gate(gate)

    site.start_agent("web1")

    plan = site.await_rest(plan_id)
    assert (plan.state, plan.result, site.events(plan_id)) == ("stopped", result, events)
    assert ("interrupted" in plan.explanation) == (operation == "once")
    site.check()
    server.end()


def test_agent_and_executor_are_killed_at_the_same_time(site):
    """R-005, R-012: each finds what it needs in its own store."""
    gate = new_gate()
    server = site.start_server()
    given, _ = submit(site, server, [("chain", {"host": "web1", "gate": gate})])
    site.await_begin(given[0][2], times=3)
    server.kill()
    site.kill_agent("web1")
    site.open_gate(gate)

    site.start_agent("web1")

    finish(site, given)


def test_an_executor_that_was_frozen_past_its_lease_writes_nothing_stale_and_lives_on(site):
    """R-009, I-7: another one takes over; thawed, the first drops its plans and begins under a new name."""
    gate = new_gate()
    first = site.start_server(heartbeat=2)
    given, _ = submit(site, first, [("effect", {"host": "web1", "gate": gate}), ("nap", {})])
    site.await_begin(given[0][2])
    first.freeze()
    second = site.start_server()
    site.open_gate(gate)
    ends_right(site, given)
    ended = [site.store.plan(plan_id) for _, _, plan_id in given]

    first.thaw()

    more, _ = submit(site, first, [("chain", {"host": "web1"})])
    ends_right(site, more)
    until(lambda: sum(world.alive for world in site.store.worlds()) == 2, "both executors")
    assert [site.store.plan(plan_id) for _, _, plan_id in given] == ended
    site.check()
    first.end()
    second.end()
