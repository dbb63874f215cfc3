"""Live output of real processes: as it comes, within bounds, across cancel and the agent's death."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from mcoflow.agent.processes import members
from mcoflow.wire.messages import CancelBody
from tests.unit.agent import fake_bus
from tests.unit.agent.bench import Bench, bench
from tests.unit.agent.live import LiveWorld
from tests.unit.agent.rough import until_exists
from tests.unit.agent.world import TOKEN, message

GIB = 1024**3
MIB = 1024**2


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers are processes, and the machine may be busy."""
    monkeypatch.setattr(fake_bus, "WITHIN", 60.0)


@pytest.fixture
def world(rough: Bench, tmp_path: Path) -> Iterator[LiveWorld]:
    made = LiveWorld(tmp_path, rough)
    made.start()
    yield made
    made.end()


def test_all_that_is_printed_and_logged_arrives_while_it_runs(world: LiveWorld, tmp_path: Path) -> None:
    """B-046: by stream, from Python, from a child and from the log, before the end."""
    go = tmp_path / "go"
    asked = world.ask("talk", path=str(go))

    world.bus.wait_for(lambda: "from the log" in world.text(asked))
    assert not world.bus.replies(asked.id, "result")
    go.touch()
    result = world.result(asked)

    assert world.text(asked, "stdout") == "from python\nfrom a child\nthe end\n"
    assert world.text(asked, "stderr") == "complaint\n"
    assert world.text(asked, "log") == "from the log\n"
    assert result.chunks == len(world.output(asked))
    assert result.output_bytes == len(world.text(asked))
    assert not result.truncated


def test_a_short_command_sends_one_chunk_before_its_result(world: LiveWorld) -> None:
    asked = world.ask("echo", path="here")

    assert world.result(asked).chunks == 1
    kinds = [reply.kind for reply in world.bus.replies(asked.id)]
    assert [kind for kind in kinds if kind in ("output", "result")] == ["output", "result"]


def test_what_a_providers_tool_prints_keeps_its_stream(world: LiveWorld, tmp_path: Path) -> None:
    """B-046: apt and its like are heard as they print; what is only asked to be read is not shown."""
    asked = world.ask("tool", path=str(tmp_path / "left"))
    result = world.result(asked)

    assert result.values["said"] == "told\nwarned\n"
    assert (world.text(asked, "stdout"), world.text(asked, "stderr")) == ("told\n", "warned\n")
    os.kill(int((tmp_path / "left").read_text()), 9)


def test_a_command_is_heard_while_it_runs(tmp_path: Path) -> None:
    """B-046: command.run, whose program prints into the worker's own streams."""
    go, policy = tmp_path / "go", '[[command]]\nargv = ["/bin/sh", "-c", "**"]\nusers = []\n'
    script = f"echo begun; echo wrong >&2; while [ ! -e {go} ]; do sleep 0.05; done; exit 3"
    with bench(tmp_path, ["command"], policy=policy) as commands:
        world = LiveWorld(tmp_path, commands)
        world.start()
        asked = world.ask("run", agent="command", argv=["/bin/sh", "-c", script])
        world.bus.wait_for(lambda: world.text(asked, "stdout") == "begun\n" and world.text(asked, "stderr"))
        go.touch()
        result = world.result(asked)
        world.end()

    assert (result.outcome, result.exit_code, result.chunks) == ("failed", 3, 2)
    assert world.text(asked, "stderr") == "wrong\n"


def test_one_gib_takes_neither_memory_nor_disk(world: LiveWorld) -> None:
    """B-045: head and tail kept, true count, the child never blocked, memory of agent and worker bounded."""
    before = _peak_from_now()

    asked = world.ask("zeros", count=GIB)
    worker = _Peak(world.begun_worker(asked))
    world.bus.wait_for(lambda: worker.look() and bool(world.bus.replies(asked.id, "result")))
    result = world.result(asked)

    assert result.outcome == "ok"
    assert (result.output_bytes, result.truncated) == (GIB, True)
    assert world.text(asked, "stdout") == "\u2400" * 256 * 1024
    assert world.output(asked)[-1].offset + len(world.output(asked)[-1].text) == GIB
    assert _peak("self") - before < 30 * MIB
    assert 0 < worker.highest < 100 * MIB
    assert sum(path.stat().st_size for path in world.settings.state_dir.glob("output/*/*")) < MIB


