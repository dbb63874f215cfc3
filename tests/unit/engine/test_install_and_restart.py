"""InstallAndRestart, on hosts that answer as told."""

import pytest

from mcoflow.actions import InstallAndRestart
from mcoflow.actions.install_and_restart import SomethingInstalled
from mcoflow.clock import SystemClock
from mcoflow.domain.states import PlanResult, PlanState, StepState
from mcoflow.services.fleet import Fleet
from mcoflow.services.present import counters, plan_view, step_view
from mcoflow.services.views import Mark
from mcoflow.testing.hosts import accepted, error, ok, only, progress, result
from tests.unit.engine.house import House
from tests.waiting import until


def outcome(house: House, **fields: object) -> tuple[PlanState, PlanResult]:
    plan = house.run(InstallAndRestart, **{"hosts": ["web1"], **fields})
    return plan.state, plan.result


def test_all_packages_go_in_at_once_and_each_service_is_restarted_after_them(house: House) -> None:
    plan = house.run(InstallAndRestart, hosts=["web1"], packages=["nginx", "php"], services=["web", "fpm"])

    assert (plan.state, plan.result) == (PlanState.STOPPED, PlanResult.SUCCESS)
    assert sorted(house.hosts.asked()[:2]) == ["install nginx", "install php"]
    assert sorted(house.hosts.asked()[2:]) == ["restart fpm", "restart web"]
    assert house.output(plan.id, SomethingInstalled)["installed"] == ["nginx", "php"]


def test_one_bad_name_among_others_is_a_warning_that_names_it(house: House) -> None:
    house.hosts.answers["nginxx"] = error(100, "no such package")

    plan = house.run(InstallAndRestart, hosts=["web1"], packages=["nginx", "nginxx"], services=["web"])

    assert (plan.state, plan.result) == (PlanState.STOPPED, PlanResult.WARNING)
    assert plan.explanation == "web1: nginxx: failed (exit 100): no such package"
    assert house.hosts.asked("restart") == ["restart web"]


def test_when_every_installation_failed_nothing_is_restarted_and_the_plan_is_an_error(house: House) -> None:
    house.hosts.answers["install"] = error(100, "no such package")

    plan = house.run(InstallAndRestart, hosts=["web1"], packages=["a", "b"], services=["web"])

    assert (plan.state, plan.result) == (PlanState.STOPPED, PlanResult.ERROR)
    assert "a: failed (exit 100)" in plan.explanation
    assert house.hosts.asked("restart") == []


def test_a_failure_that_is_a_warning_is_told_in_its_exact_words(house: House) -> None:
    """W-032: what did not happen is not called a success."""
    house.hosts.answers["nginxx"] = error(100, "no such package")

    plan = house.run(InstallAndRestart, hosts=["web1"], packages=["nginx", "nginxx"], services=[])

    installs = [step for step in house.steps(plan.id).values() if step.action == "try_to_install"]
    told = [step_view(step, 0.0) for step in installs]
    assert sorted((each.words, each.mark) for each in told) == [
        ("failed (exit 100)", Mark.WARNING),
        ("success", Mark.SUCCESS),
    ]
    assert plan_view(house.store.plan(plan.id), (), 0.0).words() == "3 of 3 done, 1 of them warned"


@pytest.mark.parametrize(
    ("act", "words", "mark"),
    [("cancel", "cancelled, killed", Mark.CANCELLED), ("abort", "lost (", Mark.CANCELLED)],
)
def test_an_installation_that_was_called_off_is_cancelled_and_no_success(
    house: House, act: str, words: str, mark: Mark
) -> None:
    """W-032, E-056, E-060: neither in the step's words nor in the numbers."""
    house.hosts.default = only(accepted(), progress())
    house.hosts.on_cancel = lambda _cancel: [result("killed")]
    begun = house.world.submit(
        "install_and_restart", {"hosts": ["web1"], "packages": ["nginx"], "services": ["web"]}, user="ann"
    )
    plan_id = begun.plan_id
    until(lambda: any(each.executing for each in house.store.open_requests([plan_id])), "it is executing")

    getattr(house.world, act)(plan_id)

    plan = house.rest(plan_id)
    (install,) = [step for step in house.steps(plan_id).values() if step.action == "try_to_install"]
    view = step_view(install, 0.0)
    assert (plan.result, install.state, view.mark) == (PlanResult.CANCELLED, StepState.CANCELLED, mark)
    assert view.words.startswith(words)
    assert counters(plan.counts).done == 0


