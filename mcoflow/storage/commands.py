"""The `commands` table: what people ask of plans, and the answers."""

from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Integer, Select, and_, bindparam, insert, or_, select, update
from sqlalchemy import Row as Stored

from mcoflow.domain.requests import CommandAnswer, CommandKind, CommandRecord
from mcoflow.errors import PlanNotFoundError
from mcoflow.storage.many import Many, Row, Values, fields_of
from mcoflow.storage.tables import commands, plans
from mcoflow.storage.texts import clean, from_json, to_json


def _answer(row: Values) -> Any:
    """The first answer stands."""
    answered = {name: row[name] for name in ("result", "code", "error")}
    waiting = and_(commands.c.id == row["id"], commands.c.result.is_(None))
    return update(commands).where(waiting).values(**answered)


INSERT_COMMANDS: Final = Many.insert(commands, "result")
ANSWER_COMMANDS: Final = Many(
    fields_of(commands.c.result, commands.c.code, commands.c.error, commands.c.id), _answer
)


_WAITING: Final[Select[Any]] = (
    select(commands)
    .join(plans, plans.c.id == commands.c.plan_id)
    .where(
        commands.c.result.is_(None),
        or_(plans.c.owner.is_(None), plans.c.owner.in_(bindparam("owners", expanding=True))),
    )
    .order_by(commands.c.at)
    .limit(bindparam("limit", type_=Integer))
)


def new_command(command: CommandRecord) -> Row:
    """Return the row of a command for INSERT_COMMANDS; nobody has answered it yet."""
    given = (command.kind.value, command.at, clean(command.actor), to_json(command.args))
    return (command.id.hex, command.plan_id.hex, *given, "", "")


def new_answer(answer: CommandAnswer) -> Row:
    """Return the row of an answer for ANSWER_COMMANDS."""
    return (to_json(answer.result), answer.code, clean(answer.error), answer.id.hex)


def add(connection: Connection, command: CommandRecord) -> UUID | None:
    """Insert a command, unless it was inserted before; return the owner of its plan. PlanNotFoundError."""
    owner = connection.execute(select(plans.c.owner).where(plans.c.id == command.plan_id)).one_or_none()
    if owner is None:
        raise PlanNotFoundError(command.plan_id)
    if connection.execute(select(commands.c.id).where(commands.c.id == command.id)).first() is None:
        connection.execute(insert(commands).values(_row(command)))
    found: UUID | None = owner.owner
    return found


def answer_to(connection: Connection, command_id: UUID) -> CommandAnswer | None:
    """Return the answer to a command, None while it waits."""
    row = connection.execute(
        select(commands.c.result, commands.c.code, commands.c.error).where(commands.c.id == command_id)
    ).one_or_none()
    if row is None or row.result is None:
        return None
    return CommandAnswer(command_id, from_json(row.result), row.code, row.error)


def waiting_commands(
    connection: Connection, world_id: UUID, dead: Collection[UUID], limit: int
) -> Sequence[CommandRecord]:
    """Return unanswered commands to the plans of a world, and to plans of the dead or of nobody."""
    found = connection.execute(_WAITING, {"owners": [world_id, *dead], "limit": limit})
    return [_command_of(row) for row in found]


def _row(command: CommandRecord) -> dict[str, Any]:
    return {
        "id": command.id,
        "plan_id": command.plan_id,
        "kind": command.kind.value,
        "at": command.at,
        "actor": clean(command.actor),
        "args": to_json(command.args),
        "code": "",
        "error": "",
    }


def _command_of(row: Stored[Any]) -> CommandRecord:
    return CommandRecord(row.id, row.plan_id, CommandKind(row.kind), row.at, row.actor, from_json(row.args))
