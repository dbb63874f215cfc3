"""What an executor keeps in memory, and lets go of."""

import subprocess
import sys
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

from mcoflow.domain.requests import RequestRecord, TimerRecord, Wait
from mcoflow.engine.memory import Memory
from tests.unit.engine import resting_process

ROOT = Path(__file__).parents[3]


def a_request(memory: Memory, due_at: float) -> UUID:
    """A request that is under way."""
    record = RequestRecord(uuid4(), uuid4(), 2, 1, "web1", "x-1", b"", 0.0, Wait.PICKUP, due_at, 1.0, 1.0)
    memory.flights.add([record])
    memory.agenda.add(due_at, record.id)
    return record.id


def test_deadlines_of_what_was_answered_do_not_pile_up() -> None:
    """Ten minutes at a thousand answers a second: 600,000 entries would wait for nothing."""
    memory = Memory(cast(Any, None))
    waiting = a_request(memory, 600.0)
    timer = TimerRecord(uuid4(), uuid4(), 3, 500.0, "silence")
    memory.add_timer(timer)
    for number in range(50_000):
        del memory.flights.open[a_request(memory, 600.0 + number)]
        memory.trim()

    assert len(memory.agenda) < 5_000
    assert [each for each in memory.agenda.take_due(1e9) if each[1] in (waiting, timer.id)] == [
        (500.0, timer.id),
        (600.0, waiting),
    ]


def test_plans_at_rest_leave_memory() -> None:
    """E-026: 200 plans of 50 steps with 10 kB outputs, in a process of their own."""
    argv = [sys.executable, "-m", resting_process.__name__, "200"]
    ended = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True)

    assert int(ended.stdout) < 20 << 20
