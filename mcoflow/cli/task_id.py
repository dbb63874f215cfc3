"""Ids of tasks on the command line: all of one, or as much of its beginning as no other has."""

import re
from typing import Final
from uuid import UUID

import click

from mcoflow.cli.exit_codes import ExitCode
from mcoflow.cli.failures import CommandFailedError
from mcoflow.cli.shell import Shell
from mcoflow.errors import PlanNotFoundError

_BEGINNING: Final = re.compile(r"[0-9a-f]{4,31}")


class TaskId(click.ParamType[UUID]):
    """An id, or at least its first four signs."""

    name = "id"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> UUID:
        """Return the id; a beginning is looked up.

        Raises:
            PlanNotFoundError, CommandFailedError: no task has it, or several.
        """
        if isinstance(value, UUID):
            return value
        text = str(value).strip()
        try:
            return UUID(text)
        except ValueError:
            digits = text.replace("-", "").lower()
        if ctx is None or _BEGINNING.fullmatch(digits) is None:
            self.fail(f"{text[:80]!r} is no id of a task: give it, or its first 4 signs or more", param, ctx)
        return _looked_up(ctx.ensure_object(Shell), text, digits)


def _looked_up(shell: Shell, text: str, digits: str) -> UUID:
    with shell.services() as services:
        found = services.plans.beginning(digits)
    if not found:
        raise PlanNotFoundError(f"{text}…")
    if len(found) > 1:
        named = ", ".join(map(str, found))
        raise CommandFailedError(f"several tasks have ids that begin with {text}: {named}", ExitCode.USAGE)
    return found[0]


TASK_ID: Final = TaskId()
