"""The agent is killed with -9 at every point that matters; nothing is lost, nothing runs twice."""

import os
import signal

import pytest

from tests.crash.field import Field

KILLED = -signal.SIGKILL


@pytest.fixture
def field(rabbitmq, tmp_path):
    field = Field(rabbitmq, tmp_path)
    yield field
    field.close()


@pytest.mark.parametrize("operation", ["once", "again"])
@pytest.mark.parametrize(
    "point", ["agent.delivered", "agent.journaled", "agent.acked", "agent.accepted_confirmed"]
)
def test_killed_before_it_began_the_operation_runs_once_after_the_restart(field, point, operation):
    """B-035, R-011: redelivered, or taken up from the journal."""
    field.start_agent(f"{point}:kill:1")
    request = field.send(operation)
    assert field.await_death() == KILLED

    field.start_agent()

    result = field.result(request)
    assert (result.outcome, result.runs) == ("ok", 1)
    assert field.trace(request) == ["begin", "end"]


@pytest.mark.parametrize(
    ("operation", "outcome", "runs", "trace"),
    [("once", "interrupted", 1, []), ("again", "ok", 2, ["begin", "end"])],
)
def test_killed_on_the_brink_it_is_run_again_only_if_idempotent(field, operation, outcome, runs, trace):
    """B-035, B-036, R-013: `executing` is on disk, the worker was not let loose."""
    field.start_agent("agent.executing:kill:1")
    request = field.send(operation)
    assert field.await_death() == KILLED

    field.start_agent()

    result = field.result(request)
    assert (result.outcome, result.runs, field.trace(request)) == (outcome, runs, trace)


def test_killed_while_the_worker_lives_the_next_agent_adopts_it(field):
    """B-035, R-012: the result as if nothing had happened."""
    field.start_agent()
    request = field.send("once", gate="gate")
    field.await_begin(request)
    field.kill_agent()

    field.start_agent()
    field.open_gate("gate")

    result = field.result(request)
    assert (result.outcome, result.runs, result.values) == ("ok", 1, {"key": str(request)})
    assert field.trace(request) == ["begin", "end"]


def test_a_worker_that_ended_while_no_agent_lived_has_left_its_result(field):
    """B-035: the result file is whole."""
    field.start_agent()
    request = field.send("once", gate="gate")
    field.await_begin(request)
    field.kill_agent()
    field.open_gate("gate")
    field.wait_for(lambda: field.trace(request) == ["begin", "end"])

    field.start_agent()

    assert (field.result(request).outcome, field.result(request).runs) == ("ok", 1)
    assert field.trace(request) == ["begin", "end"]


@pytest.mark.parametrize(
    ("operation", "outcome", "runs", "trace"),
    [("once", "interrupted", 1, ["begin"]), ("again", "ok", 2, ["begin", "begin", "end"])],
)
def test_killed_together_with_its_worker(field, operation, outcome, runs, trace):
    """B-036, R-013: idempotent: once more; else `interrupted`."""
    field.start_agent()
    request = field.send(operation, gate="gate")
    field.await_begin(request)
    field.kill_agent()
    os.kill(field.worker_of(request), signal.SIGKILL)
    field.open_gate("gate")

    field.start_agent()

    result = field.result(request)
    assert (result.outcome, result.runs, field.trace(request)) == (outcome, runs, trace)


@pytest.mark.parametrize(
    ("point", "outcome", "trace"),
    [
        ("worker.before_effect", "failed", []),
        ("worker.after_effect", "failed", ["begin", "end"]),
        ("worker.result_renamed", "ok", ["begin", "end"]),
    ],
)
def test_a_worker_alone_that_is_killed_has_run_once(field, point, outcome, trace):
    """B-056, R-013: what it left whole counts."""
    field.start_agent(f"{point}:kill")
    request = field.send("once")

    result = field.result(request)

    assert (result.outcome, result.runs, field.trace(request)) == (outcome, 1, trace)


@pytest.mark.parametrize("point", ["agent.done", "agent.result_sent", "agent.result_confirmed"])
def test_killed_after_the_end_the_result_is_sent_unasked(field, point):
    """B-035, R-014."""
    field.start_agent(f"{point}:kill:1")
    request = field.send("once")
    assert field.await_death() == KILLED

    field.start_agent()

    assert (field.result(request).outcome, field.result(request).runs) == ("ok", 1)
    assert field.trace(request) == ["begin", "end"]


def test_killed_in_recovery_it_recovers_the_next_time(field):
    """R-007: the agent's part."""
    field.start_agent("agent.executing:kill:1")
    request = field.send("again")
    assert field.await_death() == KILLED
    field.start_agent("agent.recovery:kill:1")
    assert field.await_death() == KILLED

    field.start_agent()

    assert (field.result(request).outcome, field.trace(request)) == ("ok", ["begin", "end"])


def test_killed_while_it_kills_the_worker_is_adopted_and_ends(field):
    """B-035: a cancel, TERM not heeded, the agent dies before KILL."""
    field.start_agent("agent.kill:kill:1")
    request = field.send("once", gate="gate", stubborn=True)
    field.await_begin(request)
    field.cancel(request)
    assert field.await_death() == KILLED

    field.start_agent()
    field.open_gate("gate")

    assert (field.result(request).outcome, field.trace(request)) == ("ok", ["begin", "end"])


def test_five_deliveries_of_one_request_have_one_effect(field):
    """B-034, R-028: through a real broker."""
    field.start_agent()
    request = field.send("once", times=5)

    field.result(request)
    other = field.send("again")
    field.result(other)

    assert field.trace(request) == ["begin", "end"]


def test_term_lets_running_work_end_and_the_process_ends_clean(field):
    """B-048: TERM."""
    field.start_agent()
    request = field.send("once", gate="gate")
    field.await_begin(request)
    field.open_gate("gate")

    assert field.end_agent() == 0

    assert field.result(request).outcome == "ok"
