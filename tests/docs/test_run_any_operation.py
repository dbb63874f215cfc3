"""The commands of the page are those that there are."""

import re
import shlex
from pathlib import Path

import click
import pytest

from mcoflow.cli.action import action
from mcoflow.cli.root import root
from mcoflow.cli.run import run
from mcoflow.services.operations import is_operation

PAGES = ("run-any-operation", "allow-commands-and-files")
HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"


def commands() -> list[list[str]]:
    texts = ((HOW_TO / f"{name}.md").read_text() for name in PAGES)
    blocks = (block for text in texts for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    return [shlex.split(line)[1:] for block in blocks for line in block.splitlines()]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_each_command_of_the_page_can_be_read(words: list[str]) -> None:
    if words[0] == "action":
        found = action.get_command(click.Context(action), words[1])
        assert found is not None
        found.make_context(words[1], words[2:], **root.context_settings)
    else:
        context = run.make_context("run", words[1:], **root.context_settings)
        assert is_operation(context.params["action"])
