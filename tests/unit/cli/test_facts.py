"""`mcoflow facts`: counted over hosts, or all of one."""

import json

import pytest

from mcoflow.cli.exit_codes import ExitCode
from tests.unit.cli.conftest import Mcoflow

pytestmark = pytest.mark.usefixtures("services")


def test_without_a_path_the_facts_are_listed(mcoflow: Mcoflow) -> None:
    ended = mcoflow("facts")
    assert ended.code == ExitCode.OK, ended.err
    head, *rows = [line.split() for line in ended.out.splitlines()]
    assert head == ["fact", "hosts", "values"]
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    assert ["mcoflow.provider", "2", "1"] in rows or ["mcoflow.provider", "3", "1"] in rows


def test_values_are_counted_the_most_usual_first_and_who_tells_none(mcoflow: Mcoflow) -> None:
    found = mcoflow("facts", "mcoflow.provider", "os.id", "--target", "sim-*", "--output", "json").json
    assert [(each["path"], each["value"], each["hosts"]) for each in found][:1] == [
        ("mcoflow.provider", "fake", 2)
    ]
    assert sum(each["hosts"] for each in found if each["path"] == "os.id") == 2

    lines = mcoflow("facts", "mcoflow.provider", "--output", "ndjson").out.splitlines()
    assert sum(json.loads(line)["hosts"] for line in lines) == 3


def test_one_host_is_told_whole_or_in_part(mcoflow: Mcoflow) -> None:
    whole = mcoflow("facts", "--host", "web1", "--output", "json").json
    assert whole["mcoflow.agents"]
    part = mcoflow("facts", "mcoflow", "--host", "web1")
    assert {line.split(".")[0] for line in part.out.splitlines()[1:]} == {"mcoflow"}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("facts", "no.such"), ExitCode.NOT_FOUND, "no host tells no.such"),
        (("facts", "--host", "web9"), ExitCode.NOT_FOUND, "`mcoflow host list`"),
        (("facts", "x", "--host", "web1"), ExitCode.NOT_FOUND, "no such facts"),
        (("facts", "--host", "web1", "--target", "all"), ExitCode.USAGE, "not both"),
        (("facts", "os.id", "--target", "web1 or"), ExitCode.USAGE, "cannot go on"),
    ],
)
def test_what_is_not_told_is_said(
    mcoflow: Mcoflow, words: tuple[str, ...], code: ExitCode, said: str
) -> None:
    ended = mcoflow(*words)
    assert ended.code == code
    assert said in ended.err
