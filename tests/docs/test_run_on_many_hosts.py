"""The page about many hosts is tried: its commands can be given, its words are those that are printed."""

import json
import shlex

import click
import pytest

from mcoflow.actions.turns import RolloutInput
from mcoflow.cli.before import _say
from mcoflow.cli.exit_codes import MEANINGS
from mcoflow.cli.fleet import _ending
from mcoflow.cli.root import root
from mcoflow.cli.shell import Shell
from mcoflow.domain.standing import Standing
from mcoflow.services.fleet import FleetView, HostOfTask, SameError
from mcoflow.services.offers import Lacking
from mcoflow.services.portions import OrderedHost, OrderPreview
from mcoflow.services.rehearsals import Course, Rehearsal
from mcoflow.services.views import Mark
from tests.docs.pages import HOW_TO, blocks

PAGE = "run-on-many-hosts"


def test_the_commands_of_the_page_can_be_given() -> None:
    for line in "".join(blocks(PAGE, "sh")).splitlines():
        words = shlex.split(line)[1:]
        command: click.Command = root
        while isinstance(command, click.Group):
            command = command.commands[words.pop(0)]
        command.make_context("mcoflow", words, obj=Shell(), **root.context_settings)


def test_the_summary_of_the_page_is_in_the_words_that_are_printed() -> None:
    counts, census, first, *_ = blocks(PAGE, "text")[1].splitlines()
    hosts = ("web1", "web104", "web11")
    words = "failed (exit 100): Unable to locate package nginx"
    error = SameError(words, "failed", Mark.ERROR, unknown_effect=False, number=16, hosts=hosts)
    fleet = FleetView(120, 117, 2, 1, (), (error,), (), ())

    assert census == fleet.census
    assert first.strip() == error.line
    assert [part.partition(" ")[2] for part in counts.split(" · ")] == [
        standing.words
        for standing in Standing
        if standing in (Standing.OK, Standing.NOT_PICKED_UP, Standing.FAILED, Standing.LOST)
    ]


def test_the_preview_of_the_page_is_in_the_words_that_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    away = {"db3", "db9"}
    names = [f"web{n}" for n in range(1, 39)]
    hosts = [OrderedHost(name, "offline" if name in away else "online") for name in [*sorted(away), *names]]
    how = RolloutInput(batch=10, canary=1, max_failures="10%").rollout(40)
    lacking = Lacking(["service.restart"], ["web1", "web2", "web3"], 40)
    rehearsal = Rehearsal("Restart", [Course(names, ["Restart service nginx"])])

    _say(Shell(), OrderPreview(40, 40, 38, 0, 2, 0, hosts, how.waves(40), how, [rehearsal], [lacking]))

    assert capsys.readouterr().err == blocks(PAGE, "text")[0]


def test_the_line_of_json_has_the_keys_that_are_printed() -> None:
    host = HostOfTask("web7", "failed", "failed", Mark.ERROR, False, "", 1, None, None, None)

    assert list(json.loads(blocks(PAGE, "json")[0])) == ["host", *_ending(host)]


def test_the_exit_codes_of_the_page_are_there() -> None:
    told = (HOW_TO / f"{PAGE}.md").read_text()
    for code in (0, 1, 3, 75, 130):
        assert f"| {code} |" in told
        assert code in MEANINGS
