"""The part of the store that holds output: read by pages and commands, gaps found for the engine."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
    text,
    union,
    update,
)
from sqlalchemy import Row as Stored
from sqlalchemy.sql.functions import coalesce

from mcoflow.domain.output import OutputScope, OutputSizes, Piece
from mcoflow.domain.states import PlanState, StepState
from mcoflow.ports.output import Gap, Gaps
from mcoflow.storage.database import Database
from mcoflow.storage.host_output import find_trays, save_trays, sort_out
from mcoflow.storage.output_order import ASKED_AT_MOST, FIRST_ASK
from mcoflow.storage.output_tables import TO_ASK, host_outputs
from mcoflow.storage.tables import actions, chunks, plans, steps

_OVER: Final = tuple(
    state.value for state in (StepState.SUCCESS, StepState.ERROR, StepState.SKIPPED, StepState.CANCELLED)
)
_AT_REST: Final = (PlanState.STOPPED.value, PlanState.PAUSED.value)
_OF_ACTION: Final = and_(actions.c.plan_id == chunks.c.plan_id, actions.c.id == chunks.c.action_id)
_RUN: Final = and_(steps.c.plan_id == chunks.c.plan_id, steps.c.id == actions.c.run_step_id)
_STEP: Final = coalesce(host_outputs.c.step_id, actions.c.run_step_id).label("step_id")
_HOST: Final = coalesce(host_outputs.c.host, steps.c.host).label("host")
_FROM: Final = (
    chunks.outerjoin(host_outputs, host_outputs.c.request_id == chunks.c.request_id)
    .outerjoin(actions, _OF_ACTION)
    .outerjoin(steps, _RUN)
)
_PIECES: Final = select(chunks, _STEP, _HOST).select_from(_FROM)
_NEXT: Final = select(func.min(host_outputs.c.ask_at)).where(text(TO_ASK))


class SqlOutput:
    """The promises are those of `mcoflow.ports.output`."""

    _database: Database
    _output_cap: int

    def output(
        self,
        scope: OutputScope,
        *,
        after: int = 0,
        before: int | None = None,
        streams: Sequence[str] = (),
        limit: int = 100,
    ) -> Sequence[Piece]:
        """Pieces in order, after a cursor or before one."""
        wanted = _PIECES.where(chunks.c.plan_id == scope.plan_id, *_within(scope))
        if streams:
            wanted = wanted.where(or_(chunks.c.stream.in_(streams), chunks.c.lost > 0))
        if before is None:
            wanted = wanted.where(chunks.c.number > after).order_by(chunks.c.number)
        else:
            wanted = wanted.where(chunks.c.number < before).order_by(chunks.c.number.desc())
        with self._database.reading() as connection:
            found = [_piece(row) for row in connection.execute(wanted.limit(limit))]
        return found if before is None else found[::-1]

    def output_sizes(self, scope: OutputScope) -> OutputSizes:
        """How much output there is, and what is missing."""
        with self._database.reading() as connection:
            row = connection.execute(_sizes(scope)).one()
        return OutputSizes(*(int(each or 0) for each in row))

    def output_open(self, scope: OutputScope) -> bool:
        """Whether a step may still say something, or chunks are still asked for."""
        of_plan = [steps.c.plan_id == scope.plan_id, steps.c.state.not_in(_OVER)]
        if scope.host is not None:
            of_plan.append(steps.c.host == scope.host)
        if scope.action_id is not None:
            of_plan.append(steps.c.action_id == scope.action_id)
        moves = select(plans.c.id).where(plans.c.id == scope.plan_id, plans.c.state.not_in(_AT_REST))
        open_step: Select[Any] = select(literal_column("1")).where(*of_plan, moves.exists()).limit(1)
        asked: Select[Any] = select(literal_column("1")).where(*_outputs(scope), text(TO_ASK)).limit(1)
        with self._database.reading() as connection:
            return any(connection.execute(each).first() is not None for each in (open_step, asked))

    def claim_gaps(self, now: float, *, limit: int = 500) -> Gaps:
        """Find output that is missing and due to be asked for; each is given to one caller only."""
        with self._database.glancing() as connection:
            next_at = connection.execute(_NEXT).scalar()
        if next_at is None or next_at > now:
            return Gaps(next_at=next_at)
        with self._database.writing() as connection:
            due = connection.execute(_due(now, limit)).all()
            asked = [Gap(row.request_id, row.plan_id, row.host, row.next_seq) for row in due if _again(row)]
            if asked:
                connection.execute(_note_asked(now), [{"asked_id": gap.request_id} for gap in asked])
            over = [row.request_id for row in due if not _again(row)]
            if over:
                self._give_up(connection, over, now)
            given_up = {row.plan_id for row in due if not _again(row)}
            return Gaps(asked, sorted(given_up), connection.execute(_NEXT).scalar())

    def _give_up(self, connection: Connection, request_ids: Sequence[UUID], now: float) -> None:
        """Let be read what came after chunks that will not come."""
        bulk = self._database.bulk
        trays = find_trays(connection, bulk, request_ids, cap=self._output_cap)
        sort_out(connection, bulk, trays, {}, {each: tray.give_up() for each, tray in trays.items()})
        save_trays(connection, bulk, trays.values(), now=now)


def _within(scope: OutputScope) -> list[ColumnElement[bool]]:
    """Return the conditions for chunks, each served by an index."""
    conditions: list[ColumnElement[bool]] = []
    if scope.action_id is not None:
        conditions.append(chunks.c.action_id == scope.action_id)
    if scope.host is not None:
        conditions.append(chunks.c.action_id.in_(_actions_on(scope)))
        conditions.append(or_(chunks.c.request_id.is_(None), host_outputs.c.host == scope.host))
    return conditions


def _actions_on(scope: OutputScope) -> Any:
    asked = select(host_outputs.c.action_id.label("id")).where(*_outputs(scope))
    on_host = steps.c.plan_id == scope.plan_id, steps.c.host == scope.host
    return select(union(asked, select(steps.c.action_id).where(*on_host)).subquery())


def _outputs(scope: OutputScope) -> list[ColumnElement[bool]]:
    """Return the conditions for requests that have output."""
    conditions: list[ColumnElement[bool]] = [host_outputs.c.plan_id == scope.plan_id]
    if scope.host is not None:
        conditions.append(host_outputs.c.host == scope.host)
    if scope.action_id is not None:
        conditions.append(host_outputs.c.action_id == scope.action_id)
    return conditions


def _sizes(scope: OutputScope) -> Select[Any]:
    known = host_outputs.c
    return select(
        func.sum(known.kept),
        func.sum(coalesce(known.printed, known.kept)),
        func.sum(known.lost),
        func.count(known.ask_at),
        func.sum(cast(known.cut, Integer)),
        func.sum(cast(known.truncated, Integer)),
    ).where(*_outputs(scope))


def _due(now: float, limit: int) -> Select[Any]:
    due = select(host_outputs).where(text(TO_ASK), host_outputs.c.ask_at <= now)
    return due.order_by(host_outputs.c.ask_at).limit(limit).with_for_update(skip_locked=True)


def _again(row: Stored[Any]) -> bool:
    return bool(row.asked < ASKED_AT_MOST)


def _note_asked(now: float) -> Any:
    """Ask again after twice the time."""
    waits = {tries: FIRST_ASK * 2 ** (tries + 1) for tries in range(ASKED_AT_MOST)}
    wait = case(waits, value=host_outputs.c.asked, else_=FIRST_ASK)
    return (
        update(host_outputs)
        .where(host_outputs.c.request_id == bindparam("asked_id"))
        .values(asked=host_outputs.c.asked + 1, ask_at=now + wait)
    )


def _piece(row: Stored[Any]) -> Piece:
    return Piece(
        number=row.number,
        host=row.host,
        step_id=row.step_id,
        stream=row.stream,
        text=row.text,
        at=datetime.fromtimestamp(row.at, UTC),
        request_id=row.request_id,
        seq=row.seq,
        lost=row.lost,
        left_out=row.left_out,
    )
