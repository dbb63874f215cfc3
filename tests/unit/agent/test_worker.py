"""Workers: whatever an operation does to its process, the daemon learns how it ended, and lives."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mcoflow.agent.execution import WorkerIdentity
from mcoflow.agent.processes import group_is_empty, identity_of
from mcoflow.agent.worker_files import BEGUN, read_result
from mcoflow.wire.kinds import TAIL_LIMIT, Outcome
from tests.unit.agent.bench import PATIENCE, Bench, Started, bench, install_plugin

ROUGH = """
import os, signal, subprocess, sys, time
from pathlib import Path
from typing import Annotated
from pydantic import Field
from mcoflow.agent.operations import Agent, Strict
from mcoflow.errors import OperationFailedError

class Given(Strict):
    path: Annotated[str, Field(max_length=300)] = ""
    count: int = 0

class Said(Strict):
    said: Annotated[str, Field(max_length=1000000)]
    changed: bool = False
    exit_code: int | None = None

agent = Agent("rough")

@agent.operation(summary="x")
def echo(given: Given) -> Said:
    print("hello from", given.path)
    return Said(said=given.path, changed=True, exit_code=0)

@agent.operation(summary="x")
def segfault(given: Given) -> Said:
    print("before")
    time.sleep(0.3)
    os.kill(os.getpid(), signal.SIGSEGV)

@agent.operation(summary="x")
def vanish(given: Given) -> Said:
    os._exit(3)

@agent.operation(summary="x")
def leave(given: Given) -> Said:
    sys.exit(4)

@agent.operation(summary="x")
def raising(given: Given) -> Said:
    raise RuntimeError("boom " + "x" * 10000)

@agent.operation(summary="x")
def failing(given: Given) -> Said:
    raise OperationFailedError("locked", "somebody holds it", exit_code=100, values={"exit_code": 100})

@agent.operation(summary="x")
def garbage(given: Given) -> Said:
    os.write(1, bytes(range(256)) * 4)
    os.write(2, b"\\xff\\xfe" * 100)
    return Said(said="ok")

@agent.operation(summary="x")
def flood(given: Given) -> Said:
    for _ in range(given.count):
        os.write(1, b"0123456789abcdef" * 4096)
    return Said(said="ok")

@agent.operation(summary="x")
def nonsense(given: Given) -> Said:
    return {"said": 1}

@agent.operation(summary="x")
def large(given: Given) -> Said:
    return Said(said="x" * 100000)

@agent.operation(summary="x")
def broken_text(given: Given) -> Said:
    return Said(said="a\\0b")

@agent.operation(summary="x")
def hang(given: Given) -> Said:
    Path(given.path).write_text("hanging")
    while True:
        time.sleep(60)

@agent.operation(summary="x")
def stubborn(given: Given) -> Said:
    script = "trap '' TERM; echo up > $0; while :; do sleep 0.2; done"
    subprocess.run(["sh", "-c", script, given.path])

@agent.operation(summary="x")
def wait_for(given: Given) -> Said:
    while not Path(given.path).exists():
        time.sleep(0.01)
    return Said(said="came")

@agent.operation(summary="x")
def surroundings(given: Given) -> Said:
    umask = os.umask(0)
    mine = os.getpid() == os.getpgid(0) == os.getsid(0)
    fds = len(os.listdir("/proc/self/fd"))
    return Said(said=f"{os.getcwd()} {umask:03o} {mine} {'SECRET' in os.environ} {fds < 12}")
"""


@pytest.fixture
def rough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    site = tmp_path / "site"
    install_plugin(site, "rough", ROUGH)
    monkeypatch.syspath_prepend(str(site))
    with bench(tmp_path, ["rough", "host"], site=site) as made:
        yield made


def until_exists(path: Path) -> None:
    """Wait until another process made the file."""
    pause, turns = threading.Event(), int(PATIENCE / 0.02)
    assert any(path.exists() or pause.wait(0.02) for _ in range(turns)), f"{path} did not appear"


def until_gone(worker: WorkerIdentity) -> None:
    """Wait until no process of the worker's group lives."""
    pause, turns = threading.Event(), int(PATIENCE / 0.02)
    assert any(group_is_empty(worker.pid) or pause.wait(0.02) for _ in range(turns)), "it lives"


