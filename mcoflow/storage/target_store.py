"""The part of the store that finds hosts, lets them in, and keeps groups of them."""

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import String, cast, delete, false, func, select, true, update
from sqlalchemy.dialects import postgresql, sqlite

from mcoflow.domain.groups import GroupRecord
from mcoflow.domain.requests import HostRecord, RequestState
from mcoflow.domain.states import PlanState
from mcoflow.errors import HostBusyError
from mcoflow.ports.targets import Candidate
from mcoflow.storage.database import Database
from mcoflow.storage.group_tables import host_groups
from mcoflow.storage.tables import hosts, plans, requests
from mcoflow.storage.texts import clean, from_json

_SEEN: Final = (
    hosts.c.identity,
    hosts.c.state,
    hosts.c.simulated,
    hosts.c.collectives,
    hosts.c.last_seen,
)
_BRIEF: Final = select(*_SEEN).where(hosts.c.admitted).order_by(hosts.c.identity)
_WITH_FACTS: Final = select(*_SEEN, hosts.c.facts).where(hosts.c.admitted).order_by(hosts.c.identity)
_OPEN: Final = (
    select(func.count().label("number"), func.min(cast(requests.c.plan_id, String)).label("plan_id"))
    .join(plans, plans.c.id == requests.c.plan_id)
    .where(plans.c.state != PlanState.STOPPED.value, requests.c.state != RequestState.ENDED.value)
)


class SqlTargets:
    """The promises are those of `mcoflow.ports.targets`. Thread-safe."""

    _database: Database

    def candidates(self, *, facts: bool) -> Sequence[Candidate]:
        """All admitted hosts in order of name."""
        with self._database.glancing() as connection:
            rows = connection.execute(_WITH_FACTS if facts else _BRIEF)
            return [_candidate(tuple(row)) for row in rows]

    def groups(self) -> Sequence[GroupRecord]:
        """All groups, in order of name."""
        with self._database.glancing() as connection:
            found = connection.execute(select(host_groups).order_by(host_groups.c.name))
            return [GroupRecord(**row._asdict()) for row in found]

    def save_group(self, group: GroupRecord) -> None:
        """Insert a group, or replace the one of this name."""
        row = {"name": group.name, "target": clean(group.target), "user": clean(group.user), "at": group.at}
        with self._database.writing() as connection:
            postgres = connection.dialect.name == "postgresql"
            insert = postgresql.insert(host_groups) if postgres else sqlite.insert(host_groups)
            changed = {key: value for key, value in row.items() if key != "name"}
            connection.execute(
                insert.values(row).on_conflict_do_update(index_elements=["name"], set_=changed)
            )

    def remove_group(self, name: str) -> bool:
        """Remove a group; False if there is none of this name."""
        with self._database.writing() as connection:
            return connection.execute(delete(host_groups).where(host_groups.c.name == name)).rowcount == 1

    def pending_hosts(self, limit: int) -> Sequence[str]:
        """Hosts that wait to be admitted, those first that have waited longest."""
        waiting = select(hosts.c.identity).where(hosts.c.admitted == false())
        with self._database.glancing() as connection:
            ordered = waiting.order_by(hosts.c.first_seen, hosts.c.identity).limit(limit)
            return connection.scalars(ordered).all()

    def admit_hosts(self, names: Collection[str]) -> Collection[str]:
        """Admit those of these hosts that were ever seen."""
        meant = hosts.c.identity.in_(names)
        with self._database.writing() as connection:
            connection.execute(update(hosts).where(meant).values(admitted=true()))
            return connection.scalars(select(hosts.c.identity).where(meant)).all()

    def remove_host(self, name: str) -> bool:
        """Forget a host; False if there is none of this name; HostBusyError."""
        with self._database.writing() as connection:
            found = connection.execute(_OPEN.where(requests.c.host == name)).one()
            if found.number:
                raise HostBusyError(name, found.number, UUID(str(found.plan_id)))
            return connection.execute(delete(hosts).where(hosts.c.identity == name)).rowcount == 1


def _candidate(row: Sequence[Any]) -> Candidate:
    identity, state, simulated, collectives, last_seen, *told = row
    host = HostRecord(
        identity,
        state=state,
        simulated=simulated,
        collectives=_collectives(collectives),
        last_seen=last_seen,
    )
    return Candidate(host, told[0] if told else None)


@lru_cache(maxsize=256)
def _collectives(text: str) -> tuple[str, ...]:
    """Read a list that most hosts share."""
    return tuple(from_json(text))
