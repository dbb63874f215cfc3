"""`mcoflow schedule`, `mcoflow recur`, and `mcoflow run --at`."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import click
import pytest

from mcoflow.cli.exit_codes import ExitCode
from mcoflow.cli.times import TIME, TIME_AHEAD
from mcoflow.services import Services
from tests.unit.cli.conftest import Mcoflow
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("services")
NOWHERE = "00000000-0000-4000-8000-000000000000"


def scheduled(mcoflow: Mcoflow, *more: str) -> str:
    made = mcoflow("run", "ping", "--host", "sim-00001", "--at", "+2h", "--output", "json", *more)
    assert made.code == ExitCode.OK, made.err
    return str(made.json["id"])


def test_a_task_that_starts_later_is_listed_shown_and_cancelled(mcoflow: Mcoflow) -> None:
    """E-087, E-060."""
    said = mcoflow("run", "ping", "--host", "sim-00001", "--at", "+2h", "--before", "+3h")
    task = said.out.strip()
    assert f"mcoflow schedule cancel {task}" in said.err

    listed = mcoflow("schedule", "list").out
    assert task in listed
    assert "its time; not later than" in listed
    shown = mcoflow("schedule", "show", task).out
    assert "Ping on sim-00001: scheduled" in shown
    assert "waits  for its time" in shown
    assert f"mcoflow task cancel {task}" in shown
    as_json = mcoflow("schedule", "list", "--output", "json").json["items"]
    assert [each["schedule"]["frozen"] for each in as_json if each["id"] == task] == [False]

    assert mcoflow("schedule", "cancel", task).out == "cancelled: it never started\n"
    assert mcoflow("task", "show", task, "--output", "json").json["word"] == "cancelled"
    assert mcoflow("schedule", "cancel", task).code == ExitCode.FAILED
    assert task not in mcoflow("schedule", "list").out


def test_a_frozen_task_starts_once_it_is_told(mcoflow: Mcoflow, services: Services) -> None:
    """E-088."""
    task = scheduled(mcoflow)
    assert f"mcoflow schedule unfreeze {task}" in mcoflow("schedule", "freeze", task).out
    assert "somebody to unfreeze it and its time" in mcoflow("schedule", "list").out
    assert f"mcoflow schedule unfreeze {task}" in mcoflow("task", "show", task).out

    assert mcoflow("schedule", "unfreeze", task, "--at", "+0s").code == ExitCode.OK

    until(lambda: services.plans.show(UUID(task)).at_rest, "it ran")
    assert services.plans.show(UUID(task)).word == "success"
    refused = mcoflow("schedule", "freeze", task)
    assert refused.code == ExitCode.FAILED
    assert "is stopped" in refused.err


def test_a_start_in_the_past_is_refused(mcoflow: Mcoflow) -> None:
    task = scheduled(mcoflow)
    for words in (("run", "ping", "--host", "sim-00001"), ("schedule", "unfreeze", task)):
        refused = mcoflow(*words, "--at", "2020-01-01T00:00Z")
        assert refused.code == ExitCode.USAGE
        assert "is in the past" in refused.err
        assert refused.out == ""
    assert task in mcoflow("schedule", "list").out
    just_now = datetime.now(UTC) - timedelta(seconds=20)
    assert TIME_AHEAD.convert(just_now.isoformat(), None, None) == just_now


def test_a_task_that_has_begun_is_not_cancelled_as_a_scheduled_one(mcoflow: Mcoflow) -> None:
    made = mcoflow("run", "install", "nginx", "--host", "web9", "--wait", "--output", "json").json

    refused = mcoflow("schedule", "cancel", made["id"])

    assert refused.code == ExitCode.FAILED
    assert "is paused, not scheduled" in refused.err
    assert f"mcoflow task cancel {made['id']}" in refused.err
    assert mcoflow("task", "show", made["id"], "--output", "json").json["state"] == "paused"
    assert mcoflow("task", "cancel", made["id"]).code == ExitCode.OK


def test_what_makes_no_sense_is_said_clearly(mcoflow: Mcoflow) -> None:
    for command in ("freeze", "unfreeze", "cancel", "show"):
        assert mcoflow("schedule", command, NOWHERE).code == ExitCode.NOT_FOUND
    for command in ("enable", "disable", "cancel", "show", "run"):
        assert mcoflow("recur", command, NOWHERE).code == ExitCode.NOT_FOUND
    wrong = mcoflow("run", "ping", "--host", "sim-00001", "--at", "tomorrow")
    assert wrong.code == ExitCode.USAGE
    assert "04:00 or +2h" in wrong.err
    order = mcoflow("run", "ping", "--host", "sim-00001", "--at", "+2h", "--before", "+1h")
    assert order.code == ExitCode.USAGE
    assert "it would never run" in order.err
    cron = mcoflow("recur", "add", "ping", "--host", "sim-00001", "--cron", "nightly")
    assert cron.code == ExitCode.USAGE
    assert "minute hour day month weekday" in cron.err


def test_what_comes_back_is_listed_disabled_and_cancelled(mcoflow: Mcoflow) -> None:
    """E-091, E-092."""
    add = ("recur", "add", "ping", "--host", "sim-00001", "--cron", "30 4 * * 1-5", "--purpose", "heartbeat")
    made = mcoflow(*add, "--timezone", "Europe/Vienna", "--output", "json")
    assert made.code == ExitCode.OK, made.err
    recurrence = made.json["id"]
    assert f"mcoflow recur disable {recurrence}" in made.err
    again = mcoflow(*add)
    assert again.code == ExitCode.FAILED
    assert "'heartbeat'" in again.err

    listed = mcoflow("recur", "list").out
    assert "30 4 * * 1-5 (Europe/Vienna)" in listed
    assert "Ping on sim-00001" in listed
    assert "mcoflow recur enable" in mcoflow("recur", "disable", recurrence).out
    assert mcoflow("recur", "list", "--output", "json").json[0]["next_at"] is None
    assert "next at" in mcoflow("recur", "enable", recurrence).out
    assert mcoflow("recur", "cancel", recurrence).out == "cancelled\n"
    assert "nothing comes back; --all shows" in mcoflow("recur", "list").err
    assert recurrence in mcoflow("recur", "list", "--all").out
    over = mcoflow("recur", "enable", recurrence)
    assert over.code == ExitCode.FAILED
    assert "cancelled is final" in over.err


def test_a_recurrence_tells_its_last_run_and_what_was_left_out(mcoflow: Mcoflow, services: Services) -> None:
    """E-093: the command line says what became of the runs."""
    add = ("recur", "add", "ping", "--host", "sim-00001", "--output", "json")
    calm = mcoflow(*add, "--cron", "30 4 1 1 *", "--purpose", "calm").json["id"]
    shown = mcoflow("recur", "show", calm).out
    assert shown.startswith("Ping on sim-00001: active\n")
    for told in ("when      30 4 1 1 * (UTC)", "runs      0", "purpose   calm", "overlap   skip"):
        assert told in shown
    assert "last " not in shown
    assert "left out" not in shown

    busy = mcoflow(*add, "--cron", "* * * * * *", "--max-runs", "1").json["id"]

    def last_word() -> str:
        last = services.schedules.recurrence(UUID(busy)).last
        return last.word if last else ""

    until(lambda: last_word() == "success", "its run ended", within=20.0)
    shown = mcoflow("recur", "show", busy).out
    assert "Ping on sim-00001: finished" in shown
    assert "last      success, 20" in shown
    assert "mcoflow task show" in shown
    assert "success, 20" in mcoflow("recur", "list", "--all").out
    last = mcoflow("recur", "show", busy, "--output", "json").json["last"]
    assert mcoflow("task", "delete", last["id"]).code == ExitCode.OK
    assert "last      deleted" in mcoflow("recur", "show", busy).out
    mcoflow("recur", "cancel", calm)


def test_a_recurrence_is_run_by_hand(mcoflow: Mcoflow, services: Services) -> None:
    made = mcoflow("recur", "add", "ping", "-H", "sim-00001", "--cron", "0 0 1 1 *", "--output", "json").json

    ran = mcoflow("recur", "run", made["id"])

    task = UUID(ran.out.strip())
    assert f"mcoflow task show {task} --follow" in ran.err
    until(lambda: services.plans.show(task).word == "success", "it ran")
    assert services.schedules.recurrence(UUID(made["id"])).runs == 0
    assert mcoflow("recur", "cancel", made["id"]).code == ExitCode.OK


def test_times_are_read_as_people_write_them() -> None:
    now = datetime.now(UTC)

    def read(text: str) -> datetime:
        found = TIME.convert(text, None, None)
        assert isinstance(found, datetime)
        return found

    assert read("2026-11-22T04:00Z") == datetime(2026, 11, 22, 4, tzinfo=UTC)
    assert read("2026-11-22 04:00+01:00") == datetime(2026, 11, 22, 3, tzinfo=UTC)
    assert read("2026-11-22").tzinfo is not None
    assert timedelta(0) < read("04:00") - now <= timedelta(hours=25)
    assert abs(read("+90m") - now - timedelta(minutes=90)) < timedelta(seconds=5)
    for text in ("", "soon", "25:00", "+2w", "2026-13-01", "+999999d9"):
        with pytest.raises(click.BadParameter):
            read(text)
