"""Workers: whatever an operation does to its process, the daemon learns how it ended, and lives."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mcoflow.agent.processes import group_is_empty
from mcoflow.domain.told import in_one_line
from mcoflow.wire.kinds import TAIL_LIMIT, Outcome
from tests.unit.agent.bench import Bench, bench
from tests.unit.agent.rough import identity, until_exists, until_gone


def test_a_plain_function_answers_with_its_values_and_what_it_printed(rough: Bench) -> None:
    end = rough.run("rough.echo", path="here")

    assert end.outcome is Outcome.OK
    assert end.values == {"said": "here", "changed": True, "exit_code": 0}
    assert (end.changed, end.exit_code, end.tail) == (True, 0, "hello from here\n")
    assert end.output_bytes == len("hello from here\n")
    assert end.duration_ms >= 0
    assert end.started_at <= end.finished_at


def test_an_operation_of_the_daemon_itself_needs_no_process(rough: Bench) -> None:
    started = rough.start("host.ping")

    assert started.ended.is_set()
    assert started.running.identity is None
    assert started.wait().values == {"pong": True}


def test_the_worker_is_alone_and_knows_nothing_of_us(rough: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "1")

    assert rough.run("rough.surroundings").values["said"] == "/ 077 True False True"


@pytest.mark.parametrize(
    ("operation", "reason", "says"),
    [
        ("segfault", "worker_died", "signal 11"),
        ("vanish", "worker_died", "exit code 3"),
        ("leave", "exception", "SystemExit: 4"),
        ("raising", "exception", "RuntimeError: boom"),
        ("failing", "locked", "somebody holds it"),
        ("nonsense", "bad_output", "Said"),
        ("large", "too_large", "64 KiB"),
        ("broken_text", "exception", "U+0000"),
    ],
)
def test_a_worker_that_dies_ends_as_failed(rough: Bench, operation: str, reason: str, says: str) -> None:
    """B-056: crash, exit, exception and nonsense end as failed (reason), and the next job works."""
    end = rough.run(f"rough.{operation}")

    assert (end.outcome, end.reason) == (Outcome.FAILED, reason)
    assert says in end.message
    assert len(end.message) <= 4096
    assert rough.run("rough.echo").outcome is Outcome.OK


def test_what_was_printed_before_a_crash_is_kept(rough: Bench) -> None:
    end = rough.run("rough.segfault")

    assert end.signal == 11
    assert "before" in end.tail
    assert "Segmentation fault" in end.message
    assert in_one_line(end.message).endswith("and left no result: Fatal Python error: Segmentation fault")


def test_a_failure_carries_its_exit_code(rough: Bench) -> None:
    assert rough.run("rough.failing").exit_code == 100


def test_garbage_arrives_as_valid_text(rough: Bench) -> None:
    """B-056: a worker that prints garbage harms nobody."""
    end = rough.run("rough.garbage")

    assert end.outcome is Outcome.OK
    assert "\x00" not in end.tail
    assert len(end.tail.encode()) <= TAIL_LIMIT
    assert end.output_bytes == 1024 + 200


def test_a_flood_is_counted_and_cut(rough: Bench) -> None:
    """B-045: 64 MiB of output: bounded, true count, and the operation was never blocked."""
    end = rough.run("rough.flood", count=1024)

    assert end.outcome is Outcome.OK
    assert end.output_bytes == 64 * 1024 * 1024
    assert end.truncated
    assert end.tail.startswith("0123456789")
    assert "bytes left out" in end.tail


def test_a_hanging_worker_is_terminated_and_its_group_is_empty(rough: Bench, tmp_path: Path) -> None:
    """B-056: a hang ends when the daemon says so."""
    mark = tmp_path / "hanging"
    started = rough.start("rough.hang", path=str(mark))
    until_exists(mark)

    started.running.terminate()

    assert started.wait().outcome is Outcome.KILLED
    assert started.wait().signal == 15
    assert group_is_empty(identity(started).pid)


def test_what_ignores_term_is_waited_for_and_then_killed(rough: Bench, tmp_path: Path) -> None:
    """B-043: the end is told when the group is empty, not when its leader is gone."""
    mark = tmp_path / "up"
    started = rough.start("rough.stubborn", path=str(mark))
    until_exists(mark)
    group = identity(started).pid

    started.running.terminate()
    assert not started.ended.wait(0.5)
    assert not group_is_empty(group)
    started.running.kill()

    assert started.wait().outcome is Outcome.KILLED
    assert group_is_empty(group)


def test_a_worker_that_is_abandoned_has_no_effect_and_tells_nothing(rough: Bench, tmp_path: Path) -> None:
    started = rough.prepare("rough.hang", path=str(tmp_path / "hanging"))

    started.running.abandon()

    until_gone(identity(started))
    assert not started.ends
    assert not (tmp_path / "hanging").exists()


def test_a_prepared_worker_does_nothing_until_it_may(rough: Bench, tmp_path: Path) -> None:
    """B-033: nothing runs between prepare and begin."""
    started = rough.prepare("rough.hang", path=str(tmp_path / "hanging"))

    assert not started.ended.wait(1)
    assert not (tmp_path / "hanging").exists()
    started.running.abandon()
    until_gone(identity(started))


def test_a_worker_that_died_while_waiting_is_told_after_begin(rough: Bench) -> None:
    started = rough.prepare("rough.echo")
    os.kill(identity(started).pid, 9)

    started.running.begin()

    end = started.wait()
    assert (end.outcome, end.reason, end.signal) == (Outcome.FAILED, "worker_died", 9)


def test_no_space_for_the_job_is_told_after_begin(rough: Bench, tmp_path: Path) -> None:
    (tmp_path / "jobs").write_text("in the way")

    end = rough.start("rough.echo").wait()

    assert (end.outcome, end.reason) == (Outcome.FAILED, "no_worker")


def test_several_workers_are_watched_by_one_thread(rough: Bench, tmp_path: Path) -> None:
    before = threading.active_count()
    mark = tmp_path / "go"
    started = [rough.start("rough.wait_for", path=str(mark)) for _ in range(4)]

    assert threading.active_count() <= before + 1
    mark.touch()

    assert [one.wait().values["said"] for one in started] == ["came"] * 4


def test_the_daemon_never_loads_pyinfra(rough: Bench) -> None:
    """Its gevent would change how the daemon's threads work."""
    script = (
        "import sys, mcoflow.agent.work, mcoflow.agent.providers.fake, mcoflow.agent.catalogue;"
        "mcoflow.agent.catalogue.LoadedCatalogue(['host', 'package', 'service']);"
        "print([name for name in ('gevent', 'pyinfra') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert shown.stdout.strip() == "[]"


def test_the_fake_provider_runs_nothing(tmp_path: Path) -> None:
    """B-050: an agent with the provider `fake` answers without touching the host."""
    with bench(tmp_path, ["package", "service"], provider="fake", environment={"PATH": "/nowhere"}) as played:
        installed = played.run("package.install", package="nginx")
        restarted = played.run("service.restart", service="nginx")

    assert (installed.outcome, installed.changed) == (Outcome.OK, True)
    assert (restarted.outcome, restarted.values["after"]) == (Outcome.OK, "running")
