"""The page about deployments: its settings are read, its commands parsed, its units verified."""

import configparser
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from mcoflow.bootstrap.roles import roles_of
from mcoflow.cli.root import root
from mcoflow.cli.shell import Shell
from mcoflow.config import load_config
from tests.stories.processes import MCOFLOW

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
PAGE = (HOW_TO / "deploy.md").read_text()
UNITS = sorted((HOW_TO / "systemd").glob("*.service"))
INSTALLED = "/opt/mcoflow/bin/mcoflow"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def words_of(unit: Path) -> list[str]:
    """Return what a unit starts."""
    text = next(line for line in unit.read_text().splitlines() if line.startswith("ExecStart="))
    program, *words = shlex.split(text.partition("=")[2])
    assert program == INSTALLED
    return words


def check_command(words: list[str]) -> None:
    command: click.Command = root
    while isinstance(command, click.Group):
        command = command.commands[words.pop(0)]
    command.make_context("mcoflow", words, obj=Shell(), **root.context_settings)


@pytest.mark.parametrize("text", blocks("ini"), ids=lambda text: text.partition("\n")[0])
def test_the_settings_make_the_machine_what_the_page_says(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broker.cfg"
    path.write_text(text)

    roles = roles_of(load_config(path, {"HOME": str(tmp_path)}))

    said = text.partition("\n")[0]
    assert roles.server == ("server" in said)
    assert roles.agent == ("managed host" in said)


def test_the_commands_can_be_given() -> None:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    ours = [shlex.split(line)[1:] for line in lines if line.startswith("mcoflow ")]

    assert len(ours) >= 3
    for words in ours:
        check_command(words)


def test_the_files_that_are_copied_are_there() -> None:
    named = set(re.findall(r"docs/how-to/(systemd/\S+\.service)", PAGE)) | set(
        re.findall(r"\((systemd/\S+)\)", PAGE)
    )

    assert {HOW_TO / name for name in named} == set(UNITS)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_starts_a_command_and_starts_it_again(unit: Path) -> None:
    parsed = configparser.ConfigParser(interpolation=None, strict=True)
    parsed.read_string(unit.read_text())

    check_command(words_of(unit))
    service = parsed["Service"]
    assert (service["Type"], service["Restart"]) == ("exec", "always")
    assert service["RestartPreventExitStatus"] == "78"


def test_the_unit_of_the_agent_forbids_nothing_that_dpkg_does() -> None:
    text = (HOW_TO / "systemd" / "mcoflow-agent.service").read_text()
    keys = {line.partition("=")[0] for line in text.splitlines() if line and not line.startswith("#")}

    assert {
        "ProtectSystem",
        "ProtectHome",
        "PrivateTmp",
        "NoNewPrivileges",
        "SystemCallFilter",
        "User",
    }.isdisjoint(keys)
    assert "KillMode=process" in text


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_knows_every_key_of_a_unit(tmp_path: Path, unit: Path) -> None:
    here = tmp_path / unit.name
    text = unit.read_text().replace(INSTALLED, MCOFLOW)
    here.write_text(text.replace("=mcoflow\n", "=root\n"))  # no such user here; the directory does not matter

    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", here], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
