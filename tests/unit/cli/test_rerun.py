"""`mcoflow task rerun`: once more, where it failed."""

import pytest

from mcoflow.cli.exit_codes import ExitCode
from tests.unit.cli.conftest import Mcoflow

pytestmark = pytest.mark.usefixtures("services")


def cancelled(mcoflow: Mcoflow) -> str:
    """A task that succeeded on web1, failed on web9, and was given up."""
    hosts = ("--host", "web1", "--host", "web9")
    task = mcoflow("run", "install", "nginx", *hosts, "--wait", "--output", "json").json["id"]
    assert mcoflow("task", "cancel", task).code == ExitCode.OK
    return str(task)


def test_it_runs_again_where_it_succeeded_or_failed_or_everywhere(mcoflow: Mcoflow) -> None:
    """B-060: a new task, on those hosts only."""
    task = cancelled(mcoflow)

    good = mcoflow("task", "rerun", task, "--succeeded", "--output", "json").json
    rest = mcoflow("task", "rerun", task, "--failed", "--output", "json").json
    whole = mcoflow("task", "rerun", task, "--output", "json").json

    assert [each["hosts"] for each in (good, rest, whole)] == [["web1"], ["web9"], ["web1", "web9"]]
    assert good["arguments"]["package"] == "nginx"


def test_who_runs_it_again_or_resumes_it_can_wait_for_its_end(mcoflow: Mcoflow) -> None:
    """It ends as `mcoflow run --wait` does."""
    task = cancelled(mcoflow)

    good = mcoflow("task", "rerun", task, "--succeeded", "--wait")
    bad = mcoflow("task", "rerun", task, "--failed", "--wait", "--output", "json")
    again = mcoflow("task", "resume", bad.json["id"], "--wait", "--timeout", "60")

    assert (good.code, "web1: Install package nginx: success" in good.err) == (ExitCode.OK, True)
    assert "Install nginx on web1: success" in good.out
    assert (bad.code, again.code) == (ExitCode.FAILED, ExitCode.FAILED)
    assert "Install nginx on web9 is paused: web9: " in again.err
    assert mcoflow("task", "rerun", task, "--timeout", "5").code == ExitCode.USAGE


def test_nothing_is_made_where_no_host_stands_so(mcoflow: Mcoflow) -> None:
    task = cancelled(mcoflow)

    refused = mcoflow("task", "rerun", task, "--left")

    assert refused.code != ExitCode.OK
    assert (
        f"no host of task {task} is cancelled, open or skipped: there is nothing to run again" in refused.err
    )


def test_a_task_that_has_not_ended_is_not_run_again(mcoflow: Mcoflow) -> None:
    task = mcoflow("run", "install", "nginx", "--host", "web9", "--wait", "--output", "json").json["id"]

    refused = mcoflow("task", "rerun", task)

    assert "it cannot take a re-run; allowed now: resume, skip, cancel, halt" in refused.err
