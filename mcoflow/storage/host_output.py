"""What hosts print, as rows: a constant number of statements for a batch that has any, none for others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, and_, delete, func, literal_column, select, tuple_, update
from sqlalchemy import Row as Stored
from sqlalchemy.dialects import postgresql, sqlite

from mcoflow.domain.output import HostChunk, OutputEnd
from mcoflow.storage.many import Bulk, Lookup, Many, Row, Values, Write, fields_of
from mcoflow.storage.output_order import OVERHEAD, Tray
from mcoflow.storage.output_tables import host_outputs, parked_chunks
from mcoflow.storage.tables import chunks, requests, steps
from mcoflow.storage.texts import clean, from_json, hex_rows, to_json

_ID: Final = fields_of(host_outputs.c.request_id)
_FRESH: Final[Mapping[str, str]] = {
    "next_seq": "0",
    "parked": "0",
    "pieces": "0",
    "kept": "0",
    "ends": "'{}'",
    "lost": "0",
    "cut": "false",
    "truncated": "false",
    "asked": "0",
}
_STATE: Final = fields_of(
    *(host_outputs.c[name] for name in (*_FRESH, "chunks", "printed", "ask_at", "request_id"))
)
_PLACE: Final = fields_of(parked_chunks.c.request_id, parked_chunks.c.seq)
_STEP: Final = host_outputs.alias("step")


def _new_output(row: Values) -> Any:
    """Return all that is to be known of a request; nothing for one that is not there."""
    joined = and_(requests.c.plan_id == steps.c.plan_id, requests.c.step_id == steps.c.id)
    told = (requests.c.id, requests.c.plan_id, requests.c.step_id, steps.c.action_id, requests.c.host)
    return select(*told, *map(literal_column, _FRESH.values())).where(
        requests.c.id == row["request_id"], joined
    )


_NAMES: Final = ["request_id", "plan_id", "step_id", "action_id", "host", *_FRESH]


def _add_sqlite(row: Values) -> Any:
    return sqlite.insert(host_outputs).from_select(_NAMES, _new_output(row)).on_conflict_do_nothing()


def _add_postgresql(row: Values) -> Any:
    """Lock what is there: two executors may have got chunks of the same request."""
    made = postgresql.insert(host_outputs).from_select(_NAMES, _new_output(row))
    same = {"request_id": made.excluded.request_id}
    return made.on_conflict_do_update(index_elements=["request_id"], set_=same)


def _save(row: Values) -> Any:
    changed = {name: row[name] for name in row if name != "request_id"}
    return update(host_outputs).where(host_outputs.c.request_id == row["request_id"]).values(**changed)


def _unpark(row: Values) -> Any:
    places = parked_chunks.c.request_id == row["request_id"], parked_chunks.c.seq == row["seq"]
    return delete(parked_chunks).where(*places)


_ADD: Final = {"sqlite": Many(_ID, _add_sqlite), "postgresql": Many(_ID, _add_postgresql)}
_SAVE: Final = Many(_STATE, _save)
_INSERT: Final = Many.insert(chunks, "number")
_PARK: Final = Many.insert(parked_chunks)
_UNPARK: Final = Many(_PLACE, _unpark)
_USED: Final = (
    select(func.sum(_STEP.c.kept + _STEP.c.pieces * OVERHEAD))
    .where(_STEP.c.plan_id == host_outputs.c.plan_id, _STEP.c.step_id == host_outputs.c.step_id)
    .scalar_subquery()
)
_FIND: Final = Lookup(
    _ID,
    lambda wanted: select(host_outputs, _USED.label("used")).where(
        host_outputs.c.request_id.in_(select(wanted))
    ),
)
_WAITING: Final = Lookup(
    _ID,
    lambda wanted: select(parked_chunks.c.request_id, parked_chunks.c.seq).where(
        parked_chunks.c.request_id.in_(select(wanted))
    ),
)
_STORED: Final = Lookup(
    _PLACE,
    lambda wanted: select(chunks.c.request_id, chunks.c.seq).where(
        tuple_(chunks.c.request_id, chunks.c.seq).in_(select(wanted))
    ),
)
_PARKED: Final = Lookup(
    _PLACE,
    lambda wanted: select(parked_chunks).where(
        tuple_(parked_chunks.c.request_id, parked_chunks.c.seq).in_(select(wanted))
    ),
)


def write_output(
    connection: Connection,
    bulk: Bulk,
    came: Collection[HostChunk],
    ends: Collection[OutputEnd],
    *,
    cap: int,
    now: float,
) -> None:
    """Store chunks in their order, each once; of a step no more than `cap` bytes."""
    by_request: dict[UUID, list[HostChunk]] = defaultdict(list)
    for chunk in came:
        by_request[chunk.request_id].append(chunk)
    for end in ends:
        by_request.setdefault(end.request_id, [])
    ids = hex_rows(by_request)
    bulk.write(connection, [Write(_ADD[connection.dialect.name], ids)])
    found = find_trays(connection, bulk, by_request, cap=cap)
    trays = {each: found[each] for each in by_request if each in found}  # in the order of arrival
    for end in ends:
        if end.request_id in trays:
            trays[end.request_id].tell_end(end)
    late = _late(connection, bulk, trays, by_request)
    admitted = {
        each: tray.admit(by_request[each], late.get(each, frozenset())) for each, tray in trays.items()
    }
    sort_out(connection, bulk, trays, admitted, {each: trays[each].runs_to(admitted[each]) for each in trays})
    for tray in trays.values():
        tray.schedule(now)
    save_trays(connection, bulk, trays.values(), now=now)


def find_trays(
    connection: Connection, bulk: Bulk, request_ids: Iterable[UUID], *, cap: int
) -> dict[UUID, Tray]:
    """Return what is known of the output of requests."""
    ids = hex_rows(request_ids)
    trays = {row.request_id: _tray(row, cap) for row in bulk.find(connection, _FIND, ids)}
    parked = hex_rows(request_id for request_id, tray in trays.items() if tray.waiting)
    if parked:
        for tray in trays.values():
            tray.waiting = set()
        for row in bulk.find(connection, _WAITING, parked):
            trays[row.request_id].waiting.add(row.seq)
    return trays


def sort_out(
    connection: Connection,
    bulk: Bulk,
    trays: Mapping[UUID, Tray],
    admitted: Mapping[UUID, Sequence[HostChunk]],
    until: Mapping[UUID, int],
) -> None:
    """Let all before `until` be read, parked chunks included."""
    wanted = [
        (request_id.hex, seq)
        for request_id, tray in trays.items()
        for seq in sorted(tray.waiting)
        if seq < until[request_id]
    ]
    parked: dict[UUID, dict[int, HostChunk]] = defaultdict(dict)
    if wanted:
        for row in bulk.find(connection, _PARKED, wanted):
            parked[row.request_id][row.seq] = HostChunk(**row._asdict())
    for request_id, tray in trays.items():
        tray.take(admitted.get(request_id, ()), until[request_id], parked[request_id])


def save_trays(connection: Connection, bulk: Bulk, trays: Collection[Tray], *, now: float) -> None:
    """Write what became of chunks, and where each request stands."""
    gone = [(tray.request_id.hex, seq) for tray in trays for seq in tray.unpark]
    bulk.write(
        connection,
        [
            Write(_UNPARK, gone),
            Write(_INSERT, [row for tray in trays for row in _readable(tray, now)]),
            Write(_PARK, [_parked(chunk) for tray in trays for chunk in tray.park]),
            Write(_SAVE, [_saved(tray) for tray in trays]),
        ],
    )


def _late(
    connection: Connection,
    bulk: Bulk,
    trays: Mapping[UUID, Tray],
    came: Mapping[UUID, Sequence[HostChunk]],
) -> Mapping[UUID, set[int]]:
    """Return which old chunks are stored, of requests of which some were given up; of others all are."""
    asked = [
        (request_id.hex, chunk.seq)
        for request_id, tray in trays.items()
        if tray.lost
        for chunk in came[request_id]
        if chunk.seq < tray.next_seq
    ]
    found: dict[UUID, set[int]] = defaultdict(set)
    if asked:
        for row in bulk.find(connection, _STORED, asked):
            found[row.request_id].add(row.seq)
    return found


def _tray(row: Stored[Any], cap: int) -> Tray:
    known = row._asdict()
    for name in ("step_id", "host"):
        del known[name]
    parked, used, ends = known.pop("parked"), known.pop("used"), from_json(known.pop("ends"))
    return Tray(**known, ends=ends, room=max(0, cap - int(used)), waiting={-1} if parked else set())


def _readable(tray: Tray, now: float) -> Iterable[Row]:
    for chunk, lost, left_out in tray.ordered:
        yield (
            chunk.plan_id.hex,
            tray.action_id,
            chunk.stream,
            clean(chunk.text),
            chunk.at,
            chunk.request_id.hex,
            chunk.seq,
            chunk.offset,
            lost,
            left_out,
        )
    if tray.missing_at_end:
        left_out = max(0, (tray.printed or 0) - sum(tray.ends.values()))
        place = tray.plan_id.hex, tray.action_id, "log", "", now, tray.request_id.hex
        yield (*place, None, None, tray.missing_at_end, left_out)


def _parked(chunk: HostChunk) -> Row:
    place = chunk.request_id.hex, chunk.seq, chunk.plan_id.hex
    return (*place, chunk.stream, chunk.offset, clean(chunk.text), chunk.at)


def _saved(tray: Tray) -> Row:
    return (
        tray.next_seq,
        len(tray.waiting),
        tray.pieces,
        tray.kept,
        to_json(tray.ends),
        tray.lost,
        tray.cut,
        tray.truncated,
        tray.asked,
        tray.chunks,
        tray.printed,
        tray.ask_at,
        tray.request_id.hex,
    )
