"""What holds for all commands: help, settings, exit codes, quick starts, broken surroundings."""

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest

from mcoflow.cli.exit_codes import MEANINGS, ExitCode
from mcoflow.cli.root import root
from tests.stories.processes import MCOFLOW, write_settings
from tests.unit.cli.conftest import Mcoflow, settings_in
from tests.waiting import until


def leaves(group: click.Group) -> list[click.Command]:
    found: list[click.Command] = []
    for command in group.commands.values():
        found += leaves(command) if isinstance(command, click.Group) else [command]
    return found


# -- help ------------------------------------------------------------------------------------------------


def test_every_command_says_what_it_does_in_one_whole_line(mcoflow: Mcoflow) -> None:
    listed = mcoflow("--help").out

    assert "..." not in listed.partition("Commands:")[2]
    for command in leaves(root):
        assert command.help
        assert command.get_short_help_str(200)


@pytest.mark.parametrize("columns", ["40", "60", "80"])
def test_no_help_is_cut_however_narrow_the_terminal_is(
    mcoflow: Mcoflow, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)

    groups = [name for name, command in root.commands.items() if isinstance(command, click.Group)]
    for words in ((), *((name,) for name in groups)):
        assert "..." not in mcoflow(*words, "--help").out.partition("Commands:")[2]


def test_the_help_names_every_exit_code(mcoflow: Mcoflow) -> None:
    listed = mcoflow("--help").out

    assert set(MEANINGS) == set(ExitCode)
    for code, meaning in MEANINGS.items():
        assert f"{code:>3}  {meaning}" in listed


@pytest.mark.parametrize("command", leaves(root), ids=lambda command: str(command.name))
def test_every_command_takes_the_shared_options(command: click.Command) -> None:
    names = {option for parameter in command.params for option in parameter.opts}

    assert {"--config", "--output", "--debug"} <= names


def test_an_unknown_command_or_option_is_a_usage_error(mcoflow: Mcoflow) -> None:
    assert mcoflow("nope").code == ExitCode.USAGE
    assert mcoflow("task", "list", "--nope").code == ExitCode.USAGE
    assert mcoflow("task", "show", "no-uuid").code == ExitCode.USAGE


@pytest.mark.parametrize(
    ("words", "heavy"),
    [
        ("--help", "pydantic sqlalchemy alembic flask pika kombu pyinfra rich mcoflow.config"),
        ("task list", "alembic psycopg flask pika kombu pyinfra rich connectors webui mcoflow.agent"),
        ("config check", "sqlalchemy flask pika kombu pyinfra rich"),
    ],
)
def test_quick_commands_load_no_heavy_parts(tmp_path: Path, words: str, heavy: str) -> None:
    settings = settings_in(tmp_path)
    subprocess.run([MCOFLOW, "db", "upgrade", "--config", settings], check=True, capture_output=True)
    script = (
        "import sys; from mcoflow.cli import main; "
        f"code = main({words.split()!r}); print(*sorted(sys.modules), file=sys.stderr); sys.exit(code)"
    )

    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"MCOFLOW_CONFIG": str(settings)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert set(heavy.split()) & set(done.stderr.split()) == set()


# -- settings --------------------------------------------------------------------------------------------


def test_the_settings_are_shown_without_passwords(mcoflow: Mcoflow, tmp_path: Path) -> None:
    broker = {"url": "amqp://mco:s3cret@mq/"}
    settings = write_settings(tmp_path / "broker.cfg", {"broker": broker, "server": {"state_dir": tmp_path}})

    shown = mcoflow("config", "check", "--config", str(settings))

    assert shown.code == ExitCode.OK
    assert "url = amqp://mco:***@mq/" in shown.out
    assert "pickup_deadline = 600 s" in shown.out
    assert "s3cret" not in shown.out + shown.err


