"""Targets in the engine: resolved when a task is planned, frozen from then on."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from mcoflow.action import Action, SubPlan, WithSubPlans
from mcoflow.actions import Install, InstallAndRestart, Ping
from mcoflow.domain.recurrence import Recurrence
from mcoflow.domain.requests import HostRecord
from mcoflow.engine.handles import PlanningFailed
from mcoflow.errors import (
    GroupInUseError,
    GroupNotFoundError,
    InputInvalidError,
    TargetEmptyError,
    TargetInvalidError,
)
from mcoflow.ports.store import Listing
from mcoflow.services.rerun import Rerun
from mcoflow.testing import OneThreadWorld


@pytest.fixture
def world() -> Iterator[OneThreadWorld]:
    with OneThreadWorld() as made:
        seen(made, "web1", role="web")
        seen(made, "web2", role="web")
        seen(made, "web3", role="web", ago=200)
        seen(made, "db1", role="db")
        made.store.save_hosts([HostRecord("web9", admitted=False, facts={"role": "web"})])
        yield made


def seen(world: OneThreadWorld, name: str, *, ago: float = 0, **facts: Any) -> None:
    at = world.clock.now().timestamp() - ago
    world.store.save_hosts([HostRecord(name, last_seen=at, facts=facts, facts_digest=str(facts))])


def hosts_of(world: OneThreadWorld, plan_id: UUID) -> list[str | None]:
    return [step.host for step in world.stored.steps(plan_id).values()]


class Sweep(Action):
    """Ask whom it means while it is planned, and while it runs."""

    name = "test_targets.sweep"

    def plan(self, target: str, **choice: Any) -> None:
        self.plan_self(planned=list(self.world.hosts_matching(target, **choice)), target=target)

    def run(self) -> None:
        self.output["now"] = list(self.world.hosts_matching(self.input["target"]))


class Reckless(Action):
    """Trigger something while it is planned."""

    name = "test_targets.reckless"

    def plan(self) -> None:
        self.world.trigger(Ping, hosts=["web1"])


class ByRole(WithSubPlans):
    """Leave hosts to sub-plans."""

    name = "test_targets.by_role"

    def total_count(self) -> int:
        return 2

    def sub_plans(self, start: int, size: int) -> list[SubPlan]:
        roles = ("web", "db")[start : start + size]
        return [SubPlan(Sweep, kwargs={"target": f"role={role}"}, key=role) for role in roles]


def test_a_plan_takes_the_hosts_that_a_target_means_when_it_is_planned(world: OneThreadWorld) -> None:
    """B-058: the frozen list ignores later facts."""
    made = world.trigger(Install, target="role=web and not web2", package="nginx")
    seen(world, "web1", role="db")
    seen(world, "web4", role="web")
    world.drain()

    assert hosts_of(world, made.plan_id) == ["web1", "web3"]
    assert world.stored.plan(made.plan_id).result == "success"


def test_the_hosts_are_kept_beside_the_target_and_the_choice(world: OneThreadWorld) -> None:
    made = world.trigger(Ping, target="role=web", limit="40%", seed=3)

    again = world.trigger(Ping, target="role=web", limit="40%", seed=3)
    plan = world.stored.plan(made.plan_id)

    assert json.loads(plan.args) == {"target": "role=web", "limit": "40%", "seed": 3}
    assert list(plan.hosts) == hosts_of(world, made.plan_id) == hosts_of(world, again.plan_id)
    assert len(plan.hosts) == 2


def test_install_and_restart_takes_a_target(world: OneThreadWorld) -> None:
    plan = world.run(InstallAndRestart, target="web*", one=True, services=["web"])

    assert plan.label == "Restart web on web1"
    assert hosts_of(world, plan.id) == ["web1"]


def test_an_action_finds_hosts_in_plan_and_in_run(world: OneThreadWorld) -> None:
    made = world.trigger(Sweep, "role=web", limit=1)
    seen(world, "web2", role="db")
    world.drain()

    step = world.store.step(made.plan_id, world.stored.step(made.plan_id).id)
    assert json.loads(step.input)["planned"] == ["web1"]
    assert json.loads(step.output) == {"now": ["web1", "web3"]}


def test_sub_plans_find_hosts_when_they_are_planned(world: OneThreadWorld) -> None:
    plan = world.run(ByRole)

    children = [each.id for each in world.store.plans(Listing(caller=plan.id))]
    found = [
        json.loads(world.store.step(each, world.stored.step(each).id).input)["planned"] for each in children
    ]
    assert sorted(found) == [["db1"], ["web1", "web2", "web3"]]


def test_planning_triggers_nothing(world: OneThreadWorld) -> None:
    failed = world.trigger(Reckless)

    assert isinstance(failed, PlanningFailed)
    assert failed.error.kind == "PhaseError"
    assert len(world.stored.ids()) == 1


def test_what_comes_back_asks_anew_each_time(world: OneThreadWorld) -> None:
    world.recur(Recurrence("30 * * * *"), Ping, target="role=web")
    world.advance(3600)
    seen(world, "web4", role="web")
    seen(world, "web1", role="db")
    world.advance(3600)

    first, second = world.stored.ids()[:2]
    assert hosts_of(world, first) == ["web1", "web2", "web3"]
    assert hosts_of(world, second) == ["web2", "web3", "web4"]


@pytest.mark.parametrize(
    ("target", "error", "why"),
    [
        ("mail*", TargetEmptyError, "'mail\\*' means no host that is known"),
        ("web9", TargetEmptyError, "no host"),  # never admitted
        ("nobody", TargetEmptyError, "no host"),
        ("group:nope", GroupNotFoundError, "there is no group 'nope'"),
        ("web1 andd web2", InputInvalidError, r"(?s)character 6.*\^"),
        ("/(a+)+/", InputInvalidError, "may take for ever"),
        ("web" * 400_000, InputInvalidError, "1200000 characters is too long"),
    ],
)
def test_a_target_that_means_nobody_is_refused_and_nothing_is_stored(
    world: OneThreadWorld, target: str, error: type[Exception], why: str
) -> None:
    with pytest.raises(error, match=why):
        world.submit("ping", {"target": target}, user="ann")

    assert world.stored.ids() == []


def test_a_target_means_no_more_hosts_than_could_be_named(
    world: OneThreadWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the task could not be run again."""
    monkeypatch.setattr("mcoflow.actions.where.MAX_HOSTS", 3)

    refused = world.trigger(Ping, target="all")

    assert isinstance(refused, PlanningFailed)
    assert "the target means 4 hosts, 3 at most" in refused.error.message
    assert hosts_of(world, world.trigger(Ping, target="all", limit=3).plan_id) == ["db1", "web1", "web2"]


