"""`mcoflow action`: which actions there are, and what each takes."""

import json
from typing import TYPE_CHECKING

import click

from mcoflow.cli.in_order import InOrder
from mcoflow.cli.shell import Shell, shared_options

if TYPE_CHECKING:
    from mcoflow.services.actions import ActionView, FieldView


@click.group(cls=InOrder)
def action() -> None:
    """Look at the actions that can be run."""


@action.command("list")
@click.option("--declared", is_flag=True, help="List the operations that hosts declare instead.")
@shared_options
@click.pass_obj
def list_actions(shell: Shell, declared: bool) -> None:
    """List the shipped actions, and those of installed packages.

    \b
    Examples:
      mcoflow action list
      mcoflow action list --declared
      mcoflow action list --output json | jq '.[].name'
    """
    from mcoflow.bootstrap.actions import load_actions
    from mcoflow.cli import render
    from mcoflow.services.actions import all_actions, operation_view

    if declared:
        with shell.services() as services:
            found = [operation_view(each) for each in services.operations.list()]
    else:
        for reason in load_actions():
            shell.warn(reason)
        found = list(all_actions())
    rows = [(each.name, each.title, _keys(each), each.summary) for each in found]
    shell.result(found, lambda: render.table(("action", "title", "input", "what it does"), rows))


@action.command("show")
@click.argument("name")
@shared_options
@click.pass_obj
def show_action(shell: Shell, name: str) -> None:
    """Show what an action does, or an operation that hosts declare, and what it takes.

    \b
    Examples:
      mcoflow action show install
      mcoflow action show file.checksum
    """
    from mcoflow.bootstrap.actions import load_actions
    from mcoflow.services.actions import action_named, action_view, is_action, operation_view
    from mcoflow.services.operations import is_operation

    for reason in load_actions():
        shell.warn(reason)
    if is_operation(name) and not is_action(name):
        with shell.services() as services:
            found = operation_view(services.operations.show(name))
    else:
        found = action_view(action_named(name))
    shell.result(found, lambda: _told(found))


def _told(found: "ActionView") -> str:
    from mcoflow.cli import render

    rows = [(each.name, each.type, _need(each), each.description) for each in found.fields]
    lines = [f"{found.name}: {found.title}", "", found.description, ""]
    lines.append(render.table(("input", "type", "", ""), rows) if rows else "It takes no input.")
    if found.open:
        lines.append("It takes other keys, too.")
    return "\n".join([*lines, "", f"  {_example(found)}"])


def _keys(found: "ActionView") -> str:
    """Return the keys, those that may be left out in brackets."""
    keys = [each.name if each.required else f"[{each.name}]" for each in found.fields]
    return " ".join([*keys, *(["…"] if found.open else [])])


def _need(field: "FieldView") -> str:
    if field.required:
        return "required"
    return "" if field.default is None else f"else {json.dumps(field.default, default=str)}"


def _example(found: "ActionView") -> str:
    """Return a command that runs it."""
    from mcoflow.services.fields import ACTIONS, PARAMS

    name = found.name.replace("-", "_")
    if name in ACTIONS:
        return " ".join(
            ["mcoflow run", found.name, *([PARAMS[name]] if name in PARAMS else []), "--host HOST"]
        )
    needed = [each for each in found.fields if each.required]
    hosts = ["--host HOST"] if any(each.name == "hosts" for each in needed) else []
    sets = [f"--set {each.name}{'=' if _is_text(each) else ':='}…" for each in needed if each.name != "hosts"]
    return " ".join(["mcoflow run", found.name, *hosts, *sets])


def _is_text(field: "FieldView") -> bool:
    return field.type in ("string", "str")
