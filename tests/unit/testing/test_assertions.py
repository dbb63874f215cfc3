"""E-113: each assertion fails on a plan that breaks it, and says expected, found and nearest."""

import re
from collections.abc import Callable

import pytest

from mcoflow.testing import (
    OneThreadWorld,
    PlannedAction,
    assert_finalize_planned,
    assert_no_run_planned,
    assert_not_planned,
    assert_planned,
    assert_run_planned,
    assert_state,
    assert_waits_for,
    plan_action,
)
from tests.unit.testing.actions import Announce, Approve, Build, Install, Release


@pytest.fixture
def release() -> PlannedAction[Release]:
    return plan_action(Release, ["web1", "web2"], package="nginx")


def told(assertion: Callable[[], object]) -> tuple[str, str, str, str]:
    """What an assertion says when it fails: what, expected, found, nearest."""
    with pytest.raises(AssertionError) as failure:
        assertion()
    found = re.fullmatch(
        r"(.*)\nexpected: (.*)\nfound:    (.*)\nnearest:  (.*)", str(failure.value), re.DOTALL
    )
    assert found is not None, str(failure.value)
    return found[1], found[2], found[3], found[4]


def test_assertions_that_hold_say_nothing(release: PlannedAction[Release]) -> None:
    build, first, second = release.child(Build), release.child(Install), release.child(Install, 1)

    assert assert_planned(release, Build, "nginx") is build
    assert_planned(release, Install)
    assert_planned(plan_action(Release, [], ("a", "b")), Build, ["a", "b"])
    assert_not_planned(release, Approve)
    assert_not_planned(release, Build, "apache")
    assert_run_planned(build)
    assert_run_planned(build, {"package": "nginx"})
    assert_no_run_planned(release)
    assert_finalize_planned(build)
    assert_waits_for(release, first, [build])
    assert_waits_for(release.plan, release.child(Announce), [first, second])


def test_assert_planned_names_the_nearest_call(release: PlannedAction[Release]) -> None:
    what, expected, found, nearest = told(lambda: assert_planned(release, Build, "apache", fast=True))

    assert what == "Release did not plan it"
    assert expected == "Build('apache', fast=True)"
    assert "Build('nginx')" in found
    assert "Install(host='web2', package='nginx'" in found
    assert nearest == "Build('nginx'): argument 1 is 'nginx', not 'apache'; fast is missing"


def test_assert_planned_of_something_that_planned_nothing() -> None:
    assert told(lambda: assert_planned(plan_action(Announce), Build))[1:] == ("Build()", "nothing", "nothing")


def test_assert_not_planned_shows_what_was_planned(release: PlannedAction[Release]) -> None:
    what, expected, found, nearest = told(lambda: assert_not_planned(release, Build))

    assert (what, expected) == ("Release planned it", "no Build()")
    assert found == nearest == "Build('nginx')"


def test_assert_run_planned_without_a_run_step(release: PlannedAction[Release]) -> None:
    what, expected, found, _ = told(lambda: assert_run_planned(release))

    assert (what, expected, found) == ("Release planned no run step", "run with any input", "nothing")


def test_assert_run_planned_shows_the_difference(release: PlannedAction[Release]) -> None:
    build = release.child(Build)

    what, expected, found, nearest = told(lambda: assert_run_planned(build, {"package": "apache", "n": 1}))

    assert what == "Build runs with another input"
    assert (expected, found) == ("{'package': 'apache', 'n': 1}", "{'package': 'nginx'}")
    assert nearest == "package is 'nginx', not 'apache'; n is missing"


def test_assert_no_run_planned_shows_the_step(release: PlannedAction[Release]) -> None:
    what, expected, found, nearest = told(lambda: assert_no_run_planned(release.child(Build)))

    assert (what, expected) == ("Build runs", "no run step")
    assert found.startswith("run step 3")
    assert nearest == "input {'package': 'nginx'}"


def test_assert_finalize_planned_shows_the_steps_there_are(release: PlannedAction[Release]) -> None:
    what, expected, found, _ = told(lambda: assert_finalize_planned(release.child(Announce)))

    assert (what, expected) == ("Announce planned no finalize step", "a finalize step")
    assert found.startswith("run step")


def test_assert_waits_for_names_what_is_missing_and_what_is_too_much(
    release: PlannedAction[Release],
) -> None:
    first = release.child(Install)

    what, expected, found, nearest = told(
        lambda: assert_waits_for(release, release.child(Announce), [first, 99])
    )

    assert what == "step 10 (kit.announce) waits for others"
    assert expected == "6 (kit.install), 99 (not in this plan)"
    assert found == "6 (kit.install), 8 (kit.install)"
    assert nearest == "missing: 99 (not in this plan); too many: 8 (kit.install)"


def test_assert_state_explains_where_the_plan_stands(world: OneThreadWorld) -> None:
    world.hosts.unknown.add("web1")
    plan = world.run(Release, ["web1"], package="nginx")

    assert_state(plan, "paused")
    assert_state(plan, "paused", "error")
    what, expected, found, nearest = told(lambda: assert_state(plan, "stopped", "success"))
    assert what == f"the plan Release nginx on web1 ({plan.id}) stands elsewhere"
    assert (expected, found) == ("stopped/success", "paused/error")
    assert "1 error" in nearest
    assert "no agent for web1" in nearest
