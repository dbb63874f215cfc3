"""The README is tried as it stands: its settings are read, its commands parsed, its examples run."""

import re
import shlex
from pathlib import Path

import click
import pytest

from mcoflow import bootstrap
from mcoflow.cli import main
from mcoflow.cli.root import root
from mcoflow.cli.shell import Shell
from mcoflow.config import load_config
from tests.stories.processes import write_settings
from tests.waiting import until

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PLUGIN_PAGE = (ROOT / "docs" / "how-to" / "write-an-agent-plugin.md").read_text()
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NUMBER = re.compile(r"\d+(\.\d+)*(-\d+)?( (ms|s)\b)?( ago)?|\bnow\b")


def blocks(language: str, page: str = README) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def commands() -> list[str]:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    return [line.partition("#")[0].strip() for line in lines if line.startswith("mcoflow ")]


def code_lines(block: str) -> list[str]:
    return [line for line in block.splitlines() if line.strip() and not line.startswith("#")]


@pytest.fixture
def up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The action of the page is installed, and mcoflow knows web1 and two simulated hosts."""
    described = tmp_path / "site" / "fleet_tools-1.dist-info"
    described.mkdir(parents=True)
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: fleet-tools\nVersion: 1\n")
    (described / "entry_points.txt").write_text("[mcoflow.actions]\nfleet_tools = fleet_tools\n")
    (described.parent / "fleet_tools.py").write_text(blocks("python")[0])
    monkeypatch.syspath_prepend(described.parent)
    settings = write_settings(
        tmp_path / "broker.cfg",
        {
            "server": {"state_dir": tmp_path / "state"},
            "web": {"listen": "127.0.0.1:0"},
            "agent": {"identity": "web1", "provider": "fake", "facts_dir": tmp_path / "facts.d"},
        },
    )
    monkeypatch.setenv("MCOFLOW_CONFIG", str(settings))
    config = load_config(settings, {})
    with bootstrap.embedded(config, simulate=2), bootstrap.client(config) as services:
        until(lambda: len(services.hosts.list().items) == 3, "the hosts are there")
        yield


def masked(text: str) -> list[str]:
    """Return the words of a text, without what differs from run to run."""
    return NUMBER.sub("N", ID.sub("ID", text)).split()


@pytest.mark.usefixtures("up")
def test_the_console_says_what_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    for example in blocks("console")[0].split("$ mcoflow ")[1:]:
        command, _, shown = example.partition("\n")
        main(shlex.split(command))
        said = capsys.readouterr()

        out, err = said.out.splitlines(), said.err.splitlines()
        for line in shown.splitlines():
            assert masked(line) in [masked(each) for each in [*out, *err]], f"{command}: {line}"
        assert {*map(str, map(masked, out))} <= {*map(str, map(masked, shown.splitlines()))}


@pytest.mark.usefixtures("up")
def test_the_action_of_the_page_runs_one_host_after_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    command = next(line for line in commands() if "rolling-restart" in line)

    code = main(shlex.split(command)[1:])

    said = capsys.readouterr()
    assert code == 0, said.err
    assert "2 of 2 done" in said.out
    first, second = (
        said.err.index(f"{host}: Restart one web: success") for host in ("sim-00001", "sim-00002")
    )
    assert first < second


def test_action_and_plugin_take_fifteen_lines_each() -> None:
    assert [len(code_lines(block)) <= 15 for block in blocks("python")] == [True, True]


def test_the_plugin_is_that_of_its_page() -> None:
    assert blocks("python")[1] == blocks("python", PLUGIN_PAGE)[0]


@pytest.mark.parametrize("text", blocks("ini"))
def test_the_settings_can_be_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broker.cfg"
    path.write_text(text)

    config = load_config(path, {"HOME": str(tmp_path)})

    assert config.broker.url == "amqp://mcoflow:secret@mq.example.com/"


@pytest.mark.parametrize("line", commands())
def test_the_commands_can_be_given(line: str) -> None:
    words = shlex.split(line)[1:]
    command: click.Command = root
    while isinstance(command, click.Group):
        command = command.commands[words.pop(0)]

    command.make_context("mcoflow", words, obj=Shell(), **root.context_settings)


def test_the_targets_of_make_are_there() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert {"up", "demo", "test"} <= targets
    assert set(re.findall(r"^make (\w+)", "\n".join(blocks("sh")), re.MULTILINE)) <= targets


def test_the_links_lead_to_files() -> None:
    """The picture is made by the tests of the pages."""
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists() or target.endswith(".png"), target
