"""What planning leaves behind when it is killed, and what it costs when it is not."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from mcoflow.action import Action
from mcoflow.domain.states import PlanResult
from mcoflow.engine.planner import make_plan
from mcoflow.errors import PlanNotFoundError
from mcoflow.ports.store import Changes
from mcoflow.testing.contracts.store_commits import CountingBulk
from tests.statements import counted
from tests.unit.engine import planning_process
from tests.unit.engine.house import House
from tests.unit.engine.play import Compose, Do, do, play
from tests.waiting import quickest, until

ROOT = Path(__file__).parents[3]
TABLES = ("plans", "blueprints", "actions", "steps", "history")


def plan_elsewhere(
    database: Path, plan_id: object, faults: str, action: type[Action] = planning_process.Group
) -> int:
    """Plan in a process of its own; return how it ended."""
    environment = {**os.environ, "MCOFLOW_TESTING": "1", "MCOFLOW_FAULTS": faults}
    what = (action.name, f"sqlite:///{database}", str(plan_id))
    argv = [sys.executable, "-m", planning_process.__name__, *what]
    return subprocess.run(argv, cwd=ROOT, env=environment, timeout=60, check=False).returncode


@pytest.mark.parametrize("fault", ["planner.mid:kill:1", "planner.mid:kill:4", "plan.before_commit:kill"])
def test_a_kill_inside_of_plan_leaves_no_trace(house: House, fault: str) -> None:
    """E-014: nor does it keep the id from being used."""
    plan_id = uuid4()

    assert plan_elsewhere(house.ground.database, plan_id, fault) == -signal.SIGKILL

    assert {table: house.count(table) for table in TABLES} == dict.fromkeys(TABLES, 0)
    with pytest.raises(PlanNotFoundError):
        house.store.plan(plan_id)
    assert plan_elsewhere(house.ground.database, plan_id, "planner.mid:kill:99") == 0
    assert house.rest(plan_id).result is PlanResult.SUCCESS


def test_hooks_that_a_killed_process_left_are_called_by_an_executor(house: House) -> None:
    """E-080: kill -9 after the commit."""
    planning_process.Hooked.told.clear()
    plan_id = uuid4()
    fault = "plan.after_commit:kill"
    assert plan_elsewhere(house.ground.database, plan_id, fault, planning_process.Hooked) == -signal.SIGKILL

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    until(lambda: house.count("hooks") == 0, "all hooks were called")
    assert planning_process.Hooked.told == ["pending", "planning", "planned", "running", "stopped"]


# -- cost -----------------------------------------------------------------------------------------------


def wide(number: int) -> dict[str, Any]:
    """The arguments of a plan of so many actions, some of which read of others."""

    def layout(plan: Action) -> None:
        with plan.sequence():
            for _ in range(2):
                with plan.concurrence():
                    made = plan.plan_action(Do, name="first")
                    for each in range(number // 2 - 1):
                        plan.plan_action(Do, name=str(each), host=f"web{each}", after=made.output["by"])

    return {"layout": play.layout(layout)}


def seconds(number: int) -> float:
    arguments = wide(number)
    began = time.process_time()
    make_plan(Compose, arguments, plan_id=uuid4(), user="", now=0.0)
    return time.process_time() - began


def test_planning_twice_as_many_actions_takes_at_most_two_and_a_half_times_as_long() -> None:
    """E-015: 2,000 against 1,000."""
    of_one_thousand = min(seconds(1000) for _ in range(5))

    assert quickest(lambda: seconds(2000), 2.5 * of_one_thousand) <= 2.5 * of_one_thousand


def test_storing_a_plan_takes_at_most_twenty_statements_however_large_it_is(house: House) -> None:
    """E-015: at most 20 SQL statements."""
    sent = []
    for number in (1000, 2000):
        draft = make_plan(Compose, wide(number), plan_id=uuid4(), user="", now=0.0)
        bulk = house.store._bulk
        counting = house.store._bulk = CountingBulk(bulk)
        try:
            with counted() as seen:
                house.store.commit(Changes(new_plans=[draft]))
        finally:
            house.store._bulk = bulk
        sent.append(len(seen) + counting.writes)

    assert sent[0] <= 20, sent
    assert sent[1] <= 20, sent


def test_a_plan_of_one_step_takes_at_most_five_transactions(house: House) -> None:
    """E-015: a one-step run."""
    house.run(Compose, layout=play.layout(do("warm")))
    before = Counter(house.valve.calls)

    house.run(Compose, layout=play.layout(do("a")))

    written = Counter(house.valve.calls) - before
    assert 0 < written["commit"] <= 5, written
    assert set(written) <= {"commit", "waiting", "plan", "versions", "worlds", "heartbeat"}, written