def test_one_of_hosts_that_are_all_away_is_refused_with_the_reason(world: OneThreadWorld) -> None:
    with pytest.raises(TargetEmptyError, match="of the 1 hosts that 'web3' means, none is online"):
        world.submit("ping", {"target": "web3", "one": True}, user="ann")


def test_a_task_that_is_run_again_keeps_its_hosts_whatever_their_facts_are_now(world: OneThreadWorld) -> None:
    """B-058: a limit is never exceeded, also on re-run."""
    first = world.submit("ping", {"target": "role=web", "limit": 2}, user="ann").plan_id
    world.drain()
    seen(world, "web1", role="db")
    seen(world, "web0", role="web")

    again = Rerun(world, world.store, world.store).again(first, user="bob").plan_id

    assert list(world.stored.plan(again).hosts) == ["web1", "web2"]


# -- groups ------------------------------------------------------------------------------------------------


def test_a_group_stands_for_its_target_also_in_other_groups(world: OneThreadWorld) -> None:
    world.groups.set("web", "role=web", user="ann")
    world.groups.set("old", "group:web and not web1", user="ann")

    assert world.hosts_matching("group:old") == ["web2", "web3"]
    assert world.hosts_matching("all and not group:old,web") == ["db1"]

    world.groups.set("web", "role=db or web2", user="bob")
    assert world.hosts_matching("group:old") == ["db1", "web2"]
    assert [(group.name, group.user) for group in world.groups.all()] == [("old", "ann"), ("web", "bob")]


def test_a_group_that_would_be_made_of_itself_is_refused(world: OneThreadWorld) -> None:
    world.groups.set("a", "web1", user="ann")
    world.groups.set("b", "group:a", user="ann")

    with pytest.raises(TargetInvalidError, match="a → b → a"):
        world.groups.set("a", "web1 or group:b", user="ann")
    assert world.groups.get("a").target == "web1"


@pytest.mark.parametrize(
    ("name", "target", "error"),
    [
        ("Old", "web1", TargetInvalidError),
        ("", "web1", TargetInvalidError),
        ("old", "", TargetInvalidError),
        ("old", "web1 and", TargetInvalidError),
        ("old", "group:nope", GroupNotFoundError),
    ],
)
def test_what_is_no_group_is_refused(
    world: OneThreadWorld, name: str, target: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        world.groups.set(name, target, user="ann")
    assert world.groups.all() == []


def test_a_group_that_could_not_be_made_is_not_said_to_be_there(world: OneThreadWorld) -> None:
    world.groups.set("web", "role=web", user="ann")

    with pytest.raises(GroupNotFoundError, match=r"there is no group 'b'.*there are: web$"):
        world.groups.set("a", "group:b", user="ann")


def test_a_group_that_is_used_is_not_removed(world: OneThreadWorld) -> None:
    world.groups.set("a", "web1", user="ann")
    world.groups.set("b", "not group:a", user="ann")

    with pytest.raises(GroupInUseError, match="a part of b"):
        world.groups.remove("a")
    world.groups.remove("b")
    world.groups.remove("a")
    with pytest.raises(GroupNotFoundError):
        world.groups.remove("a")


# -- at size -----------------------------------------------------------------------------------------------


def test_ten_thousand_hosts_are_asked_for_their_facts_within_a_third_of_a_second(
    world: OneThreadWorld,
) -> None:
    at = world.clock.now().timestamp()
    disks = {f"/srv/{number}": {"type": "ext4", "total": number * 10**9} for number in range(5)}
    world.store.save_hosts(
        [
            HostRecord(
                f"node{number:05}",
                last_seen=at,
                facts={"os": {"id": "debian", "version": "12.1"}, "n": number, "disk": disks},
            )
            for number in range(10_000)
        ]
    )

    assert len(world.hosts_matching("os.id=debian and n<5000")) == 5000
    assert _cpu(lambda: world.hosts_matching("os.id=debian and n<5000")) < 0.3
    assert _cpu(lambda: world.hosts_matching("node*")) < 0.15  # no facts are read


def _cpu(look: Any) -> float:
    """Return the least processor time of some runs: other work on the machine is not ours."""
    from time import thread_time

    took = []
    for _ in range(3):
        start = thread_time()
        look()
        took.append(thread_time() - start)
    return min(took)