def test_without_services_only_packages_are_installed(house: House) -> None:
    assert outcome(house, packages=["nginx"]) == (PlanState.STOPPED, PlanResult.SUCCESS)
    assert house.hosts.asked() == ["install nginx"]


def test_without_services_one_bad_name_is_a_warning_too(house: House) -> None:
    house.hosts.answers["bad"] = error()

    assert outcome(house, packages=["good", "bad"]) == (PlanState.STOPPED, PlanResult.WARNING)


def test_without_packages_every_service_is_restarted(house: House) -> None:
    assert outcome(house, services=["web", "fpm"]) == (PlanState.STOPPED, PlanResult.SUCCESS)
    assert sorted(house.hosts.asked()) == ["restart fpm", "restart web"]


def test_a_service_that_does_not_restart_pauses_the_plan(house: House) -> None:
    house.hosts.answers["web"] = error(1, "unit failed")

    plan = house.run(InstallAndRestart, hosts=["web1"], packages=["nginx"], services=["web"])

    assert (plan.state, plan.result) == (PlanState.PAUSED, PlanResult.ERROR)
    assert plan.explanation == "web1: failed (exit 1): unit failed"


def test_each_host_is_on_its_own(house: House) -> None:
    house.hosts.answers["web1 install"] = error()

    plan = house.run(InstallAndRestart, hosts=["web1", "web2"], packages=["nginx"], services=["web"])

    assert (plan.state, plan.result) == (PlanState.STOPPED, PlanResult.ERROR)
    restarts = [each.host for each in house.hosts.requests if "restart" in str(each.body)]
    assert restarts == ["web2"]
    of_web1 = [step for step in house.steps(plan.id).values() if step.host == "web1"]
    assert [step.state for step in of_web1] == [StepState.SUCCESS, StepState.ERROR, StepState.PENDING] or [
        step.state for step in of_web1
    ] == [StepState.SUCCESS, StepState.PENDING]


def test_the_restart_says_what_was_installed_and_the_agent_is_not_bothered_with_it(house: House) -> None:
    house.hosts.default = ok(changed=True)

    house.run(InstallAndRestart, hosts=["web1"], packages=["nginx"], services=["web"])

    assert house.hosts.requests[-1].body.args == {"service": "web"}  # type: ignore[union-attr]


def test_hosts_where_a_failure_was_borne_are_counted_as_warned(house: House) -> None:
    """B-059: in the steps, in the rollout, and among the hosts; not as plainly done, or ok."""
    house.hosts.answers["web2 nginxx"] = error(100, "no such package")
    hosts = ["web1", "web2", "web3"]

    plan = house.run(InstallAndRestart, hosts=hosts, packages=["nginx", "nginxx"], services=[])

    record = house.store.plan(plan.id)
    view = plan_view(record, (), 0.0)
    assert (record.warned, view.counters.done, view.counters.warned) == (1, 9, 1)
    assert view.words() == "9 of 9 done, 1 of them warned"
    assert view.rollouts[0].counts == "2 ok · 1 warned"
    fleet = Fleet(house.store, SystemClock()).show(view)
    assert fleet.counts == "2 ok · 1 warned"
    assert fleet.census == "3 expected · 3 answered · 0 offline · 0 silent"
    assert fleet.failed == 0
