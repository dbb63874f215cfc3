"""The page about output is tried as it stands."""

import re
import shlex
from pathlib import Path
from uuid import uuid4

import click

from mcoflow.cli.output import output as command
from mcoflow.cli.root import root
from mcoflow.services import Output
from mcoflow.testing import OneThreadWorld
from mcoflow.testing.hosts import accepted, output, progress, result
from tests.docs.pages import run
from tests.unit.engine.play import Install

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "follow-output.md"


def test_the_code_of_the_page_reads_all_that_a_host_printed() -> None:
    page = run("follow-output")
    with OneThreadWorld() as world:
        chunks = [output(seq, "x\n", offset=2 * seq) for seq in range(1500)]
        end = result(chunks=1500, output_bytes=3000)
        world.ground.hosts.default = lambda _request: [accepted(), progress(), *chunks, end]
        plan = world.run(Install, host="web1", package="nginx")

        assert page["text_of"](Output(world.store), plan.id, "web1") == "x\n" * 1500


def test_the_commands_of_the_page_are_there() -> None:
    lines = re.findall(r"\$ mcoflow task output (.*)", PAGE.read_text())
    assert len(lines) == 4
    for line in lines:
        arguments = shlex.split(line.replace("ID", str(uuid4())))
        assert isinstance(command.make_context("output", arguments, **root.context_settings), click.Context)