def test_hostile_bytes_arrive_as_valid_text(world: LiveWorld) -> None:
    """B-046, W-037."""
    asked = world.ask("garbage")
    result = world.result(asked)

    text = world.text(asked, "stdout")
    assert text.startswith("\u2400\u2401")
    assert "\x1b" in text
    assert set(world.text(asked, "stderr")) == {"\ufffd"}
    assert result.output_bytes == 1024 + 200


def test_a_cancelled_group_is_heard_out_and_gone(world: LiveWorld, tmp_path: Path) -> None:
    """B-043: TERM goes to the group, what it says while it ends is kept, then nobody of it lives."""
    asked = world.ask("farewell", path=str(tmp_path / "up"), grace_ms=30_000)
    until_exists(tmp_path / "up")
    worker = world.begun_worker(asked)

    world.bus.deliver(message(asked.id, CancelBody(reply_to=TOKEN, reason="", force=False)))
    result = world.result(asked)

    assert (result.outcome, result.reason, result.signal) == ("killed", "cancel", 15)
    assert world.text(asked, "stdout") == "begun\nfarewell\n"
    assert not members(worker)


def test_a_group_that_refuses_is_killed_after_its_grace_with_what_it_said(
    world: LiveWorld, tmp_path: Path
) -> None:
    """B-043: KILL after the grace; the output until then is there."""
    asked = world.ask("refusing", path=str(tmp_path / "up"), grace_ms=1_500)
    until_exists(tmp_path / "up")
    worker = world.begun_worker(asked)

    world.bus.deliver(message(asked.id, CancelBody(reply_to=TOKEN, reason="", force=False)))
    result = world.result(asked)

    assert (result.outcome, result.signal) == ("killed", 9)
    assert world.text(asked, "stdout") == "no\n"
    assert result.output_bytes == len(world.text(asked)) == len(result.tail)
    assert not members(worker)


AGENT = """
import sys
from pathlib import Path
from uuid import UUID
root, folder, go, identity = sys.argv[1:]
sys.path.insert(0, root)
from tests.unit.agent.bench import Bench
from tests.unit.agent.live import LiveWorld
world = LiveWorld(Path(folder), Bench(Path(folder), ["rough"], site=Path(folder) / "site"))
world.start()
asked = world.ask("talk", id=UUID(identity), path=go)
world.bus.wait_for(lambda: "from the log" in world.text(asked))
print("up", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("ends", ["while the agent is away", "after the next agent came"])
def test_what_was_printed_while_no_agent_ran_is_read_by_the_next(
    rough: Bench, tmp_path: Path, ends: str
) -> None:
    """B-035, B-046: kill -9 of the agent; the worker goes on printing, and nothing of it is lost."""
    go, identity = tmp_path / "go", uuid4()
    argv = [
        sys.executable,
        "-c",
        AGENT,
        str(Path(__file__).parents[3]),
        str(tmp_path),
        str(go),
        str(identity),
    ]
    paths = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=paths) as agent:
        assert agent.stdout is not None
        assert agent.stdout.readline() == b"up\n"
        agent.kill()
    if ends == "while the agent is away":
        go.touch()
        until_exists(tmp_path / "state" / "work" / str(identity) / "result-1.json")

    heir = LiveWorld(tmp_path, rough)
    heir.start()
    go.touch()
    result = heir.bus.reply(identity, "result")

    asked: Any = type("Asked", (), {"id": identity})
    assert heir.text(asked, "stdout") == "from python\nfrom a child\nthe end\n"
    assert heir.text(asked, "log") == "from the log\n"
    assert (result.outcome, result.runs, result.chunks) == ("ok", 1, len(heir.output(asked)))
    heir.end()


class _Peak:
    """The most memory that a process was seen with."""

    def __init__(self, pid: int) -> None:
        self._pid = str(pid)
        self.highest = 0

    def look(self) -> bool:
        try:
            self.highest = max(self.highest, _peak(self._pid))
        except (FileNotFoundError, ProcessLookupError):
            return True
        return True


def _peak_from_now() -> int:
    """Forget this process's peak; return its memory in bytes."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _peak("self")


def _peak(pid: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0
