"""`mcoflow run` and `mcoflow task` on many hosts: told in numbers, the same error once, nobody left out."""

import json
import os
import pty
import re
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from mcoflow.action import Action
from mcoflow.cli.exit_codes import ExitCode
from mcoflow.services import Services
from tests.stories.processes import MCOFLOW
from tests.unit.cli.conftest import Ended, Mcoflow

pytestmark = pytest.mark.usefixtures("services")


class OwnWaves(Action):
    """An action that takes hosts, and decides by itself how."""

    name = "test.own_waves"

    def plan(self, hosts: list[str], target: str = "") -> None:
        for _ in hosts:
            self.plan_self()


AWAY: Final = [f"away{number}" for number in range(1, 21)]
HERE: Final = ("web1", "sim-00001", "sim-00002")
WHERE: Final = ("--host", ",".join([*HERE, *AWAY]))
HOW: Final = ("--all-at-once", "--offline", "fail")
SLOWLY: Final = ("--batch", "10", "--wave-wait", "0.5")


@pytest.fixture(scope="module")
def mixed(settings: Path, services: Services) -> str:
    """A task that succeeded on three hosts and found twenty not there."""
    del services
    asked = [MCOFLOW, "run", "install", "nginx", *WHERE, *HOW, "--wait", "--output", "json"]
    ended = subprocess.run(
        [*asked, "--config", str(settings)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == ExitCode.FAILED, ended.stderr
    return str(json.loads(ended.stdout)["id"])


def lines(ended: Ended) -> list[Any]:
    return [json.loads(line) for line in ended.out.splitlines()]


# -- while it runs, and after ----------------------------------------------------------------------------


def test_many_hosts_are_told_in_one_line_and_a_summary(mcoflow: Mcoflow) -> None:
    """Issue 4, 7: progress, the same error once with its hosts, the census with names, the next command."""
    ended = mcoflow("run", "install", "nginx", *WHERE, *HOW, "--wait")

    assert ended.code == ExitCode.FAILED
    assert "] 23 of 23 hosts · 3 ok · 20 failed" in ended.err
    assert "away1: Install package" not in ended.err
    assert "3 ok · 20 not picked up" in ended.out
    assert "23 expected · 3 answered · 20 offline · 0 silent" in ended.out
    assert "  not picked up: 20 hosts: away1, away10, away11 and 17 more" in ended.out
    assert "  offline: away1, away10, away11, " in ended.out
    assert "next: mcoflow task resume " in ended.out
    assert ended.out.count("mcoflow task resume ") == 1
    assert ended.err.rstrip().endswith("Install nginx on 23 hosts is paused: 20 of 23 hosts failed")


def test_the_summary_is_shown_again_later(mcoflow: Mcoflow, mixed: str) -> None:
    ended = mcoflow("task", "show", mixed)

    assert ended.code == ExitCode.OK
    assert "23 expected · 3 answered · 20 offline · 0 silent" in ended.out
    assert f"next: mcoflow task hosts {mixed} --failed" in ended.out
    assert ended.out.count("not picked up: 20 hosts") == 1  # and no line `why` that says it again
    assert "  why " not in ended.out


def test_a_given_up_task_is_run_again_where_it_failed(mcoflow: Mcoflow, mixed: str) -> None:
    mcoflow("task", "cancel", mixed)

    assert f"next: mcoflow task rerun {mixed} --failed" in mcoflow("task", "show", mixed).out


def test_waves_are_told_while_they_come(mcoflow: Mcoflow) -> None:
    ended = mcoflow("run", "ping", *WHERE, *SLOWLY, "--offline", "skip", "--wait")

    assert ended.code == ExitCode.OK
    assert re.search(r"wave 2 of 3, it begins at \d\d:\d\d:\d\d UTC", ended.err)
    assert "hosts · wave 3 of 3 · 3 ok · 20 skipped" in ended.err


def test_few_hosts_are_told_one_by_one_as_ever(mcoflow: Mcoflow) -> None:
    ended = mcoflow("run", "ping", "--host", "web1,sim-00001", "--batch", "1", "--wait")

    assert ended.code == ExitCode.OK
    assert "web1: Ping host: success" in ended.err


def test_on_a_terminal_the_line_is_drawn_in_place(settings: Path) -> None:
    ours, theirs = pty.openpty()
    asked = [MCOFLOW, "run", "ping", *WHERE, "--offline", "skip", "--wait", "--config", str(settings)]
    with subprocess.Popen(asked, stderr=theirs, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as running:
        os.close(theirs)
        shown = b""
        while part := _read(ours):
            shown += part
        out = running.communicate(timeout=60)[0].decode()
    os.close(ours)

    assert running.returncode == ExitCode.OK
    assert b" of 23 hosts" in shown
    assert "3 ok · 20 skipped" in out


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # nobody writes any more
        return b""


# -- for machines ----------------------------------------------------------------------------------------


def test_a_line_of_json_for_each_host_and_then_one_of_the_task(mcoflow: Mcoflow) -> None:
    ended = mcoflow("run", "ping", *WHERE, *HOW, "--wait", "--output", "ndjson")

    *hosts, task = lines(ended)
    assert ended.code == ExitCode.FAILED
    assert sorted(each["host"] for each in hosts) == sorted([*HERE, *AWAY])
    assert {each["outcome"] for each in hosts} == {"ok", "not_picked_up"}
    assert (task["state"], task["fleet"]["offline_number"]) == ("paused", 20)


def test_json_has_the_summary_beside_all_steps(mcoflow: Mcoflow, mixed: str) -> None:
    told = mcoflow("task", "show", mixed, "--output", "json").json

    assert told["fleet"]["errors"][0]["number"] == 20
    assert len(told["fleet"]["offline"]) == 20
    assert len(told["steps"]) >= 23


# -- hosts of a task -------------------------------------------------------------------------------------


def test_hosts_of_a_task_are_chosen_by_how_they_stand(mcoflow: Mcoflow, mixed: str) -> None:
    """W-032: by the exact words."""
    good = mcoflow("task", "hosts", mixed, "--outcome", "ok", "--output", "json").json
    failed = mcoflow("task", "hosts", mixed, "--failed")
    away = mcoflow("task", "hosts", mixed, "--outcome", "not-picked-up", "--limit", "2", "--output", "ndjson")
    like = mcoflow("task", "hosts", mixed, "--like", "away3", "--output", "json").json

    assert {each["name"] for each in good} == set(HERE)
    assert failed.out.count("not picked up") == 20
    assert [each["name"] for each in lines(away)] == ["away1", "away10"]
    assert len(like) == 20


def test_what_cannot_be_chosen_is_refused(mcoflow: Mcoflow, mixed: str) -> None:
    both = mcoflow("task", "hosts", mixed, "--failed", "--outcome", "ok")
    unknown = mcoflow("task", "hosts", mixed, "--outcome", "broken")
    stranger = mcoflow("task", "hosts", mixed, "--like", "mail1")

    assert [each.code for each in (both, unknown, stranger)] == [ExitCode.USAGE] * 3
    assert "there is no outcome 'broken': there are failures, ok, warned, skipped" in unknown.err
    assert "has nothing to do on a host 'mail1'" in stranger.err
    assert mcoflow("task", "hosts", mixed, "--outcome", "lost").err == "no host stands so\n"


# -- before it runs --------------------------------------------------------------------------------------


def test_a_preview_tells_where_and_in_which_waves_and_makes_nothing(
    mcoflow: Mcoflow, services: Services
) -> None:
    before = services.plans.counts()["all"]  # type: ignore[index]

    text = mcoflow("run", "install", "nginx", *WHERE, "--preview")
    told = mcoflow("run", "install", "nginx", "--target", "sim-*", "--preview", "--output", "json").json

    assert text.code == ExitCode.OK
    assert "web1\n" in text.out
    assert "away7  never seen\n" in text.out
    assert "23 hosts: 3 online, 20 never seen" in text.err
    assert "5 waves: 1, 6, 6, 6, 4 hosts; up to 10 % may fail, then it pauses" in text.err
    assert (told["expected"], told["waves"]) == (2, [2])
    assert services.plans.counts()["all"] == before  # type: ignore[index]


def test_a_preview_claims_no_waves_of_an_action_that_has_its_own(mcoflow: Mcoflow) -> None:
    asked = ("run", OwnWaves.name, "--set", 'hosts:=["web1", "away1"]', "--preview")

    text, told = mcoflow(*asked), mcoflow(*asked, "--output", "json").json

    assert "the action says itself in which waves" in text.err
    assert (told["waves"], told["rollout"]) == ([], None)


def test_what_another_action_calls_hosts_or_target_is_left_alone(mcoflow: Mcoflow) -> None:
    """It may be a directory, or a number: nobody but the action knows."""
    for given in ("target=/var/backups", "hosts:=5", "hosts:=[]"):
        ended = mcoflow("run", OwnWaves.name, "--set", given, "--preview")

        assert ended.code == ExitCode.USAGE
        assert "takes no hosts: there is nothing to preview" in ended.err


def test_a_preview_of_nothing_says_so(mcoflow: Mcoflow) -> None:
    nobody = mcoflow("run", "install", "nginx", "--target", "mail*", "--preview")
    wrong = mcoflow("run", "install", "nginx", "--target", "web1 andd", "--preview")

    assert nobody.code == ExitCode.NOT_FOUND
    assert wrong.code == ExitCode.USAGE


@pytest.mark.parametrize(("typed", "code", "made"), [("7", ExitCode.USAGE, 0), ("23", ExitCode.OK, 1)])
def test_the_number_has_to_be_typed_on_a_terminal(
    settings: Path, services: Services, typed: str, code: int, made: int
) -> None:
    """W-012, on the command line."""
    before = services.plans.counts()["all"]  # type: ignore[index]

    ended, said = _on_a_terminal([MCOFLOW, "run", "ping", *WHERE, "--config", str(settings)], typed)

    assert "type 23 to run it there" in said
    assert ended == code
    assert services.plans.counts()["all"] == before + made  # type: ignore[index]


def test_who_is_sure_is_not_asked(settings: Path) -> None:
    ended, said = _on_a_terminal([MCOFLOW, "run", "ping", *WHERE, "--yes", "--config", str(settings)], "")

    assert ended == ExitCode.OK
    assert "to run it there" not in said


def _on_a_terminal(asked: list[str], typed: str) -> tuple[int, str]:
    ours, theirs = pty.openpty()
    with subprocess.Popen(asked, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE) as running:
        os.close(theirs)
        if typed:
            os.write(ours, f"{typed}\n".encode())
        shown = b""
        while part := _read(ours):
            shown += part
        running.communicate(timeout=60)
    os.close(ours)
    return running.returncode, shown.decode()


def test_where_the_step_to_skip_is_found_is_said_of_many_hosts(mcoflow: Mcoflow) -> None:
    ended = mcoflow("run", "ping", *WHERE, *HOW, "--wait")

    assert re.search(r"mcoflow task skip \S+ STEP\n", ended.out)
    assert re.search(r"where STEP is one of: mcoflow task hosts \S+ --failed", ended.out)
