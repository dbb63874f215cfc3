"""`mcoflow find`, `mcoflow group`, and `mcoflow run --target`."""

from uuid import UUID

import pytest

from mcoflow.cli.exit_codes import ExitCode
from mcoflow.services import Services
from tests.unit.cli.conftest import Mcoflow

pytestmark = pytest.mark.usefixtures("services")


def test_find_prints_names_and_says_how_many(mcoflow: Mcoflow) -> None:
    found = mcoflow("find", "sim-* and mcoflow.provider=fake and agent:package")
    assert (found.code, found.out) == (ExitCode.OK, "sim-00001\nsim-00002\n")
    assert found.err == "2 hosts: 2 online (2 simulated)\n"

    limited = mcoflow("find", "all", "--limit", "50%", "--output", "json").json
    assert (limited["matched"], limited["expected"], limited["online"]) == (3, 2, 2)
    assert [host["name"] for host in limited["hosts"]] == ["sim-00001", "sim-00002"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("find", "mail*"), ExitCode.NOT_FOUND, "0 hosts"),
        (("find", "web1 andd web2"), ExitCode.USAGE, "\nmcoflow:        ^\n"),
        (("find", "group:nope"), ExitCode.NOT_FOUND, "there is no group 'nope'"),
        (("find", "/(a*)*/"), ExitCode.USAGE, "may take for ever"),
        (("find", "all", "--limit", "2", "--one"), ExitCode.USAGE, "not both"),
        (("run", "ping", "--target", "mail*"), ExitCode.NOT_FOUND, "means no host that is known"),
        (("run", "ping", "--target", "web1 or"), ExitCode.USAGE, "--target: a target cannot go on"),
        (("run", "ping", "--target", "web1", "--host", "web1"), ExitCode.USAGE, "not both"),
        (("run", "ping", "--host", "web1", "--limit", "1"), ExitCode.USAGE, "belong to --target"),
        (("run", "ping", "--target", "all", "--limit", "none"), ExitCode.USAGE, "no number of hosts"),
        (("run", "ping", "--target", "a" * 2**16), ExitCode.USAGE, "65536 characters is too long"),
        (("group", "set", "Old", "all"), ExitCode.USAGE, "'Old' is no such name"),
        (("group", "show", "nope"), ExitCode.NOT_FOUND, "there is no group 'nope'"),
        (("group", "remove", "nope"), ExitCode.NOT_FOUND, "there is no group 'nope'"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_made(
    mcoflow: Mcoflow, services: Services, words: tuple[str, ...], code: ExitCode, said: str
) -> None:
    before = len(services.plans.list(limit=500).items)

    ended = mcoflow(*words)

    assert ended.code == code
    assert said in ended.err
    assert len(services.plans.list(limit=500).items) == before


def test_a_task_runs_on_the_hosts_of_a_target(mcoflow: Mcoflow, services: Services) -> None:
    ran = mcoflow("run", "install", "nginx", "--target", "sim-*", "--limit", "1", "--check", "--wait")
    assert ran.code == ExitCode.OK, ran.err
    assert "sim-00001" in ran.out
    assert "sim-00002" not in ran.out


def test_what_is_drawn_by_chance_can_be_drawn_again(mcoflow: Mcoflow, services: Services) -> None:
    """B-057: the seed is recorded."""
    made = mcoflow("run", "ping", "--target", "all", "--limit", "2", "--random", "--output", "json").json
    plan = services.plans.show(UUID(made["id"]))

    drawn = mcoflow("find", "all", "--limit", "2", "--seed", str(plan.arguments["seed"])).out.split()
    assert drawn == list(plan.hosts)


def test_groups_are_made_shown_used_and_removed(mcoflow: Mcoflow) -> None:
    assert mcoflow("group", "list").err.startswith("no groups")
    made = mcoflow("group", "set", "toys", "sim-*")
    assert (made.out, made.err) == ("toys: sim-*\n", "2 hosts: 2 online (2 simulated)\n")

    assert mcoflow("find", "all and not group:toys").out == "web1\n"
    assert mcoflow("group", "show", "toys").out == "toys: sim-*\n2 hosts: 2 online (2 simulated)\n"
    assert [each["name"] for each in mcoflow("group", "list", "--output", "json").json] == ["toys"]
    assert "toys" in mcoflow("group", "list").out

    assert mcoflow("group", "remove", "toys").code == ExitCode.OK
    assert mcoflow("group", "remove", "toys").code == ExitCode.NOT_FOUND


@pytest.mark.parametrize("target", ["web1,wbe1", "(web1 or wbe1) and not old1", "group:named"])
def test_a_name_that_no_host_has_is_not_left_out_silently(mcoflow: Mcoflow, target: str) -> None:
    """A mistyped name would be a host that somebody believes to be done."""
    mcoflow("group", "set", "named", "web1,wbe1")
    said = "warning: no admitted host is called wbe1\n"

    assert said in mcoflow("find", target).err
    assert mcoflow("find", target, "--output", "json").json["unknown"] == ["wbe1"]
    assert said in mcoflow("run", "ping", "--target", target, "--preview").err
    ran = mcoflow("run", "ping", "--target", target, "--wait")
    assert (ran.code, ran.err.count(said)) == (ExitCode.OK, 1)


def test_patterns_and_names_that_are_left_out_need_no_host(mcoflow: Mcoflow) -> None:
    assert "no admitted host is called" not in mcoflow("find", "web1 or mail* or all and not old1").err


def test_a_fact_that_no_host_tells_is_named(mcoflow: Mcoflow) -> None:
    why = "no host tells a fact 'simulated'; `mcoflow facts` lists them"

    assert why in mcoflow("find", "simulated=true and os.id exists").err
    assert why in mcoflow("run", "ping", "--target", "simulated=true", "--preview").err
    assert "means no host that can be taken" in mcoflow("find", "sim-9*").err
    assert "no host tells" not in mcoflow("find", "os.id=beos").err
