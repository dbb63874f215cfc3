"""The page about asking hosts is tried: its console says what it says, its commands can be given."""

import re
import shlex

import click
import pytest

from mcoflow.cli.root import root
from mcoflow.cli.shell import Shell
from tests.docs.pages import blocks
from tests.unit.cli.conftest import Mcoflow, mcoflow, services, settings

__all__ = ["mcoflow", "services", "settings"]
PAGE = "find-hosts"


@pytest.mark.usefixtures("services")
def test_the_console_says_what_the_page_says(mcoflow: Mcoflow) -> None:
    command, _, shown = blocks(PAGE, "console")[0].partition("\n")

    ended = mcoflow(*shlex.split(command.removeprefix("$ mcoflow ")))

    assert _words(ended.out) == _words(shown)


def _words(text: str) -> list[str]:
    """What is said, whoever answers first and however fast."""
    return sorted(" ".join(re.sub(r"[\d.]+ m?s", "N ms", line).split()) for line in text.splitlines())


def test_the_commands_of_the_page_can_be_given() -> None:
    for line in "".join(blocks(PAGE, "sh")).splitlines():
        words = shlex.split(line, comments=True)[1:]
        command = root.commands[words[0]]
        assert isinstance(command, click.Command)
        with root.make_context("mcoflow", ["--help"], resilient_parsing=True, obj=Shell()) as parent:
            command.make_context(words[0], words[1:], parent=parent)
