"""The `declarations` table: operations of hosts, one row for all hosts that declare the same."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite

from mcoflow.domain.requests import HostRecord
from mcoflow.ports.declarations import Declared
from mcoflow.storage.many import Many, Row, Values, fields_of
from mcoflow.storage.tables import declarations, hosts
from mcoflow.storage.texts import from_json, to_json


def _add_sqlite(row: Values) -> Any:
    return sqlite.insert(declarations).values(dict(row)).on_conflict_do_nothing()


def _add_postgresql(row: Values) -> Any:
    made = postgresql.insert(declarations).from_select(list(row), select(*row.values()))
    return made.on_conflict_do_nothing()


ADD_DECLARATIONS: Final = {
    "sqlite": Many(fields_of(*declarations.columns), _add_sqlite),
    "postgresql": Many(fields_of(*declarations.columns), _add_postgresql),
}


def declared_by(told: Iterable[HostRecord]) -> Sequence[Row]:
    """Return the rows for ADD_DECLARATIONS: what these hosts told, once each, in order."""
    found = {
        host.operations_digest: host.operations
        for host in told
        if host.operations is not None and host.operations_digest
    }
    return [(digest, to_json(found[digest])) for digest in sorted(found)]


def digests_of(connection: Connection) -> set[str]:
    """Return all digests that are stored."""
    return set(connection.execute(select(declarations.c.digest)).scalars())


def all_declared(connection: Connection) -> Sequence[Declared]:
    """Return the declarations that a host has, the most usual first."""
    count = func.count().label("count")
    joined = declarations.join(hosts, hosts.c.operations_digest == declarations.c.digest)
    used = select(declarations.c.digest, count).select_from(joined).group_by(declarations.c.digest).subquery()
    found = (
        select(declarations.c.digest, declarations.c.operations, used.c.count)
        .join(used, used.c.digest == declarations.c.digest)
        .order_by(used.c.count.desc(), declarations.c.digest)
    )
    return [Declared(digest, from_json(told), number) for digest, told, number in connection.execute(found)]


def hosts_declaring(connection: Connection, digests: Collection[str]) -> Sequence[tuple[str, str]]:
    """Return the hosts that have one of these declarations, by name, with its digest."""
    wanted = hosts.c.operations_digest.in_(digests)
    found = select(hosts.c.identity, hosts.c.operations_digest).where(wanted).order_by(hosts.c.identity)
    return [(name, digest) for name, digest in connection.execute(found)]
