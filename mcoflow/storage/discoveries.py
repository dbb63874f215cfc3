"""The part of the store that keeps discoveries."""

from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from mcoflow.domain.discovery import AnswerRecord, Counting, DiscoveryRecord, MetHost, Standing
from mcoflow.domain.requests import HostRecord
from mcoflow.errors import DiscoveryNotFoundError
from mcoflow.storage.clock import database_now
from mcoflow.storage.database import Database
from mcoflow.storage.discovery_tables import OPEN, discoveries, discovery_hosts
from mcoflow.storage.hosts import hosts_in_conflict
from mcoflow.storage.many import Many, Values, Write, fields_of
from mcoflow.storage.tables import worlds
from mcoflow.storage.texts import clean, from_json, to_json

_LIVING: Final = select(worlds.c.id).where(worlds.c.expires_at > database_now())
_FREE: Final = or_(discoveries.c.executor.is_(None), discoveries.c.executor.not_in(_LIVING))
_WAITING: Final = select(discoveries.c.id).where(text(OPEN), _FREE).order_by(discoveries.c.asked_at).limit(20)
_ANSWERED: Final = discovery_hosts.c.answered_at.is_not(None)
_STANDING: Final[dict[Standing, ColumnElement[bool]]] = {
    Standing.ANSWERED: _ANSWERED,
    Standing.OFFLINE: and_(~_ANSWERED, discovery_hosts.c.offline),
    Standing.SILENT: and_(~_ANSWERED, ~discovery_hosts.c.offline),
}
_COUNTED: Final = select(
    func.count(),
    *(func.sum(case((_STANDING[each], 1), else_=0)) for each in Standing),
    func.sum(case((~discovery_hosts.c.known & _ANSWERED, 1), else_=0)),
).where(discovery_hosts.c.discovery_id == bindparam("id"))


def _expect(made: Any, _row: Values) -> Any:
    return made.on_conflict_do_nothing()


def _answer(made: Any, _row: Values) -> Any:
    """The first answer stands."""
    first = func.coalesce(discovery_hosts.c.answered_at, made.excluded.answered_at)
    return made.on_conflict_do_update(
        index_elements=["discovery_id", "identity"], set_={"answered_at": first}
    )


def _upserts(then: Any) -> dict[str, Many]:
    """Return a statement for each database; `then` says what becomes of rows that are there."""
    fields = fields_of(*discovery_hosts.columns)

    def on_sqlite(row: Values) -> Any:
        return then(sqlite.insert(discovery_hosts).values(dict(row)), row)

    def on_postgresql(row: Values) -> Any:
        return then(postgresql.insert(discovery_hosts).from_select(list(row), select(*row.values())), row)

    return {"sqlite": Many(fields, on_sqlite), "postgresql": Many(fields, on_postgresql)}


_EXPECT: Final = _upserts(_expect)
_SAVE_ANSWERS: Final = _upserts(_answer)


