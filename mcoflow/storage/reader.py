"""The pages' and the command line's side of the store."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from uuid import UUID

from sqlalchemy import Connection, select

from mcoflow.domain.chunks import Chunk
from mcoflow.domain.records import ActionRecord, HistoryRecord, JsonObject, PlanRecord, PlanSnapshot
from mcoflow.domain.requests import EvidenceRecord, HostRecord
from mcoflow.errors import PlanNotFoundError
from mcoflow.ports.backlog import Backlog
from mcoflow.ports.declarations import Declared
from mcoflow.ports.listing import Listing
from mcoflow.ports.output import STEP_CAP
from mcoflow.ports.store import PlanWhole, StepRow
from mcoflow.storage import chunks, notes, pages, snapshots
from mcoflow.storage.backlog import backlog_of, plans_owned
from mcoflow.storage.clock import database_now
from mcoflow.storage.database import Database
from mcoflow.storage.declarations import all_declared, hosts_declaring
from mcoflow.storage.fleet_store import SqlFleet
from mcoflow.storage.hosts import host_of, hosts_after, hosts_named
from mcoflow.storage.output_store import SqlOutput
from mcoflow.storage.tables import actions, plans


class SqlReader(SqlFleet, SqlOutput):
    """Reads of SQLite or PostgreSQL; the promises are those of `mcoflow.ports.store.Reader`."""

    def __init__(self, database: Database, output_cap: int = STEP_CAP) -> None:
        self._database, self._output_cap = database, output_cap

    def plans(self, query: Listing) -> Sequence[PlanRecord]:
        """One page of plans."""
        with self._database.reading() as connection:
            return pages.plans_page(connection, query)

    def plan(self, plan_id: UUID) -> PlanRecord:
        """One plan; PlanNotFoundError."""
        with self._database.glancing() as connection:
            return snapshots.load_plan(connection, plan_id)

    def count_plans(self, state: str | None) -> int:
        """How many plans are in a state; None counts all; an unknown state counts 0."""
        with self._database.reading() as connection:
            return pages.count_plans(connection, state)

    def counts_by_state(self, caller: UUID | None = None) -> Mapping[tuple[str, str], int]:
        """How many plans there are by (state, result); of those that a plan called, if it is named."""
        with self._database.reading() as connection:
            return pages.counts_by_state(connection, caller)

    def backlog(self) -> Backlog:
        """What waits."""
        with self._database.reading() as connection:
            return backlog_of(connection)

    def plans_owned(self) -> Mapping[UUID, int]:
        """How many plans that wait or run each world owns."""
        with self._database.reading() as connection:
            return plans_owned(connection)

    def snapshot(self, plan_id: UUID) -> PlanSnapshot:
        """A plan with its graph and all its steps, plan phase included."""
        with self._database.reading() as connection:
            return snapshots.load(connection, plan_id)

    def whole(self, plan_id: UUID) -> PlanWhole:
        """A plan with steps, actions and history."""
        with self._database.reading() as connection:
            snapshot = snapshots.load(connection, plan_id)
            return PlanWhole(
                snapshot, _actions_of(connection, plan_id), notes.history_of(connection, plan_id)
            )

    def step(self, plan_id: UUID, step_id: int) -> StepRow:
        """One step; PlanNotFoundError if there is no such plan or step."""
        with self._database.reading() as connection:
            found = pages.step_row(connection, plan_id, step_id)
        if found is None:
            raise PlanNotFoundError(f"{plan_id} with a step {step_id}")
        return found

    def steps(self, plan_id: UUID, *, after: int = 0, limit: int = 200) -> Sequence[StepRow]:
        """Steps in order of id, from the first after `after`."""
        with self._database.reading() as connection:
            return pages.step_rows(connection, plan_id, after=after, limit=limit)

    def chunks(self, plan_id: UUID, action_id: int, *, after: int = 0, limit: int = 1000) -> Sequence[Chunk]:
        """What an action said, in order, from the first chunk whose number is above `after`."""
        with self._database.reading() as connection:
            return chunks.chunks_after(connection, plan_id, action_id, after=after, limit=limit)

    def history(self, plan_id: UUID) -> Sequence[HistoryRecord]:
        """The history of a plan, oldest first."""
        with self._database.reading() as connection:
            return notes.history_of(connection, plan_id)

    def plans_beginning(self, digits: str, *, limit: int) -> Sequence[UUID]:
        """Ids of plans that begin with these hexadecimal digits, in order."""
        first, last = UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))
        asked = select(plans.c.id).where(plans.c.id.between(first, last)).order_by(plans.c.id).limit(limit)
        with self._database.reading() as connection:
            return list(connection.execute(asked).scalars())

    def evidence(self, plan_id: UUID, *, limit: int | None = None) -> Sequence[EvidenceRecord]:
        """Messages about the plan that changed nothing."""
        with self._database.reading() as connection:
            return notes.evidence_of(connection, plan_id, limit)

    def host(self, identity: str) -> HostRecord:
        """One host with facts and operations; HostNotFoundError."""
        with self._database.reading() as connection:
            return host_of(connection, identity)

    def hosts(self, *, after: str = "", limit: int | None = None, text: str = "") -> Sequence[HostRecord]:
        """Hosts in order of name, facts left None; `limit` None means all of them."""
        with self._database.reading() as connection:
            return hosts_after(connection, after, limit, text)

    def hosts_named(self, names: Collection[str]) -> Sequence[HostRecord]:
        """Those of these hosts (1,000 at most) that were ever seen, in order of name, facts left None."""
        with self._database.reading() as connection:
            return hosts_named(connection, names)

    def declarations(self) -> Sequence[Declared]:
        """All declarations that a host has now, the most usual first."""
        with self._database.reading() as connection:
            return all_declared(connection)

    def hosts_declaring(self, digests: Collection[str]) -> Sequence[tuple[str, str]]:
        """The hosts that have one of these declarations, by name, with its digest."""
        with self._database.reading() as connection:
            return hosts_declaring(connection, digests)

    def now(self) -> float:
        """The database's clock."""
        with self._database.reading() as connection:
            return float(connection.execute(select(database_now())).scalar_one())


def _actions_of(connection: Connection, plan_id: UUID) -> Sequence[JsonObject]:
    columns = [actions.c[field.name] for field in fields(ActionRecord)]
    found = connection.execute(select(*columns).where(actions.c.plan_id == plan_id).order_by(actions.c.id))
    return [row._asdict() for row in found]
