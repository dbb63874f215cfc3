"""What is said when mcoflow is up."""

import os
from pathlib import Path

import pytest

from mcoflow.bootstrap import Deployment
from mcoflow.cli.exit_codes import ExitCode
from mcoflow.cli.serve import NO_LOGIN, NOT_ROOT, NOT_SIGNED, banner, level_of_up
from mcoflow.config import Config, load_config
from tests.unit.cli.conftest import Mcoflow


def config_of(folder: Path, **variables: str) -> Config:
    return load_config(None, {"HOME": str(folder), **variables})


def test_everything_a_person_needs_is_said(tmp_path: Path) -> None:
    running = Deployment(url="http://127.0.0.1:9292", host="web1", simulated=5, executes=True)

    said = "\n".join(banner("up", config_of(tmp_path), running))

    assert said.startswith("mcoflow is up\n")
    assert "http://127.0.0.1:9292" in said
    assert "this machine, as web1 and 5 simulated hosts" in said
    assert f"sqlite:///{tmp_path}/.local/state/mcoflow/mcoflow.db" in said
    assert "memory:// (inside this process)" in said
    assert said.endswith("Ctrl-C ends it.")
    assert NO_LOGIN in said
    assert NOT_SIGNED not in said


def test_who_is_not_root_is_told_what_will_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    here = Deployment(host="web1")

    assert NOT_ROOT in banner("agent", config_of(tmp_path), here)
    pretending = config_of(tmp_path, MCOFLOW_AGENT_PROVIDER="fake")
    assert NOT_ROOT not in banner("agent", pretending, here)
    assert NOT_ROOT not in banner("executor", config_of(tmp_path), Deployment(executes=True))


def test_on_a_shared_broker_the_missing_signatures_are_named(tmp_path: Path) -> None:
    """Reliability specification, 7.1: `mcoflow up` must say so."""
    config = config_of(tmp_path, MCOFLOW_BROKER_URL="amqp://mco:s3cret@mq/")

    said = banner("executor", config, Deployment(executes=True))

    assert said[0] == "mcoflow executor is up"
    assert NOT_SIGNED in said
    assert "  bus       amqp://mco:***@mq/" in said


def test_a_terminal_stays_calm_unless_the_settings_name_a_level(tmp_path: Path) -> None:
    assert level_of_up(config_of(tmp_path), terminal=True) == "warning"
    assert level_of_up(config_of(tmp_path), terminal=False) == "info"
    asked = config_of(tmp_path, MCOFLOW_SERVER_LOG_LEVEL="info")
    assert level_of_up(asked, terminal=True) == "info"


@pytest.mark.parametrize("command", ["up", "agent"])
def test_how_hosts_play_is_refused_without_hosts_that_play(command: str, mcoflow: Mcoflow) -> None:
    ended = mcoflow(command, "--fail", "5%", "--silent", "0.1")

    assert ended.code == ExitCode.USAGE
    assert "--fail, --silent: only simulated hosts play: say --simulate N, too" in ended.err
