"""The agent `process`, on real processes: a signal goes to the one that was seen, or to nobody."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcoflow.agent.own_processes import WORKER
from mcoflow.agent.processes import identity_of
from mcoflow.wire.kinds import Outcome
from tests.unit.agent.bench import Bench, bench


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path, ["process"], policy='[process]\nsignal = ["slee*", "py*"]\n') as made:
        yield made


@pytest.fixture
def sleeper() -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen(["sleep", "600"]) as child:
        yield child
        child.kill()


def test_processes_are_listed_by_name_with_what_names_them_for_ever(
    host: Bench, sleeper: "subprocess.Popen[bytes]"
) -> None:
    listed = host.run("process.list", name="sle*").values

    (found,) = (each for each in listed["processes"] if each["pid"] == sleeper.pid)
    assert (found["name"], found["command"], found["parent"]) == ("sleep", "sleep 600", os.getpid())
    assert found["started"] > 0
    assert listed["total"] >= 1
    assert all(each["name"].startswith("sle") for each in listed["processes"])


def test_a_list_is_bounded_and_counts_all(host: Bench) -> None:
    listed = host.run("process.list", limit=1).values

    assert len(listed["processes"]) == 1
    assert listed["total"] > 1


def test_a_signal_reaches_the_process_that_was_seen(host: Bench, sleeper: "subprocess.Popen[bytes]") -> None:
    listed = host.run("process.list", name="sleep").values
    (found,) = (each for each in listed["processes"] if each["pid"] == sleeper.pid)
    who = {"pid": found["pid"], "started": found["started"], "boot": listed["boot"]}

    tried = host.run("process.signal", check=True, **who)
    assert tried.outcome is Outcome.OK, tried.message
    assert sleeper.poll() is None

    sent = host.run("process.signal", signal="TERM", **who)
    assert sent.values["name"] == "sleep"
    assert sleeper.wait(10) == -15

    again = host.run("process.signal", **who)
    assert (again.outcome, again.reason) == (Outcome.FAILED, "not_found")


def test_a_pid_that_is_used_again_is_not_hit(host: Bench, sleeper: "subprocess.Popen[bytes]") -> None:
    end = host.run("process.signal", pid=sleeper.pid, started=1, signal="KILL")

    assert (end.outcome, end.reason) == (Outcome.FAILED, "another_process")
    assert sleeper.poll() is None


def test_a_process_of_an_earlier_start_of_the_machine_is_gone(
    host: Bench, sleeper: "subprocess.Popen[bytes]"
) -> None:
    found = host.run("process.list", name="sleep").values["processes"][0]

    end = host.run("process.signal", pid=found["pid"], started=found["started"], boot="0000-1111")

    assert end.reason == "not_found"
    assert sleeper.poll() is None


def refused(host: Bench, pid: int) -> str:
    seen = identity_of(pid)
    assert seen is not None
    end = host.run("process.signal", pid=pid, started=seen.started, signal="KILL")
    assert (end.outcome, end.reason) == (Outcome.FAILED, "not_allowed")
    return end.message


def test_the_daemon_is_not_hit_by_a_worker_that_it_took_over(
    host: Bench, sleeper: "subprocess.Popen[bytes]"
) -> None:
    """The daemon is who holds the state directory, whoever is the parent."""
    (host.folder / "lock").write_text(f"{sleeper.pid}\n")

    assert "the agent itself" in refused(host, sleeper.pid)
    assert sleeper.poll() is None


def test_another_worker_is_not_hit_whatever_the_policy_names(host: Bench) -> None:
    waiting = host.prepare("process.list")
    assert waiting.running.identity is not None

    assert "one of its workers" in refused(host, waiting.running.identity.pid)

    waiting.running.begin()
    assert waiting.wait().outcome is Outcome.OK


def test_what_a_worker_started_is_not_hit_either(host: Bench) -> None:
    words = ["/bin/bash", "-c", "sleep 600 & echo $!; wait", WORKER]
    with subprocess.Popen(words, stdout=subprocess.PIPE, start_new_session=True) as leader:
        assert leader.stdout is not None
        inner = int(leader.stdout.readline())
        try:
            assert "one of its workers" in refused(host, inner)
        finally:
            os.killpg(leader.pid, signal.SIGKILL)


def test_what_the_policy_does_not_name_gets_no_signal(host: Bench) -> None:
    listed = host.run("process.list", limit=200).values["processes"]
    own = next(each for each in listed if each["pid"] == os.getpid())
    first = next(each for each in listed if each["pid"] == 1)

    for process in (own, first):
        end = host.run("process.signal", pid=process["pid"], started=process["started"], signal="CONT")
        assert (end.outcome, end.reason) == (Outcome.FAILED, "not_allowed")
