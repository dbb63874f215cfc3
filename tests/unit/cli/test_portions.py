"""`mcoflow run --batch --budget …`: in which portions hosts get their turn."""

import pytest

from mcoflow.cli.exit_codes import ExitCode
from tests.unit.cli.conftest import Mcoflow


def test_waves_are_told_on_the_command_line(mcoflow: Mcoflow, services: object) -> None:
    """B-060: and kept with the task."""
    del services
    hosts = ("--host", "sim-00001", "--host", "sim-00002")
    how = ("--batch", "1", "--budget", "0", "--offline", "fail", "--wave-wait", "0.1")

    made = mcoflow("run", "ping", *hosts, *how, "--wait", "--output", "json").json

    rollout = made["arguments"]["rollout"]
    assert (rollout["batch"], rollout["max_failures"], rollout["offline"]) == ("1", "0", "fail")
    assert made["rollouts"][0]["waves"] == 2
    assert made["rollouts"][0]["ok"] == 2


def test_all_at_once_and_in_waves_is_refused(mcoflow: Mcoflow, services: object) -> None:
    del services
    ended = mcoflow("run", "ping", "--host", "web1", "--all-at-once", "--batch", "2")

    assert ended.code == ExitCode.USAGE
    assert "--all-at-once, or --batch and --canary: not both" in ended.err


def test_an_impossible_wave_is_refused_and_nothing_is_made(mcoflow: Mcoflow, services: object) -> None:
    del services
    ended = mcoflow("run", "ping", "--host", "web1", "--batch", "many")

    assert ended.code == ExitCode.USAGE
    assert "is no number of hosts: give one like 25, or a share like 10%, up to 100%" in ended.err


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (("--batch", "0"), "--batch: a wave has one host at least, so it must not be 0"),
        (("--batch", "0%"), "--batch: a wave has one host at least, so it must not be 0%"),
        (("--budget", "some"), "--budget: 'some' is no number of hosts"),
        (
            ("--wave-wait", "10 minutes"),
            "'--wave-wait': '10 minutes' is no time span: write 30, 30s, 10m or 1h",
        ),
        (("--wave-wait", "-5"), "'--wave-wait': '-5' is no time span"),
    ],
)
def test_an_impossible_number_is_told_by_its_option_and_once(
    mcoflow: Mcoflow, services: object, given: tuple[str, str], why: str
) -> None:
    del services
    for more in ((), ("--preview",)):
        ended = mcoflow("run", "ping", "--host", "web1", *given, *more)

        assert ended.code == ExitCode.USAGE
        assert ended.err.count(why) == 1
        assert "rollout" not in ended.err


@pytest.mark.parametrize(
    ("wait", "told"), [("90", "90 s"), ("1.5m", "90 s"), ("90s", "90 s"), ("2h", "7200 s")]
)
def test_the_wait_between_waves_takes_units(mcoflow: Mcoflow, services: object, wait: str, told: str) -> None:
    del services
    hosts = ("--host", "web1,sim-00001")
    ended = mcoflow("run", "ping", *hosts, "--batch", "1", "--wave-wait", wait, "--preview")

    assert f"2 waves: 1, 1 hosts, {told} between two; any number may fail" in ended.err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("run", "ping", "--host", "web*"), "'web*' is a pattern, no host name: say --target 'web*'"),
        (("ping", "web?"), "'web?' is a pattern, no host name: say --target 'web?'"),
        (("host", "admit", "web*"), "'web*' is a pattern, no host name: name each host"),
        (("run", "install", "nginx"), "name a host, or several separated by commas, or give a target"),
    ],
)
def test_who_writes_a_pattern_for_a_name_is_told_where_it_goes(
    mcoflow: Mcoflow, services: object, words: tuple[str, ...], why: str
) -> None:
    del services
    ended = mcoflow(*words)

    assert (ended.code, why in ended.err) == (ExitCode.USAGE, True), ended.err


def test_a_preview_of_canaries_alone_says_that_none_may_fail(mcoflow: Mcoflow, services: object) -> None:
    del services
    ended = mcoflow("run", "ping", "--host", "web1,sim-00001", "--canary", "99", "--preview")

    assert "all at once; no host may fail, else it pauses" in ended.err
