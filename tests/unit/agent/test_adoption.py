"""Workers that outlive their agent: adopted if they live, read if they are done, else left alone."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from mcoflow.agent.execution import WorkerIdentity
from mcoflow.agent.processes import group_is_empty, identity_of
from mcoflow.agent.worker_files import BEGUN, read_result
from mcoflow.wire.kinds import Outcome
from tests.unit.agent.bench import Bench, Started
from tests.unit.agent.rough import until_exists, until_gone

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
