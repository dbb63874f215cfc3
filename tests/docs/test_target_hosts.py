"""The page about targets is tried: its code runs, its targets mean what it says, its commands are there."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from mcoflow.cli.root import root
from mcoflow.cli.shell import Shell
from mcoflow.domain.requests import HostRecord
from mcoflow.domain.target_json import filter_of, target_of
from mcoflow.domain.target_match import matches
from mcoflow.domain.target_text import MAX_TEXT, parse_target
from tests.docs.pages import HOW_TO, blocks, run
from tests.unit.domain.targets import Machine
from tests.unit.engine.conftest import empty_house, house
from tests.unit.engine.house import House

__all__ = ["empty_house", "house"]
PAGE = "target-hosts"
REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "targets.md"


def targets() -> Iterator[str]:
    """The first column of the table."""
    for line in (HOW_TO / f"{PAGE}.md").read_text().splitlines():
        if found := re.match(r"\| `(.+?)` \|", line):
            yield found[1].replace("\\|", "|")


@pytest.mark.parametrize("text", list(targets()))
def test_each_target_of_the_page_means_its_host(text: str) -> None:
    """B-057"""
    host = Machine("web1.example.org", ("main", "lab"), json.loads(blocks(PAGE, "json")[0]))
    target = parse_target(text)

    assert matches(target, host)
    assert matches(target_of(filter_of(target)), host)


def test_the_code_of_the_page_prints_what_the_page_says(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    now = house.world._clock.now().timestamp()
    house.store.save_hosts(
        [HostRecord(f"web{number}", last_seen=now, facts={"role": "web"}) for number in range(1, 5)]
    )
    run(PAGE, world=house.world)

    assert capsys.readouterr().out == "".join(blocks(PAGE, "text"))


def test_the_commands_of_the_page_can_be_given() -> None:
    for line in "".join(blocks(PAGE, "sh")).splitlines():
        words = shlex.split(line)[1:]
        command: click.Command = root
        while isinstance(command, click.Group):
            command = command.commands[words.pop(0)]
        command.make_context("mcoflow", words, obj=Shell(), **root.context_settings)


def test_the_reference_has_all_keys_and_limits() -> None:
    told = REFERENCE.read_text()

    with pytest.raises(Exception, match="a filter has no") as refused:
        target_of({"bogus": 1})
    for key in re.findall(r"[a-z]+", str(refused.value).partition("it has ")[2]):
        assert f"`{key}`" in told
    assert f"{MAX_TEXT:,} characters" in told
