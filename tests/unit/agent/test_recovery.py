"""What an agent that died finds in its journal, and does with it."""

from datetime import timedelta

import pytest

from mcoflow.errors import ConfigError
from mcoflow.wire.kinds import Outcome
from mcoflow.wire.messages import CancelBody
from tests.unit.agent.world import OTHER_TOKEN, AgentWorld, done


@pytest.fixture
def agent(tmp_path):
    return AgentWorld(tmp_path / "first").start()


@pytest.fixture
def crash(agent, tmp_path):
    heirs = []

    def kill_and_restart(prepare=lambda _world: None):
        world = agent.crash(tmp_path / "second")
        heirs.append(world)
        prepare(world)
        return world.start()

    yield kill_and_restart
    for world in heirs:
        world.end()


def executing(agent, name="free", **changes):
    asked = agent.request(name, **changes)
    return asked, agent.begun(asked)


def test_what_was_received_is_accepted_again_and_executed(agent, crash):
    """B-035: received."""
    agent.bus.receipt_for = lambda parcel: None if parcel.kind == "accepted" else "confirmed"
    asked = agent.request()
    agent.bus.reply(asked.id, "accepted")
    agent.bus.receipt_for = lambda _parcel: "confirmed"

    world = crash()

    world.begun(asked).end(text="later")
    assert world.result(asked).values == {"text": "later"}
    assert len(world.bus.replies(asked.id, "accepted")) == 1


def test_a_worker_that_lives_is_adopted(agent, crash):
    """B-035: executing, the worker lives."""
    asked, run = executing(agent, "once")

    world = crash(lambda heir: heir.execution.alive.add(run.identity))
    world.bus.wait_for(lambda: world.execution.of(asked.id))[0].end(text="adopted")

    body = world.result(asked)
    assert (body.outcome, body.values, body.runs) == ("ok", {"text": "adopted"}, 1)


def test_an_adopted_worker_keeps_its_lock(agent, crash):
    first, run = executing(agent, "locked")
    world = crash(lambda heir: heir.execution.alive.add(run.identity))
    second = world.request("locked")
    world.bus.reply(second.id, "progress")

    assert world.execution.of(second.id) == []
    world.execution.of(first.id)[0].end()
    world.begun(second).end()


def test_a_result_that_a_dead_worker_left_is_used(agent, crash):
    """B-035: executing, the result file is whole."""
    asked, _ = executing(agent, "once")

    world = crash(lambda heir: heir.execution.left.update({asked.id: done(text="left")}))

    assert world.result(asked).values == {"text": "left"}
    assert world.execution.of(asked.id) == []


def test_an_idempotent_operation_is_run_once_more_and_says_so(agent, crash):
    """B-036: at most twice, and `runs` says so."""
    asked, _ = executing(agent, "free")

    world = crash()
    run = world.begun(asked)
    run.end()

    assert (world.result(asked).runs, run.job.run) == (2, 2)


def test_an_idempotent_operation_that_died_twice_is_interrupted(agent, tmp_path, crash):
    """B-036: not a third time."""
    asked, _ = executing(agent, "free")
    world = crash()
    world.begun(asked)

    heir = world.crash(tmp_path / "third").start()
    world.execution.runs[0].end()

    assert (heir.result(asked).outcome, heir.result(asked).runs) == ("interrupted", 2)
    assert heir.execution.of(asked.id) == []
    heir.end()


def test_an_operation_that_is_not_idempotent_is_never_run_again(agent, crash):
    """B-036, B-026: interrupted, effect unknown."""
    asked, _ = executing(agent, "once")

    world = crash()

    body = world.result(asked)
    assert (body.outcome, body.runs) == ("interrupted", 1)
    assert world.execution.of(asked.id) == []


def test_it_is_not_run_again_when_its_time_to_begin_is_over(agent, crash):
    asked, _ = executing(agent, "free")

    world = crash(lambda heir: setattr(heir.clock, "shift", timedelta(minutes=13)))

    assert world.result(asked).outcome == "interrupted"


