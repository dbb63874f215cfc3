"""`mcoflow run`: what is refused, what is said, and how it ends."""

import os
import pty
import re
import subprocess
from pathlib import Path
from uuid import UUID

import pytest

from mcoflow.cli.exit_codes import ExitCode
from mcoflow.services import Services
from tests.stories.processes import MCOFLOW
from tests.unit.cli.conftest import Mcoflow

pytestmark = pytest.mark.usefixtures("services")


def test_the_id_alone_is_the_result_of_a_run_that_does_not_wait(mcoflow: Mcoflow) -> None:
    ended = mcoflow("run", "install", "nginx", "--host", "sim-00001")

    assert ended.code == ExitCode.OK
    task = UUID(ended.out.strip())
    assert f"mcoflow task show {task} --follow" in ended.err


def test_a_run_that_waits_tells_what_changed(mcoflow: Mcoflow) -> None:
    ended = mcoflow("run", "install", "nginx", "--host", "sim-00001", "--wait")

    assert ended.code == ExitCode.OK
    assert "Install nginx on sim-00001 (simulated): success" in ended.out
    assert re.search(
        r"sim-00001 \(simulated\) +Install package nginx +success +(absent|unchanged)", ended.out
    )
    assert "sim-00001: Install package nginx: success" in ended.err


def test_machine_output_is_one_document_with_steps_and_history(mcoflow: Mcoflow) -> None:
    ended = mcoflow("run", "ping", "-H", "sim-00001,sim-00002", "--wait", "--output", "json")

    assert ended.code == ExitCode.OK
    assert (ended.json["state"], ended.json["result"]) == ("stopped", "success")
    assert [each["host"] for each in ended.json["steps"]] == ["sim-00001", "sim-00002"]
    assert ended.json["history"]


def test_a_task_on_real_hosts_too_does_not_claim_to_be_simulated(mcoflow: Mcoflow) -> None:
    task = mcoflow("run", "ping", "-H", "sim-00001,web1", "--wait", "--output", "json").json["id"]
    shown, listed = mcoflow("task", "show", task).out, mcoflow("task", "list").out

    assert "(1 of 2 simulated)" in shown
    assert next(line for line in listed.splitlines() if task in line).endswith("(some simulated)")


def test_all_simulated_hosts_are_told_as_such(mcoflow: Mcoflow) -> None:
    assert "(simulated): success" in mcoflow("run", "ping", "-H", "sim-00001,sim-00002", "--wait").out


def test_packages_and_services_are_named_as_in_the_form(mcoflow: Mcoflow) -> None:
    ended = mcoflow("run", "install-and-restart", "nginx,php;web", "--host", "sim-00001", "--wait")

    assert ended.code == ExitCode.OK
    assert "Install nginx, php and restart web on sim-00001" in ended.out


def test_check_changes_nothing_and_further_input_is_text(mcoflow: Mcoflow) -> None:
    asked = (
        "run",
        "install",
        "nginx",
        "--host",
        "sim-00002",
        "--check",
        "--set",
        "version=1.22",
        "--output",
        "json",
    )

    ended = mcoflow(*asked)

    assert ended.code == ExitCode.OK
    assert (ended.json["arguments"]["check"], ended.json["arguments"]["version"]) == (True, "1.22")


def test_a_prediction_is_called_one(mcoflow: Mcoflow) -> None:
    ended = mcoflow("run", "install", "nginx", "--host", "sim-00002", "--check", "--wait")

    assert ended.code == ExitCode.OK
    assert "predicted: " in ended.out


def test_a_failure_ends_with_1_the_reason_and_what_can_be_done(mcoflow: Mcoflow) -> None:
    ended = mcoflow("run", "install", "nginx", "--host", "web9", "--wait")

    assert ended.code == ExitCode.FAILED
    assert "mcoflow task resume" in ended.out
    for stream in (ended.out, ended.err):
        assert stream.count("no agent for web9: no queue is bound") == 1


def test_the_reason_of_an_error_is_said_once_in_the_last_line(mcoflow: Mcoflow) -> None:
    ended = mcoflow("run", "install-and-restart", "nginx,php;web", "--host", "web9", "--wait")

    last = ended.err.splitlines()[-1]
    assert ended.code == ExitCode.FAILED
    assert "on web9 ended in error: web9: nothing was installed, so nothing is restarted: " in last
    assert last.count("nginx: no agent for web9") == last.count("php: no agent for web9") == 1


