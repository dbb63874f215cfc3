"""The `hosts` table: what the server knows of each host, from its presence messages."""

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, case, func, literal_column, select
from sqlalchemy import Row as Stored
from sqlalchemy.dialects import postgresql, sqlite

from mcoflow.domain.requests import HostRecord
from mcoflow.errors import HostNotFoundError
from mcoflow.storage.many import Many, Row, Values, fields_of
from mcoflow.storage.tables import declarations, hosts
from mcoflow.storage.texts import clean, from_json, hex_or_none, to_json

_BRIEF: Final = tuple(each for each in hosts.columns if each.name != "facts")
_KEPT: Final = frozenset({"identity", "first_seen", "admitted"})
"""Whether a host is let in is not what an executor remembers: a person may have decided meanwhile."""


def _save(insert: Any, row: Values) -> Any:
    """The digest of facts describes what is stored, so it is kept with them; an empty one says nothing."""
    given = insert.excluded
    changed: dict[str, ColumnElement[Any]] = {each: given[each] for each in row if each not in _KEPT}
    old = hosts.c
    changed["facts"] = func.coalesce(given.facts, old.facts)
    changed["facts_digest"] = case((given.facts.is_(None), old.facts_digest), else_=given.facts_digest)
    told = given.operations_digest
    changed["operations_digest"] = case((told == literal_column("''"), old.operations_digest), else_=told)
    return insert.on_conflict_do_update(index_elements=["identity"], set_=changed)


def _save_sqlite(row: Values) -> Any:
    return _save(sqlite.insert(hosts).values(dict(row)), row)


def _save_postgresql(row: Values) -> Any:
    return _save(postgresql.insert(hosts).from_select(list(row), select(*row.values())), row)


SAVE_HOSTS: Final = {
    "sqlite": Many(fields_of(*hosts.columns), _save_sqlite),
    "postgresql": Many(fields_of(*hosts.columns), _save_postgresql),
}


def saved_host(host: HostRecord) -> Row:
    """Return the row of a host for SAVE_HOSTS."""
    return (
        host.identity,
        host.admitted,
        host.state,
        host.simulated,
        to_json(host.collectives),
        clean(host.version),
        host.wire_max,
        hex_or_none(host.journal),
        hex_or_none(host.daemon),
        host.executing,
        host.interval,
        host.first_seen,
        host.last_seen,
        host.clock_difference,
        None if host.facts is None else to_json(host.facts),
        clean(host.facts_digest),
        clean(host.operations_digest),
        hex_or_none(host.rival),
        host.conflict_at,
    )


def host_of(connection: Connection, identity: str) -> HostRecord:
    """Return one host whole; HostNotFoundError."""
    whole = hosts.outerjoin(declarations, declarations.c.digest == hosts.c.operations_digest)
    asked = select(hosts, declarations.c.operations).select_from(whole)
    row = connection.execute(asked.where(hosts.c.identity == identity)).one_or_none()
    if row is None:
        raise HostNotFoundError(f"no host {identity!r} was ever seen: see `mcoflow host list`")
    return _host_of(row)


def hosts_after(connection: Connection, after: str, limit: int | None, text: str) -> Sequence[HostRecord]:
    """Return hosts in order of name, without facts and operations."""
    found = select(*_BRIEF).where(hosts.c.identity > after).order_by(hosts.c.identity).limit(limit)
    if text:
        found = found.where(hosts.c.identity.contains(text.lower(), autoescape=True))
    return [_host_of(row) for row in connection.execute(found)]


def hosts_named(connection: Connection, names: Collection[str]) -> Sequence[HostRecord]:
    """Return those of these hosts that were ever seen, without facts and operations."""
    found = select(*_BRIEF).where(hosts.c.identity.in_(names)).order_by(hosts.c.identity)
    return [_host_of(row) for row in connection.execute(found)]


def hosts_in_conflict(connection: Connection, since: float) -> Sequence[HostRecord]:
    """Return hosts that two daemons were known to be of late, without facts and operations."""
    found = select(*_BRIEF).where(hosts.c.conflict_at >= since).order_by(hosts.c.identity)
    return [_host_of(row) for row in connection.execute(found)]


def _host_of(row: Stored[Any]) -> HostRecord:
    known = row._asdict()
    known["collectives"] = tuple(from_json(known["collectives"]))
    for name in ("facts", "operations"):
        known[name] = from_json(known[name]) if known.get(name) is not None else None
    return HostRecord(**known)
