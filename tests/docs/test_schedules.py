"""The pages about tasks that begin later are tried: their code runs, and prints what they say."""

import re
import shlex

import click
import pytest

from mcoflow.cli.root import root
from mcoflow.cli.shell import Shell
from tests.docs.pages import blocks, run
from tests.unit.engine.conftest import empty_house, house
from tests.unit.engine.house import House

__all__ = ["empty_house", "house"]
PAGES = ("schedule-a-task", "let-a-task-recur")


@pytest.mark.parametrize("page", PAGES)
def test_the_code_of_the_page_prints_what_the_page_says(
    page: str, house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    run(page, world=house.world)

    assert capsys.readouterr().out == "".join(blocks(page, "text"))


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_the_page_can_be_given(page: str) -> None:
    from tests.docs.pages import HOW_TO

    given = re.findall(r"`mcoflow ([^`]+)`", (HOW_TO / f"{page}.md").read_text())
    assert given
    for line in given:
        words = shlex.split(line.replace("ID", "00000000-0000-4000-8000-000000000000"))
        command: click.Command = root
        while isinstance(command, click.Group):
            command = command.commands[words.pop(0)]
        command.make_context("mcoflow", words, obj=Shell(), **root.context_settings)