def test_a_wrong_setting_is_named_with_the_way_out(mcoflow: Mcoflow, tmp_path: Path) -> None:
    """B-051: exit 78, from every command."""
    settings = write_settings(tmp_path / "broker.cfg", {"broker": {"ulr": "memory://"}})

    for words in (("config", "check"), ("task", "list"), ("up",), ("agent",)):
        ended = mcoflow(*words, "--config", str(settings))
        assert ended.code == ExitCode.CONFIG
        assert "did you mean 'url'?" in ended.err
        assert "Traceback" not in ended.err


def test_settings_that_others_may_write_are_refused(mcoflow: Mcoflow, tmp_path: Path) -> None:
    """B-051: a bad file mode stops the start."""
    settings = settings_in(tmp_path)
    settings.chmod(0o666)

    ended = mcoflow("config", "check", "--config", str(settings))

    assert ended.code == ExitCode.CONFIG
    assert "chmod go-w" in ended.err


@pytest.mark.parametrize("command", ["web", "executor", "agent"])
@pytest.mark.parametrize("url", ["memory://", "memory://localhost/"])
def test_a_bus_in_memory_is_for_one_process(
    mcoflow: Mcoflow, monkeypatch: pytest.MonkeyPatch, command: str, url: str
) -> None:
    """B-031: refused, and told of amqp://."""
    monkeypatch.setenv("MCOFLOW_BROKER_URL", url)

    done = subprocess.run([MCOFLOW, command], capture_output=True, text=True, check=False)

    assert done.returncode == ExitCode.CONFIG
    assert "amqp://" in done.stderr


def test_the_debug_flag_shows_the_traceback(mcoflow: Mcoflow, tmp_path: Path) -> None:
    settings = settings_in(tmp_path)

    assert "Traceback" not in mcoflow("task", "list", "--config", str(settings)).err
    assert "Traceback" in mcoflow("task", "list", "--debug", "--config", str(settings)).err


# -- surroundings ----------------------------------------------------------------------------------------


def test_without_a_database_the_way_to_one_is_told(mcoflow: Mcoflow, tmp_path: Path) -> None:
    ended = mcoflow("task", "list", "--config", str(settings_in(tmp_path)))

    assert ended.code == ExitCode.UNAVAILABLE
    assert "`mcoflow up` makes it" in ended.err


def test_a_broker_that_is_away_is_found_by_the_doctor(
    mcoflow: Mcoflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MCOFLOW_BROKER_URL", "amqp://mco:s3cret@127.0.0.1:1/")

    ended = mcoflow("doctor", "--output", "json")  # its settings make it server and managed host

    broker = next(finding for finding in ended.json if finding["what"] == "broker")
    assert ended.code == ExitCode.FAILED
    assert not broker["good"]
    assert "refused" in broker["found"]
    assert broker["remedy"]
    assert "s3cret" not in ended.out + ended.err


def test_a_port_that_is_taken_is_named_with_the_way_out(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [MCOFLOW, "up"],
            env={"MCOFLOW_CONFIG": str(settings), "MCOFLOW_WEB_LISTEN": f"127.0.0.1:{port}"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert done.returncode == ExitCode.CONFIG
    assert f"port {port} on 127.0.0.1 is taken by another process" in done.stderr


def test_ctrl_c_ends_the_waiting_and_not_the_task(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    subprocess.run([MCOFLOW, "db", "upgrade", "--config", settings], check=True, capture_output=True)
    asked = [MCOFLOW, "run", "ping", "--host", "web1", "--wait", "--config", str(settings)]
    log = tmp_path / "log"
    with log.open("wb") as err, subprocess.Popen(asked, stderr=err) as waiting:
        until(lambda: "no executor is alive" in log.read_text(), "it waits", within=120)
        waiting.send_signal(signal.SIGINT)
        code = waiting.wait(120)

    assert code == ExitCode.INTERRUPTED
    assert "the task goes on" in log.read_text()
    assert "mcoflow task cancel" in log.read_text()
    listed = subprocess.run(
        [MCOFLOW, "task", "list", "--output", "json", "--config", settings], capture_output=True, check=True
    )
    assert [task["state"] for task in json.loads(listed.stdout)["items"]] == ["planned"]
