"""E-113: the fixtures, and what they say of a test that leaves something behind."""

import pytest

from mcoflow.testing import FakeHosts, ManagedClock, OneThreadWorld, silence
from tests.unit.testing.actions import Install, of

LEAKS = {
    "outbox": ("request to web1, accepted, of step 2", "world.run(Install, host='web1', package='n')"),
    "future": ("future of plan", "world.trigger(Approve)"),
    "timer": ("timer 'silence' of step 2 of plan", "world.run(Sleepy)"),
    "event": ("event 'user' for step 2 of plan", "plant(world)"),
    "lease": ("lease of plan", "keep(world)"),
}
PROGRAM = """
from uuid import UUID
import pytest
from sqlalchemy import insert, text
from mcoflow.action import Action
from mcoflow.storage.tables import events
from mcoflow.testing import only
from mcoflow.testing.hosts import accepted
from tests.unit.testing.actions import Approve, Build, Install

pytest_plugins = []

class Sleepy(Action):
    name = "kit.fixtures.sleepy"
    accepts = (str,)
    def run(self, event):
        self.suspend()

def plant(world):
    plan = world.run(Build, "x")
    event = dict(id=plan.id, plan_id=plan.id, step_id=2, at=0, kind="user", value="1", optional=False)
    with world.store._database.writing() as connection:
        connection.execute(insert(events).values(event))

def keep(world):
    world.run(Build, "x")
    world.terminate()
    with world.store._database.writing() as connection:
        connection.execute(text("UPDATE plans SET owner = id"))

def test_it(world, fake_hosts):
    fake_hosts.default = only(accepted())
    {leak}
"""


def outcome(pytester: pytest.Pytester, leak: str, mark: str = "") -> str:
    """Run a test that does this, and return what pytest says."""
    program = PROGRAM.replace("{leak}", leak)
    if mark:
        marked = f"@pytest.mark.mcoflow_leaves({mark!r}, 'future')\ndef test_it"
        program = program.replace("def test_it", marked)
    pytester.makepyfile(program)
    done = pytester.runpytest("-p", "mcoflow.testing.fixtures", "-p", "no:cacheprovider", "-q")
    return str(done.stdout)


@pytest.mark.parametrize("kind", sorted(LEAKS))
def test_what_is_left_behind_fails_the_test_by_name(pytester: pytest.Pytester, kind: str) -> None:
    named, leak = LEAKS[kind]

    said = outcome(pytester, leak)

    assert "test_it left behind: " in said
    assert named in said


def test_a_test_may_say_that_it_leaves_something(pytester: pytest.Pytester) -> None:
    assert "1 passed" in outcome(pytester, LEAKS["outbox"][1], "outbox")


def test_the_fixtures_belong_together(
    world: OneThreadWorld, fake_hosts: FakeHosts, managed_clock: ManagedClock
) -> None:
    fake_hosts.default = silence

    plan = world.run(Install, host="web1", package="nginx")
    managed_clock.fire_all()

    assert of(world.stored.plan(plan.id)) == ("paused", "error")