def test_a_result_that_may_not_have_arrived_is_sent_again_with_the_same_bytes(agent, crash):
    """B-035: done, not replied."""
    agent.bus.receipt_for = lambda parcel: None if parcel.kind == "result" else "confirmed"
    asked, run = executing(agent)
    run.end(text="done")
    agent.result(asked)
    sent = agent.bus.published[-1].body
    agent.bus.receipt_for = lambda _parcel: "confirmed"

    world = crash()

    world.result(asked)
    assert sent in [parcel.body for parcel in world.bus.published]


def test_a_tombstone_outlives_the_agent(agent, crash):
    """B-019: the agent's part."""
    asked = agent.request(deliver=False)
    agent.say(asked.id, CancelBody(reply_to=OTHER_TOKEN, reason="", force=False))
    agent.bus.wait_for(lambda: agent.bus.settled)

    world = crash()
    world.bus.deliver(asked)

    assert world.result(asked).outcome == "cancelled"


def test_a_redelivered_request_is_answered_from_the_journal_after_a_restart(agent, crash):
    """B-034: across a restart."""
    asked, run = executing(agent)
    run.end(text="once")
    agent.result(asked)

    world = crash()
    world.bus.deliver(asked)

    assert world.result(asked).values == {"text": "once"}
    assert world.execution.of(asked.id) == []


@pytest.mark.parametrize("harm", ["deleted", "emptied", "flipped", "cut"])
def test_a_lost_journal_begins_a_new_generation_and_the_agent_works(agent, crash, harm):
    """B-037: also for requests that name the old generation."""
    old = agent.presences()[0].journal

    def damage(world):
        journal = world.settings.state_dir / "journal.db"
        for suffix in ("-wal", "-shm"):
            journal.with_name(journal.name + suffix).unlink(missing_ok=True)
        data = bytearray(journal.read_bytes())
        match harm:
            case "deleted":
                journal.unlink()
            case "emptied":
                journal.write_bytes(b"")
            case "flipped":
                journal.write_bytes(bytes(byte ^ 0xFF for byte in data) or b"\xff" * 8192)
            case "cut":
                journal.write_bytes(b"SQLite format 3\0" + data[16:2000])

    world = crash(damage)

    assert world.presences()[0].journal != old
    lost, fresh = world.request(journal=old), world.request()
    world.begun(fresh).end()
    assert (world.result(lost).outcome, world.result(fresh).outcome) == ("journal_lost", "ok")


def test_a_second_daemon_on_one_state_directory_is_refused(agent, tmp_path):
    """B-038: on one state directory."""
    second = AgentWorld(tmp_path / "first")

    with pytest.raises(ConfigError, match=r"another agent \(pid \d+\)"):
        second.daemon.start()

    agent.end()


def test_a_state_directory_that_others_may_write_is_refused(tmp_path):
    """B-051: a bad file mode."""
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(0o777)

    with pytest.raises(ConfigError, match="chmod 700"):
        AgentWorld(tmp_path).daemon.start()


def test_the_end_waits_for_what_runs(agent):
    """B-048: TERM drains."""
    asked, run = executing(agent)

    agent.daemon.stop(timedelta(seconds=30))
    agent.bus.wait_for(lambda: len(agent.presences()) > 1)
    assert not run.killed
    run.end(text="in peace")

    assert agent.daemon.wait(timedelta(seconds=10))
    assert agent.result(asked).values == {"text": "in peace"}


def test_the_end_kills_what_may_be_interrupted_when_its_patience_is_over(agent):
    """B-048: TERM; the result is `interrupted`."""
    asked, run = executing(agent)

    agent.end()

    assert (run.killed, agent.result(asked).outcome) == (True, "interrupted")


def test_the_end_leaves_what_must_not_be_interrupted_to_the_next_agent(agent, tmp_path):
    """B-048: the rest is adopted."""
    asked, run = executing(agent, "stubborn")
    agent.end()

    heir = AgentWorld(tmp_path / "first")
    heir.execution.alive.add(run.identity)
    heir.start()
    heir.execution.of(asked.id)[0].end(Outcome.OK)

    assert heir.result(asked).outcome == "ok"
    assert not run.killed
    heir.end()


def test_a_second_stop_ends_at_once(agent):
    """B-048: a second TERM."""
    _, run = executing(agent)
    agent.daemon.stop(timedelta(minutes=5))

    agent.daemon.stop()

    assert agent.daemon.wait(timedelta(seconds=5))
    assert not run.killed
