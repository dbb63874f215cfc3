"""Writes docs/reference from the code itself: python -m tests.docs.reference"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from mcoflow.cli.exit_codes import MEANINGS
from mcoflow.cli.root import root
from tests.docs import routes, states

PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "commands.md"
_HEAD: Final = """\
# Commands

What `mcoflow COMMAND --help` says. With `--output json` the result is one JSON document on stdout, with
`--output ndjson` one a line; messages are always on stderr. Made by `python -m tests.docs.reference`; a test
compares it.

## Exit codes

| code | name | meaning |
| ---: | --- | --- |
"""


def page() -> str:
    """Return the page."""
    codes = "".join(f"| {code.value} | {code.name} | {meaning} |\n" for code, meaning in MEANINGS.items())
    told = [_section(path, command) for path, command in _commands("mcoflow", root)]
    return _HEAD + codes + "".join(told)


def _commands(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    for name, part in command.commands.items():
        yield from _commands(f"{path} {name}", part)


def _section(path: str, command: click.Command) -> str:
    return f"\n## {path}\n\n```text\n{_help(path, command)}\n```\n"


def _help(path: str, command: click.Command) -> str:
    as_in_root = {**root.context_settings, "terminal_width": 100, "max_content_width": 100}
    with click.Context(command, info_name=path, **as_in_root) as context:
        return command.get_help(context)


if __name__ == "__main__":
    PAGE.write_text(page())
    states.PAGE.write_text(states.page())
    routes.PAGE.write_text(routes.page())
