"""`mcoflow ping` and `mcoflow find --live`: who answers, and who does not."""

import json

import pytest

from mcoflow.cli.exit_codes import ExitCode
from mcoflow.services import Services
from tests.unit.cli.conftest import Mcoflow

pytestmark = pytest.mark.usefixtures("services")
EVERYBODY = ["sim-00001", "sim-00002", "web1"]


def test_without_names_every_known_host_is_pinged(mcoflow: Mcoflow) -> None:
    ended = mcoflow("ping", "--output", "json")

    assert ended.code == ExitCode.OK, ended.err
    told = ended.json
    assert {(each["name"], each["standing"]) for each in told["hosts"]} == {
        (name, "answered") for name in EVERYBODY
    }
    assert all(0 <= each["took"] < 10 for each in told["hosts"])
    assert (told["expected"], told["answered"], told["offline"], told["silent"]) == (3, 3, 0, 0)
    assert [each["simulated"] for each in sorted(told["hosts"], key=lambda each: each["name"])] == [
        True,
        True,
        False,
    ]


def test_each_answer_is_a_line_and_the_last_one_counts(mcoflow: Mcoflow) -> None:
    ended = mcoflow("ping", "--target", "sim-*")

    assert ended.code == ExitCode.OK, ended.err
    *hosts, counted = ended.out.splitlines()
    assert sorted(line.split()[0] for line in hosts) == EVERYBODY[:2]
    assert all("ms" in line and line.endswith("simulated") for line in hosts)
    assert counted == "2 expected: 2 answered, 0 offline, 0 silent"


def test_a_ping_names_who_did_not_answer_and_makes_no_task(mcoflow: Mcoflow, services: Services) -> None:
    before = len(services.plans.list(limit=500).items)

    ended = mcoflow("ping", "web1", "--host", "web9", "--window", "0.3")

    assert ended.code == ExitCode.NOT_FOUND
    assert "offline: web9, never heard of" in ended.out
    assert "2 expected: 1 answered, 1 offline, 0 silent" in ended.out
    assert "1 of 2 hosts did not answer: web9; never heard of: web9" in ended.err
    assert len(services.plans.list(limit=500).items) == before


def test_as_lines_of_json_hosts_come_first_and_the_count_last(mcoflow: Mcoflow) -> None:
    ended = mcoflow("ping", "web1", "--output", "ndjson")

    host, counted = map(json.loads, ended.out.splitlines())
    assert (host["name"], host["standing"]) == ("web1", "answered")
    assert (counted["answered"], counted["problem"]) == (1, "")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("ping", "web1", "--target", "all"), ExitCode.USAGE, "not both"),
        (("ping", "--target", "web1 andd"), ExitCode.USAGE, "        ^"),
        (("ping", "--target", "mail*", "--window", "0.2"), ExitCode.NOT_FOUND, "no host is known"),
        (("ping", "--window", "0"), ExitCode.USAGE, "0.1<=x<=60"),
        (("ping", "--host", "a b"), ExitCode.USAGE, "a b"),
        (("find", "all", "--live", "--one"), ExitCode.USAGE, "without --limit"),
        (("find", "group:nope", "--live"), ExitCode.NOT_FOUND, "there is no group 'nope'"),
    ],
)
def test_what_cannot_be_asked_is_said(
    mcoflow: Mcoflow, words: tuple[str, ...], code: ExitCode, said: str
) -> None:
    ended = mcoflow(*words)
    assert ended.code == code
    assert said in ended.err


def test_live_hosts_are_found_by_their_facts_of_this_moment(mcoflow: Mcoflow) -> None:
    found = mcoflow("find", "mcoflow.provider=fake and sim-*", "--live")
    assert (found.code, found.out) == (ExitCode.OK, "sim-00001\nsim-00002\n")
    assert "2 expected: 2 answered, 0 offline, 0 silent" in found.err

    nobody = mcoflow("find", "mcoflow.provider=nope", "--live")
    assert (nobody.code, nobody.out) == (ExitCode.NOT_FOUND, "")
    assert "means no host that answers" in nobody.err
