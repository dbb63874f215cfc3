"""A full disk under the agent's state directory; on a small file system of its own."""

import os
import subprocess

import pytest

from tests.unit.agent.world import AgentWorld, FakeRun
from tests.waiting import until

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it mounts a file system of 6 MiB"),
]


@pytest.fixture
def small_disk(tmp_path):
    path = tmp_path / "small"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(path)], check=True)
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)


@pytest.fixture
def agent(small_disk):
    world = AgentWorld(small_disk).start()
    yield world
    world.end()


def fill(path):
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            return


def refused_because(agent):
    """Ask, and return why it was refused; None: it was executed."""
    asked = agent.request("once")
    found = agent.bus.wait_for(lambda: agent.bus.replies(asked.id, "result") or agent.execution.of(asked.id))
    if isinstance(found[0], FakeRun):
        agent.begun(asked).end()
    return agent.result(asked).reason


def test_on_a_full_disk_requests_are_refused_and_later_taken_again_without_a_restart(agent, small_disk):
    """B-039, R-037: nothing runs that is not in the journal."""
    assert refused_because(agent) is None
    fill(small_disk / "ballast")

    reasons = [refused_because(agent) for _ in range(20)]  # the first may fit into what the journal has

    assert reasons[-1] == "no_space"
    assert None not in reasons[reasons.index("no_space") :]
    (small_disk / "ballast").unlink()
    until(lambda: refused_because(agent) is None, "a request that is taken on again")


def test_a_disk_without_room_for_the_reserve_takes_nothing_on(small_disk):
    """B-039: from the start."""
    (small_disk / "ballast").write_bytes(b"x" * 4 * 2**20)
    world = AgentWorld(small_disk).start()

    assert world.result(world.request()).reason == "no_space"

    world.end()