def identity(started: Started) -> WorkerIdentity:
    found = started.running.identity
    assert found is not None
    return found


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


AGENT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.unit.agent.bench import Bench
tried = Bench(Path(sys.argv[2]), ["rough"], site=Path(sys.argv[3]))
job = tried.prepare("rough.wait_for", path=sys.argv[4])
if sys.argv[5] == "begin":
    job.running.begin()
worker = job.running.identity
print(job.job.directory, worker.pid, worker.started, worker.boot_id, flush=True)
sys.stdin.read()
"""


def left_behind(tried: Bench, mark: Path, how: str) -> tuple[Started, WorkerIdentity]:
    """Let another agent process start a worker, and kill that agent."""
    root = Path(__file__).parents[3]
    site = tried.folder / "site"
    argv = [sys.executable, "-c", AGENT, str(root), str(tried.folder), str(site), str(mark), how]
    paths = {**os.environ, "PYTHONPATH": str(site)}
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=paths) as agent:
        assert agent.stdout is not None
        directory, pid, ticks, boot = agent.stdout.readline().decode().split()
        if how == "begin":
            until_exists(Path(directory) / BEGUN)
        agent.kill()
    job = replace(tried.job("rough.wait_for", path=str(mark)), directory=Path(directory))
    return Started(job), WorkerIdentity(int(pid), int(ticks), boot)


def test_a_living_worker_is_adopted_after_its_agent_was_killed(rough: Bench, tmp_path: Path) -> None:
    """B-035: adopted by pid, start time and boot id; its result arrives."""
    mark = tmp_path / "go"
    started, worker = left_behind(rough, mark, "begin")

    running = rough.execution.adopt(worker, started.job, started.done)
    assert running is not None
    assert running.identity == worker
    mark.touch()

    assert started.wait().values["said"] == "came"


def test_an_adopted_worker_can_be_killed(rough: Bench, tmp_path: Path) -> None:
    started, worker = left_behind(rough, tmp_path / "go", "begin")
    running = rough.execution.adopt(worker, started.job, started.done)
    assert running is not None

    running.kill()

    assert started.wait().outcome is Outcome.KILLED
    assert group_is_empty(worker.pid)


def test_the_result_of_a_worker_that_outlived_its_agent_is_read(rough: Bench, tmp_path: Path) -> None:
    """B-035: done, from the result file; that of another run does not count."""
    mark = tmp_path / "go"
    started, worker = left_behind(rough, mark, "begin")
    mark.touch()
    until_gone(worker)

    assert rough.execution.adopt(worker, started.job, started.done) is None
    end = rough.execution.read_result(started.job)
    assert end is not None
    assert end.values["said"] == "came"
    assert read_result(started.job.directory, 2) is None


def test_a_worker_that_was_never_begun_is_not_adopted_and_did_nothing(rough: Bench, tmp_path: Path) -> None:
    """B-033: an agent that dies before begin leaves nothing that runs."""
    started, worker = left_behind(rough, tmp_path / "go", "prepare only")

    assert rough.execution.adopt(worker, started.job, started.done) is None
    assert rough.execution.read_result(started.job) is None
    until_gone(worker)


def test_another_process_with_the_pid_is_not_adopted(rough: Bench) -> None:
    started = Started(rough.job("rough.echo"))
    here = identity_of(os.getpid())
    assert here is not None

    earlier = WorkerIdentity(here.pid, here.started - 1, here.boot_id)
    other_boot = WorkerIdentity(here.pid, here.started, "another")

    assert rough.execution.adopt(earlier, started.job, started.done) is None
    assert rough.execution.adopt(other_boot, started.job, started.done) is None


def test_a_torn_result_file_is_no_result(rough: Bench) -> None:
    started = rough.start("rough.echo")
    started.wait()
    path = started.job.directory / "result-1.json"
    path.write_bytes(path.read_bytes()[:-5])

    assert rough.execution.read_result(started.job) is None


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
