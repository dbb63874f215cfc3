"""`mcoflow task` and `mcoflow host`."""

from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from mcoflow.cli import render
from mcoflow.cli.exit_codes import ExitCode
from mcoflow.domain.requests import CommandKind
from mcoflow.services import Services
from tests.unit.cli.conftest import Mcoflow

pytestmark = pytest.mark.usefixtures("services")
NOWHERE = "00000000-0000-4000-8000-000000000000"


def test_of_a_task_that_is_being_cancelled_no_pause_is_offered(mcoflow: Mcoflow, services: Services) -> None:
    task = mcoflow("run", "ping", "--host", "web1", "--wait", "--output", "json").json["id"]
    kinds = (CommandKind.PAUSE, CommandKind.CANCEL, CommandKind.ABORT, CommandKind.HALT)
    found = replace(services.plans.show(UUID(task)), cancel_requested=True, allowed=kinds)

    told = render.plan(found, (), {}, services.clock.now())

    offered = told.partition("now possible:\n")[2].splitlines()
    assert [line.strip() for line in offered] == [
        f"mcoflow task cancel {task} --force",
        f"mcoflow task abort {task}",
        f"mcoflow task halt {task}",
    ]


def test_the_beginning_of_an_id_is_enough_while_only_one_task_has_it(mcoflow: Mcoflow) -> None:
    task = mcoflow("run", "ping", "--host", "web1", "--wait", "--output", "json").json["id"]

    assert mcoflow("task", "show", task[:13], "--output", "json").json["id"] == task
    assert mcoflow("task", "output", task[:10].upper()).code == ExitCode.OK
    unknown, odd, short = (mcoflow("task", "show", text) for text in ("00000000-0", "ID", "abc"))
    assert (unknown.code, unknown.err) == (
        ExitCode.NOT_FOUND,
        "mcoflow: no task has the id 00000000-0…: `mcoflow task list` shows those there are\n",
    )
    for refused in (odd, short):
        assert refused.code == ExitCode.USAGE
        assert "is no id of a task: give it, or its first 4 signs or more" in refused.err


def test_the_list_is_filtered_and_paged(mcoflow: Mcoflow) -> None:
    for _ in range(2):
        mcoflow("run", "ping", "--host", "sim-00001", "--wait")

    first = mcoflow("task", "list", "--limit", "1", "--filter", "succeeded", "--output", "json").json
    second = mcoflow("task", "list", "--limit", "1", "--cursor", first["next"], "--output", "json").json

    assert len(first["items"]) == len(second["items"]) == 1
    assert first["items"][0]["id"] != second["items"][0]["id"]
    shown = mcoflow("task", "list", "--limit", "1")
    assert "Ping on sim-00001 (simulated)" in shown.out
    assert "more: --cursor" in shown.err


def test_a_paused_task_is_cancelled_once(mcoflow: Mcoflow) -> None:
    task = mcoflow("run", "install", "nginx", "--host", "web9", "--wait", "--output", "json").json["id"]

    assert mcoflow("task", "cancel", task).code == ExitCode.OK
    again = mcoflow("task", "cancel", task)

    assert again.code == ExitCode.FAILED
    assert "it cannot take a cancel; it is over, and can only be run again or deleted" in again.err
    assert "it cannot take an abort; " in mcoflow("task", "abort", task).err
    assert "cancelled" in mcoflow("task", "show", task).out


def test_a_paused_task_is_halted_once(mcoflow: Mcoflow) -> None:
    task = mcoflow("run", "install", "nginx", "--host", "web9", "--wait", "--output", "json").json["id"]
    assert mcoflow("task", "pause", task).code == ExitCode.OK
    assert "nothing that can be reverted" in mcoflow("task", "revert", task).err

    assert mcoflow("task", "halt", task, "--reason", "no such host").code == ExitCode.OK

    shown = mcoflow("task", "show", task).out
    assert "halted: no such host" in shown
    listed = mcoflow("task", "list", "--where", "result=halted", "--output", "json").json["items"]
    assert task in [each["id"] for each in listed]
    for word in ("pause", "abort", "revert", "halt"):
        assert mcoflow("task", word, task).code == ExitCode.FAILED


def test_a_stopped_task_is_deleted_and_a_paused_one_with_an_error_too(mcoflow: Mcoflow) -> None:
    task = mcoflow("run", "install", "nginx", "--host", "web9", "--wait", "--output", "json").json["id"]

    assert mcoflow("task", "delete", task).code == ExitCode.OK

    assert mcoflow("task", "show", task).code == ExitCode.NOT_FOUND
    assert mcoflow("task", "delete", task).code == ExitCode.NOT_FOUND


def test_old_tasks_are_counted_saved_and_removed(mcoflow: Mcoflow, tmp_path: Path) -> None:
    mcoflow("run", "ping", "--host", "sim-00001", "--wait")
    ping = ("task", "clean", "--where", "action=ping", "--where", "result=success")

    assert "removed 0 tasks" in mcoflow(*ping, "--older-than", "1d").out
    would = mcoflow(*ping, "--older-than", "0m", "--dry-run", "--output", "json").json["plans"]
    done = mcoflow(*ping, "--older-than", "0m", "--backup", str(tmp_path), "--output", "json").json

    assert done["plans"] == would >= 1
    assert len(Path(done["backup"]).read_text().splitlines()) == would


