"""The page about rollouts is tried as it stands."""

import re
from dataclasses import fields
from pathlib import Path

from mcoflow.cli.root import root
from mcoflow.domain.rollout import Rollout
from mcoflow.domain.states import PlanResult, PlanState
from mcoflow.testing import OneThreadWorld
from mcoflow.testing.hosts import error
from mcoflow.wire.messages import RequestBody
from tests.docs.pages import HOW_TO, run

HOSTS = [f"web{number}" for number in range(1, 10)]


def asked(world: OneThreadWorld) -> int:
    """How many hosts have been asked so far."""
    return len({each.host for each in world.hosts.requests if isinstance(each.body, RequestBody)})


def test_a_canary_goes_first_and_then_quarters_with_five_minutes_between() -> None:
    with OneThreadWorld() as world:
        plan_id = world.trigger(run("roll-out-in-waves")["UpgradeWeb"], HOSTS).plan_id
        world.drain()

        seen = [asked(world)]
        for _ in range(4):
            world.advance(300)
            seen.append(asked(world))

        assert seen == [1, 4, 7, 9, 9]
        plan = world.stored.plan(plan_id)
        assert (plan.state, plan.result) == (PlanState.STOPPED, PlanResult.SUCCESS)


def test_the_third_failure_pauses_it() -> None:
    with OneThreadWorld() as world:
        world.hosts.answers.update({host: error() for host in ("web2", "web3", "web4")})
        plan_id = world.trigger(run("roll-out-in-waves")["UpgradeWeb"], HOSTS).plan_id
        world.drain()
        for _ in range(4):
            world.advance(300)

        plan = world.stored.plan(plan_id)
        assert plan.state is PlanState.PAUSED
        assert plan.explanation.startswith(
            "failure limit of 2 passed: 3 of 9 hosts failed, 5 hosts have not begun"
        )


def test_the_page_names_every_field_and_commands_that_are_there() -> None:
    text = Path(HOW_TO / "roll-out-in-waves.md").read_text()
    tasks = root.commands["task"].commands  # type: ignore[attr-defined]

    assert {each.name for each in fields(Rollout)} <= set(re.findall(r"`(\w+)`", text))
    for command, option in re.findall(r"mcoflow task (\w+)[A-Z ]*(--[\w-]+)?", text):
        options = {name for each in tasks[command].params for name in each.opts}
        assert not option or option in options
