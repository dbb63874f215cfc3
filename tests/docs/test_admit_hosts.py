"""The page about letting hosts in: its setting is read, its commands are there."""

import shlex
from pathlib import Path

from mcoflow.cli.root import root
from mcoflow.config import load_config
from tests.docs.pages import blocks


def test_the_setting_of_the_page_is_read(tmp_path: Path) -> None:
    (settings,) = blocks("admit-hosts", "ini")
    path = tmp_path / "broker.cfg"
    path.write_text(settings)
    path.chmod(0o600)

    assert load_config(path, {"HOME": str(tmp_path)}).server.admission == "approve"


def test_the_commands_of_the_page_are_understood() -> None:
    (lines,) = blocks("admit-hosts", "sh")
    for line in lines.splitlines():
        _, group, name, *arguments = shlex.split(line)
        command = root.commands[group].commands[name]  # type: ignore[attr-defined]
        command.make_context(name, arguments, **root.context_settings)