@pytest.mark.parametrize(
    "words",
    [
        ("clean", "--older-than", "soon"),
        ("clean", "--older-than", "1d", "--where", "colour=red"),
        ("list", "--where", "colour=red"),
        ("list", "--where", "colour"),
        ("list", "--where", "started_at=noon"),
    ],
)
def test_an_age_or_a_field_there_is_not_is_refused(mcoflow: Mcoflow, words: tuple[str, ...]) -> None:
    assert mcoflow("task", *words).code == ExitCode.USAGE


@pytest.mark.parametrize("command", [("list",), ("clean", "--older-than", "30d", "--dry-run")])
@pytest.mark.parametrize(
    ("given", "there"),
    [
        ("state=done", "scheduled"),
        ("result=failed", "success, warning"),
        ("delayed=maybe", "yes, true, 1, no"),
    ],
)
def test_a_value_that_no_task_can_have_is_refused(
    mcoflow: Mcoflow, command: tuple[str, ...], given: str, there: str
) -> None:
    ended = mcoflow("task", *command, "--where", given)

    assert ended.code == ExitCode.USAGE
    assert there in ended.err


def test_a_limit_of_the_waiting_without_waiting_is_refused(mcoflow: Mcoflow) -> None:
    ended = mcoflow("task", "show", NOWHERE, "--timeout", "5")

    assert ended.code == ExitCode.USAGE
    assert "--timeout belongs to --follow" in ended.err


@pytest.mark.parametrize(
    "words", [("show", NOWHERE), ("cancel", NOWHERE), ("resume", NOWHERE), ("skip", NOWHERE, "3")]
)
def test_an_unknown_task_is_not_found(mcoflow: Mcoflow, words: tuple[str, ...]) -> None:
    ended = mcoflow("task", *words)

    assert ended.code == ExitCode.NOT_FOUND
    assert "`mcoflow task list` shows those there are" in ended.err


def test_a_cursor_of_somebody_else_is_refused(mcoflow: Mcoflow) -> None:
    ended = mcoflow("task", "list", "--cursor", "nonsense")

    assert ended.code == ExitCode.USAGE
    assert "start again from the first" in ended.err


def test_hosts_are_listed_and_simulated_ones_marked(mcoflow: Mcoflow) -> None:
    ended = mcoflow("host", "list")

    assert [line.split()[0] for line in ended.out.splitlines()[1:]] == ["sim-00001", "sim-00002", "web1"]
    assert ended.out.count("(simulated)") == 2
    only = mcoflow("host", "list", "--text", "web", "--output", "json").json
    assert [(host["name"], host["presence"]) for host in only] == [("web1", "online")]


def test_a_skip_names_the_steps_with_number_and_title(mcoflow: Mcoflow) -> None:
    task = mcoflow("run", "install", "nginx", "--host", "web9", "--wait", "--output", "json").json
    failed = next(str(each["id"]) for each in task["steps"] if each["host"] == "web9")

    planned = mcoflow("task", "skip", task["id"], failed, "--dry-run")
    skipped = mcoflow("task", "skip", task["id"], failed)

    assert planned.out == f"would be skipped: step {failed}, Install package nginx on web9\n"
    assert f"skipped when the task is resumed: step {failed}, Install package nginx on web9" in skipped.out
    assert f"go on: mcoflow task resume {task['id']}" in skipped.out


def test_a_host_is_shown_with_facts_and_what_it_can_be_asked_for(mcoflow: Mcoflow) -> None:
    ended = mcoflow("host", "show", "web1")

    assert ended.code == ExitCode.OK
    assert ended.out.startswith("web1: online\n")
    for told in ("last seen", "package.install", "service.restart", "os.name", "memory.total"):
        assert told in ended.out
    as_json = mcoflow("host", "show", "WEB1", "--output", "json").json
    assert as_json["host"]["name"] == "web1"
    assert "package.install" in as_json["operations"]
    assert "sim-00001 (simulated): online" in mcoflow("host", "show", "sim-00001").out


def test_an_unknown_host_is_not_found(mcoflow: Mcoflow) -> None:
    for words in (("host", "show", "web9"), ("ping", "web9")):
        ended = mcoflow(*words)
        assert ended.code == ExitCode.NOT_FOUND
        assert "`mcoflow host list`" in ended.err


def test_a_name_that_is_none_is_refused_in_the_same_words_everywhere(mcoflow: Mcoflow) -> None:
    asked = (("run", "install", "x", "--host", "a b"), ("run", "ping", "--host", "a b"))
    said = {mcoflow(*words) for words in (*asked, ("ping", "a b"), ("host", "show", "a b"))}

    assert len(said) == 1
    [ended] = said
    assert ended.code == ExitCode.USAGE
    assert ended.err.startswith("mcoflow: 'a b' is no host name: letters, digits")