def test_a_large_task_is_told_in_numbers_and_by_what_failed(mcoflow: Mcoflow) -> None:
    hosts = ",".join(["sim-00001", *(f"nobody{number}" for number in range(220))])

    ended = mcoflow("run", "ping", "--host", hosts, "--wait")

    assert ended.code == ExitCode.FAILED
    assert "nobody" not in ended.err.partition("mcoflow: ")[0]
    assert "1 of 221 done, 220 failed" in ended.out
    assert "  no such host: 220 hosts: nobody0, nobody1, nobody10 and 217 more" in ended.out
    assert "221 expected · 1 answered · 220 offline · 0 silent" in ended.out
    task = re.search(r"id +(\S+)", ended.out)
    assert task is not None
    told = mcoflow("task", "show", task[1], "--output", "json").json
    assert len(told["steps"]) == 221
    assert mcoflow("task", "cancel", task[1]).code == ExitCode.OK


def test_on_a_terminal_a_table_is_drawn(settings: Path) -> None:
    ours, theirs = pty.openpty()
    words = ["run", "install", "nginx", "--host", "sim-00001", "--wait", "--config", str(settings)]

    done = subprocess.run([MCOFLOW, *words], stdout=subprocess.PIPE, stderr=theirs, timeout=60, check=True)

    os.close(theirs)
    drawn = os.read(ours, 1 << 16).decode()
    os.close(ours)
    assert "\x1b[" in drawn
    assert "Install nginx on sim-00001" in drawn
    assert b"success" in done.stdout
    assert b"\x1b" not in done.stdout


def test_a_skipped_step_is_a_warning_which_counts_as_done(mcoflow: Mcoflow) -> None:
    paused = mcoflow("run", "install", "nginx", "--host", "web9,sim-00001", "--wait", "--output", "json").json
    failed = next(each["id"] for each in paused["steps"] if each["host"] == "web9")

    planned = mcoflow("task", "skip", paused["id"], str(failed), "--dry-run", "--output", "json")
    assert planned.json["step_ids"] == [failed]
    assert mcoflow("task", "skip", paused["id"], str(failed)).code == ExitCode.OK
    assert mcoflow("task", "resume", paused["id"]).code == ExitCode.OK
    ended = mcoflow("task", "show", paused["id"], "--follow")

    assert ended.code == ExitCode.OK
    assert "warning: " in ended.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("install", "nginx"), "--host: name a host"),
        (("install", "nginx", "--host", ""), "--host: name a host"),
        (("install", "nginx", "--host", "-web1"), "no host name"),
        (("install", "nginx", "--host", "wéb"), "no host name"),
        (("install", "--host", "web1"), "PARAM: name one package"),
        (("install", "a b", "--host", "web1"), "PARAM: 'a b' is no name of a package"),
        (("install", "--host", "web1", "--", "-rf"), "PARAM: '-rf' is no name of a package"),
        (("install", "n" * 300, "--host", "web1"), "is no name of a package"),
        (("install", "ngínx", "--host", "web1"), "is no name of a package"),
        (("install", "ngi\0nx", "--host", "web1"), "is no name of a package"),
        (("install-and-restart", ";;", "--host", "web1"), "only one ';' may stand between"),
        (("instal", "nginx", "--host", "web1"), "did you mean 'install'?"),
        (
            ("install", "nginx", "--host", "web1", "--set", "bogus=1"),
            "there are: hosts, target, limit, one, seed, rollout, check, package",
        ),
        (("", "--host", "web1"), "install, install-and-restart"),
        (("install", "a,b", "--host", "web1"), "for several there is install-and-restart"),
        (("ping", "x", "--host", "web1"), "PARAM: ping takes no param"),
        (("install", "nginx", "--host", "web1", "--timeout", "5"), "--timeout belongs to --wait"),
        (("install", "nginx", "--host", "web1", "--set", "bogus"), "write KEY=VALUE"),
        (("install", "nginx", "--host", "web1", "--set", "version:=1.2.3"), "is no JSON"),
    ],
)
def test_bad_input_is_said_in_words_and_nothing_is_made(
    mcoflow: Mcoflow, services: Services, words: tuple[str, ...], said: str
) -> None:
    before = len(services.plans.list(limit=500).items)

    ended = mcoflow("run", *words)

    assert ended.code == ExitCode.USAGE
    assert said in ended.err
    assert ended.out == ""
    assert "Traceback" not in ended.err
    assert len(services.plans.list(limit=500).items) == before
