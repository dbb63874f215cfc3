"""In which portions the shipped actions go through their hosts."""

from typing import Any

import pytest

from mcoflow import actions
from mcoflow.action import Action
from mcoflow.domain.rollout import CAREFUL, Offline, Rollout, Share, Tally
from mcoflow.errors import InputInvalidError
from mcoflow.testing import OneThreadWorld


def hosts(count: int) -> list[str]:
    return [f"web{number}" for number in range(1, count + 1)]


def planned(action: type[Action], **fields: Any) -> tuple[Rollout | None, Tally | None]:
    with OneThreadWorld() as world:
        plan = world.run(action, **fields)
        rollouts = world.store.snapshot(plan.id).graph.rollouts
        return (rollouts[0].how if rollouts else None, plan.rollout.tallies[0] if plan.rollout else None)


def test_one_host_takes_no_turns() -> None:
    assert planned(actions.Install, hosts=hosts(1), package="nginx") == (None, None)


def test_twenty_hosts_begin_at_once_and_are_counted() -> None:
    how, tally = planned(actions.Install, hosts=hosts(20), package="nginx")

    assert how == Rollout()
    assert tally == Tally(hosts=20, waves=1, wave=1, ok=20, answered=20)


def test_more_hosts_take_turns_unless_somebody_says_how() -> None:
    """B-060: the default over 20 hosts: canary 1, batch 25 %, limit 10 %, pause."""
    how, tally = planned(actions.Restart, hosts=hosts(21), service="web")

    assert how == CAREFUL
    assert tally is not None
    assert (tally.waves, tally.ok) == (5, 21)


def test_whoever_says_how_is_taken_at_his_word() -> None:
    how, _ = planned(actions.Install, hosts=hosts(21), package="nginx", rollout={"batch": "100%"})
    assert how == Rollout(batch=Share(100, percent=True))

    how, _ = planned(actions.Install, hosts=hosts(21), package="nginx", rollout={"offline": "skip"})
    assert how is not None
    assert (how.offline, how.canary, how.batch) == (Offline.SKIP, 1, CAREFUL.batch)


def test_those_that_only_look_ask_all_hosts_at_once() -> None:
    how, _ = planned(actions.Ping, hosts=hosts(50))

    assert how == Rollout()


def test_each_host_installs_and_restarts_within_its_turn() -> None:
    how, tally = planned(
        actions.InstallAndRestart,
        hosts=hosts(3),
        packages=["a", "b"],
        services=["s"],
        rollout={"concurrency": 1},
    )

    assert how == Rollout(concurrency=1)
    assert tally == Tally(hosts=3, waves=1, wave=1, ok=3, answered=3)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"batch": "0"}, "a wave has one host at least"),
        ({"batch": "x"}, "is no number of hosts"),
        ({"max_failures": "200%"}, "is no number of hosts"),
        ({"canary": -1}, "greater than or equal to 0"),
        ({"offline": "guess"}, "'wait', 'skip' or 'fail'"),
        ({"waves": 3}, "Extra inputs are not permitted"),
    ],
)
def test_what_no_rollout_can_be_is_refused_by_name(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(InputInvalidError, match=why), OneThreadWorld() as world:
        world.submit("install", {"hosts": hosts(3), "package": "nginx", "rollout": wrong}, user="ann")
