"""A plug-in that does everything to its process that one should not do, and a bench to run it on."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcoflow.agent.execution import WorkerIdentity
from mcoflow.agent.processes import group_is_empty
from tests.unit.agent.bench import PATIENCE, Bench, Started, bench, install_plugin

ROUGH = """
import logging, os, signal, subprocess, sys, time
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
def talk(given: Given) -> Said:
    print("from python")
    subprocess.run(["sh", "-c", "echo from a child; echo complaint >&2"])
    logging.getLogger("tool").info("from the log")
    while given.path and not Path(given.path).exists():
        time.sleep(0.01)
    print("the end")
    return Said(said="ok")

@agent.operation(summary="x")
def tool(given: Given) -> Said:
    from mcoflow.agent.providers.tools import run_tool
    script = "echo told; echo warned >&2; sleep 30 & echo $! > $0"
    ended = run_tool(["sh", "-c", script, given.path], log=True)
    run_tool(["echo", "asked"])
    return Said(said=ended.output)

@agent.operation(summary="x")
def zeros(given: Given) -> Said:
    subprocess.run(["head", "-c", str(given.count), "/dev/zero"], check=True)
    return Said(said="ok")

@agent.operation(summary="x")
def farewell(given: Given) -> Said:
    print("begun")
    subprocess.run(["sh", "-c", "trap 'sleep 0.3; echo farewell; exit' TERM; echo up > $0; "
                                "while :; do sleep 0.05; done", given.path])
    return Said(said="never")

@agent.operation(summary="x")
def refusing(given: Given) -> Said:
    subprocess.run(["sh", "-c", "trap 'echo no' TERM; echo up > $0; "
                                "while :; do sleep 0.05; done", given.path])
    return Said(said="never")

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

@agent.operation(summary="x", interruptible=False)
def steady(given: Given) -> Said:
    Path(given.path).write_text(str(os.getpid()))
    while not Path(given.path + ".go").exists():
        time.sleep(0.01)
    return Said(said="came to its end")

@agent.operation(summary="x")
def clocked(given: Given) -> Said:
    for _ in range(given.count):
        print(time.time(), flush=True)
        time.sleep(0.3)
    return Said(said="ok")

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
