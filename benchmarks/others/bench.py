"""`make bench-others`: Ansible and a Celery group beside mcoflow, on the same machine in one run.

`python -m benchmarks.others.bench BIN`; BIN holds the programs of a virtual environment in which they are
installed. What they do is not the same: see docs/explanation/compared.md.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

from benchmarks.bench import DATABASES, private_rabbitmq
from benchmarks.fleet.deployment import Deployment
from benchmarks.fleet.raw import raw_hosts
from benchmarks.report import Row, publish

FEW: Final = 100
"""Local hosts for Ansible: each takes a process of its own."""
MANY: Final = 1_000
ROUNDS: Final = 5
FORKS: Final = "50"
HERE: Final = Path(__file__).parent


def main(binaries: str) -> int:
    """Measure, print, write build/bench-others.jsonl."""
    programs = Path(binaries).absolute()
    with tempfile.TemporaryDirectory(prefix="mcoflow-others-") as folder, private_rabbitmq() as broker:
        rows = [
            *_mcoflow(Path(folder), broker.url),
            *_celery(programs, broker.url, Path(folder)),
            *_ansible(programs, Path(folder)),
        ]
    publish("bench-others", rows)
    return 0


def _mcoflow(folder: Path, broker: str) -> Iterator[Row]:
    """A plan over simulated hosts, stored on SQLite, and the raw gather of the same broker."""
    with ExitStack() as stack:
        deployment = Deployment(folder, broker, stack.enter_context(DATABASES["sqlite"]()))
        executor = stack.enter_context(deployment.executor())
        deployment.admit(executor, MANY)
        raw = stack.enter_context(raw_hosts(broker, MANY))
        stack.enter_context(deployment.playing(MANY))
        executor.ask("run", MANY)
        yield _row("raw gather", MANY, [raw.gather(MANY) for _ in range(ROUNDS)])
        for hosts in (FEW, MANY):
            taken = [executor.ask("run", hosts)["seconds"] for _ in range(ROUNDS)]
            yield _row("mcoflow, simulated hosts, durable", hosts, taken)


def _celery(programs: Path, broker: str, folder: Path) -> Iterator[Row]:
    environment = {**os.environ, "BENCH_BROKER": broker}
    script = str(HERE / "celery_group.py")
    with _worker(programs, environment, folder):
        for hosts in (FEW, MANY):
            argv = [str(programs / "python"), script, str(hosts), str(ROUNDS)]
            said = subprocess.run(argv, env=environment, stdout=subprocess.PIPE, check=True, timeout=600)
            yield _row("Celery group, results in memory of who asked", hosts, json.loads(said.stdout))


@contextmanager
def _worker(programs: Path, environment: Mapping[str, str], folder: Path) -> Iterator[None]:
    """Run a Celery worker with a process for each of the two cores."""
    argv = [
        str(programs / "celery"),
        "-A",
        "celery_group",
        "worker",
        "--concurrency",
        "2",
        "--loglevel",
        "error",
    ]
    with (folder / "celery.log").open("wb") as log:
        worker = subprocess.Popen(argv, env=environment, cwd=HERE, stdout=log, stderr=log)
    try:
        yield
    finally:
        worker.terminate()
        worker.wait()


def _ansible(programs: Path, folder: Path) -> Iterator[Row]:
    """Two ways to do next to nothing on local hosts: its ping, and a command without its Python module."""
    inventory = folder / "hosts.ini"
    line = f"ansible_connection=local ansible_python_interpreter={programs / 'python'}"
    inventory.write_text("".join(f"sim-{number:05} {line}\n" for number in range(1, FEW + 1)))
    for module, words in (("ping", ()), ("raw", ("--args", "true"))):
        argv = [str(programs / "ansible"), "all", "-i", str(inventory), "-f", FORKS, "-m", module, *words]
        yield _row(f"Ansible {module}, {FORKS} forks", FEW, [_timed(argv, folder) for _ in range(3)])


def _timed(argv: list[str], folder: Path) -> float:
    environment = {**os.environ, "ANSIBLE_HOME": str(folder / "ansible"), "LC_ALL": "C.UTF-8"}
    began = perf_counter()
    subprocess.run(argv, env=environment, stdout=subprocess.DEVNULL, check=True, timeout=600)
    return perf_counter() - began


def _row(what: str, hosts: int, seconds: list[float]) -> Row:
    key = what.partition(",")[0].lower().replace(" ", "-")
    return Row(f"{key}-{hosts}", f"{what}, {hosts:,} hosts, median", median(seconds), "s")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
