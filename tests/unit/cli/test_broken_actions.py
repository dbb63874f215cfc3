"""A package whose actions cannot be imported takes nothing else away, and says so loudly."""

import logging
from pathlib import Path

import pytest

from mcoflow import bootstrap
from mcoflow.bootstrap.actions import load_and_log
from mcoflow.config import load_config
from mcoflow.services import Services
from tests.broken_package import install_broken_package
from tests.unit.cli.conftest import Mcoflow

WHY = "broken_actions_of_a_test cannot be loaded: ModuleNotFoundError"


@pytest.fixture(autouse=True)
def _installed(services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_broken_package(tmp_path, monkeypatch)


@pytest.mark.parametrize("words", [("task", "list"), ("action", "list"), ("host", "list")], ids=" ".join)
def test_every_command_works_and_warns_once(words: tuple[str, ...], mcoflow: Mcoflow) -> None:
    ended = mcoflow(*words)

    assert ended.code == 0
    assert ended.err.count(WHY) == 1
    assert WHY not in ended.out


def test_doctor_shows_it_on_a_line_of_its_own(mcoflow: Mcoflow) -> None:
    ended = mcoflow("doctor")

    assert ended.code == 1
    (line,) = [line for line in ended.out.splitlines() if WHY in line]
    assert line.startswith("✗ actions")
    assert any(line.startswith("✓ database") for line in ended.out.splitlines())


def test_pages_show_a_notice(settings: Path) -> None:
    with bootstrap.client(load_config(settings, {})) as services:
        (notice,) = services.health.notices()[-1:]

    assert notice.code == "actions"
    assert WHY in notice.text


def test_a_server_logs_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        load_and_log()

    (record,) = [record for record in caplog.records if record.message == "actions.broken"]
    assert WHY in record.__dict__["reason"]