class SqlDiscoveries:
    """The promises are those of `mcoflow.ports.discoveries`. Thread-safe."""

    _database: Database

    def add_discovery(self, record: DiscoveryRecord, *, forget_before: float) -> None:
        """Insert a discovery, and forget old ones."""
        old = select(discoveries.c.id).where(discoveries.c.asked_at < forget_before)
        row = {
            **{name: getattr(record, name) for name in discoveries.columns.keys()},  # noqa: SIM118 - no dict
            "target": clean(record.target),
            "filter": to_json(record.filter),
            "user": clean(record.user),
        }
        with self._database.writing() as connection:
            connection.execute(delete(discovery_hosts).where(discovery_hosts.c.discovery_id.in_(old)))
            connection.execute(delete(discoveries).where(discoveries.c.asked_at < forget_before))
            connection.execute(insert(discoveries).values(row))

    def waiting_discoveries(self) -> Sequence[UUID]:
        """Those that no living executor has."""
        with self._database.glancing() as connection:
            return connection.scalars(_WAITING).all()

    def claim_discovery(self, discovery_id: UUID, world_id: UUID) -> DiscoveryRecord | None:
        """Become the executor of a discovery."""
        free = update(discoveries).where(discoveries.c.id == discovery_id, text(OPEN), _FREE)
        with self._database.writing() as connection:
            if connection.execute(free.values(executor=world_id)).rowcount != 1:
                return None
            return _one(connection, discovery_id)

    def expect_hosts(self, discovery_id: UUID, hosts: Collection[MetHost]) -> None:
        """Insert hosts that are not there yet."""
        rows = [(discovery_id.hex, each.identity, each.known, each.offline, None) for each in hosts]
        with self._database.writing() as connection:
            self._database.bulk.write(connection, [Write(_EXPECT[connection.dialect.name], rows)])

    def begin_discovery(self, discovery_id: UUID, world_id: UUID, at: float) -> bool:
        """Note that hosts are asked; what was noted first stands."""
        begun = func.coalesce(discoveries.c.begun_at, at)
        return self._change(discovery_id, world_id, begun_at=begun)

    def save_answers(self, answers: Collection[AnswerRecord]) -> None:
        """Insert or update hosts that answered."""
        rows = [(each.discovery_id.hex, each.identity, False, False, each.at) for each in answers]
        with self._database.writing() as connection:
            self._database.bulk.write(connection, [Write(_SAVE_ANSWERS[connection.dialect.name], rows)])

    def end_discovery(
        self,
        discovery_id: UUID,
        world_id: UUID,
        at: float,
        *,
        problem: str = "",
        foreign: int = 0,
        offline: Collection[str] = (),
        connected: Collection[str] = (),
    ) -> bool:
        """End a discovery."""
        found_out = ((offline, True), (connected, False))
        with self._database.writing() as connection:
            for names, gone in found_out:
                theirs = discovery_hosts.c.identity.in_(names), discovery_hosts.c.answered_at.is_(None)
                if names:
                    of_this = update(discovery_hosts).where(discovery_hosts.c.discovery_id == discovery_id)
                    connection.execute(of_this.where(*theirs).values(offline=gone))
            changed = _ours(discovery_id, world_id).values(
                ended_at=at, problem=clean(problem[:500]), foreign=foreign
            )
            return connection.execute(changed).rowcount == 1

    def _change(self, discovery_id: UUID, world_id: UUID, **values: Any) -> bool:
        with self._database.writing() as connection:
            return connection.execute(_ours(discovery_id, world_id).values(**values)).rowcount == 1

    # -- reading ------------------------------------------------------------------------------------------

    def discovery(self, discovery_id: UUID) -> DiscoveryRecord:
        """One discovery; DiscoveryNotFoundError."""
        with self._database.glancing() as connection:
            return _one(connection, discovery_id)

    def count_met(self, discovery_id: UUID) -> Counting:
        """Count the hosts of a discovery."""
        with self._database.glancing() as connection:
            row = connection.execute(_COUNTED, {"id": discovery_id}).one()
            return Counting(*(number or 0 for number in row))

    def met_hosts(
        self,
        discovery_id: UUID,
        standing: Standing,
        *,
        after: tuple[float, str] = (0.0, ""),
        limit: int = 1000,
    ) -> Sequence[MetHost]:
        """Hosts that stand so, from `after` on."""
        table = discovery_hosts.c
        met = select(table.identity, table.known, table.offline, table.answered_at)
        met = met.where(table.discovery_id == discovery_id, _STANDING[standing]).limit(limit)
        if standing is Standing.ANSWERED:
            met = met.where(tuple_(table.answered_at, table.identity) > after)
            met = met.order_by(table.answered_at, table.identity)
        else:
            met = met.where(table.identity > after[1]).order_by(table.identity)
        with self._database.glancing() as connection:
            return [MetHost(**row._mapping) for row in connection.execute(met)]

    def hosts_in_conflict(self, since: float) -> Sequence[HostRecord]:
        """Hosts that two daemons were known to be at a time or later, by name, facts left None."""
        with self._database.glancing() as connection:
            return hosts_in_conflict(connection, since)


def _ours(discovery_id: UUID, world_id: UUID) -> Any:
    return update(discoveries).where(
        discoveries.c.id == discovery_id, discoveries.c.executor == world_id, text(OPEN)
    )


def _one(connection: Connection, discovery_id: UUID) -> DiscoveryRecord:
    row = connection.execute(select(discoveries).where(discoveries.c.id == discovery_id)).one_or_none()
    if row is None:
        raise DiscoveryNotFoundError(discovery_id)
    return _record(row)


def _record(row: Row[Any]) -> DiscoveryRecord:
    return DiscoveryRecord(**{**row._mapping, "filter": from_json(row.filter)})
