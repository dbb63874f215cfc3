"""The engine's side of the store, on SQLite or PostgreSQL."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import select

from mcoflow.clock import Clock
from mcoflow.domain.records import HistoryRecord, HookRecord, PlanDraft, PlanSnapshot
from mcoflow.domain.requests import (
    CommandAnswer,
    CommandKind,
    CommandRecord,
    EventFate,
    EventRecord,
    HostRecord,
    RequestRecord,
    TimerRecord,
    WorldRecord,
)
from mcoflow.domain.states import PlanResult, PlanState
from mcoflow.errors import LeaseLostError, StaleStepError, StoreUnavailableError
from mcoflow.ports.output import STEP_CAP
from mcoflow.ports.store import ActionKey, Changes, PlanOutline, Waiting
from mcoflow.storage import (
    actions,
    commands,
    followers,
    halting,
    hooks,
    leases,
    locks,
    refused,
    requests,
    sub_plans,
    waits,
    worlds,
)
from mcoflow.storage.commit import write_batch
from mcoflow.storage.database import Database, RowExistsError
from mcoflow.storage.declarations import ADD_DECLARATIONS, declared_by, digests_of
from mcoflow.storage.discoveries import SqlDiscoveries
from mcoflow.storage.doubt import Doubts
from mcoflow.storage.host_output import write_output
from mcoflow.storage.hosts import SAVE_HOSTS, saved_host
from mcoflow.storage.many import Lookup, Many, MissedError, Write, fields_of
from mcoflow.storage.plans import UPDATE_PLANS, order
from mcoflow.storage.reader import SqlReader
from mcoflow.storage.recurrence_store import SqlRecurrences
from mcoflow.storage.schedule_store import SqlSchedules
from mcoflow.storage.search_store import SqlSearch
from mcoflow.storage.snapshots import load_many
from mcoflow.storage.tables import plans
from mcoflow.storage.target_store import SqlTargets
from mcoflow.storage.texts import hex_rows

_VERSIONS: Final = Lookup(
    fields_of(plans.c.id),
    lambda wanted: select(plans.c.id, plans.c.version).where(plans.c.id.in_(select(wanted))),
)


class SqlStore(SqlSchedules, SqlRecurrences, SqlSearch, SqlTargets, SqlDiscoveries, SqlReader):
    """Both sides of the store; the promises are those of `mcoflow.ports.store`. Thread-safe."""

    def __init__(self, database: Database, clock: Clock, output_cap: int = STEP_CAP) -> None:
        super().__init__(database, output_cap)
        self._clock = clock
        self._bulk = database.bulk
        self._doubts = Doubts(database)

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    # -- the director's batch ------------------------------------------------------------------------------

    def commit(self, changes: Changes) -> None:
        """Write everything in one transaction, or nothing."""
        if self._doubts.was_written(changes):
            return
        try:
            self._write(changes, refused.unlike({}, changes.new_plans))
        except RowExistsError:
            if not changes.new_plans:
                raise
            self._write_what_is_new(changes)

    def _write_what_is_new(self, changes: Changes) -> None:
        """Look which of the plans are stored: they seldom are, so that it is not done before it has to be."""
        try:
            self._write(changes, self._not_stored(changes))
        except RowExistsError:
            # Another process stored the same new plan after we had looked; now it is there to be seen.
            self._write(changes, self._not_stored(changes))

    def _write(self, changes: Changes, new_plans: Collection[PlanDraft]) -> None:
        transaction = None
        try:
            with self._database.sending() as connection:
                transaction = write_batch(connection, self._bulk, changes, new_plans)
                if changes.host_chunks or changes.output_ends:
                    now = self._clock.now().timestamp()
                    told = changes.host_chunks, changes.output_ends
                    write_output(connection, self._bulk, *told, cap=self._output_cap, now=now)
        except StoreUnavailableError:
            self._doubts.batch_broke(changes, transaction)
            raise
        except MissedError as missed:
            raise self._refusal(changes, missed.many) from None

    def _not_stored(self, changes: Changes) -> Collection[PlanDraft]:
        with self._database.glancing() as connection:
            return refused.not_stored(connection, self._bulk, changes.new_plans)

    def _refusal(self, changes: Changes, missed: Many) -> LeaseLostError | StaleStepError:
        with self._database.glancing() as connection:
            if missed is UPDATE_PLANS:
                return refused.lost_leases(connection, self._bulk, changes.plans)
            return refused.stale_steps(connection, self._bulk, changes.steps)

    # -- worlds and leases ---------------------------------------------------------------------------------

    def register_world(self, world: WorldRecord, *, lease: float) -> None:
        """Insert the world's row; it is alive for `lease` seconds."""
        with self._database.writing() as connection:
            worlds.register(connection, world, lease)

    def heartbeat(self, world_id: UUID, *, lease: float) -> bool:
        """Prolong the world by `lease` seconds from now; False if its row is gone or had expired."""
        with self._database.writing() as connection:
            return worlds.prolong(connection, world_id, lease)

    def unregister_world(self, world_id: UUID) -> None:
        """Free the world's plans and delete its row; what it still writes is refused."""
        with self._database.writing() as connection:
            leases.free_all(connection, world_id)
            worlds.forget(connection, world_id)

    def worlds(self) -> Sequence[WorldRecord]:
        """All worlds, with `alive` by the database's clock."""
        with self._database.reading() as connection:
            return worlds.all_worlds(connection)

    def expire_world(self, world_id: UUID) -> None:
        """Declare a world dead whose death was proven otherwise."""
        with self._database.writing() as connection:
            worlds.expire(connection, world_id)

    def lay_down_world(self, world: WorldRecord) -> None:
        """Free the world's plans and leave its row as that of a dead one; what it still writes is refused."""
        with self._database.writing() as connection:
            leases.free_all(connection, world.id)
            worlds.register(connection, world, lease=0.0)

    def awaited(self, tokens: Collection[str]) -> Collection[str]:
        """The reply queues that open requests of running plans name."""
        with self._database.reading() as connection:
            return requests.awaited(connection, tokens)

    def waiting(self, world_id: UUID, *, limit: int) -> Waiting:
        """Plans whose owner is none or dead, oldest first, and unanswered commands."""
        self._free_broken_claims()
        with self._database.reading() as connection:
            dead = worlds.dead(connection)
            return Waiting(
                leases.waiting_plans(connection, dead, limit),
                commands.waiting_commands(connection, world_id, dead, limit),
            )

    def claim(self, world_id: UUID, plan_ids: Collection[UUID]) -> Sequence[PlanSnapshot]:
        """Become the owner of those that can be had, and load them."""
        at = self._clock.now().timestamp()
        claimed: Sequence[UUID] = ()
        try:
            with self._database.writing() as connection:
                claimed = leases.claim(connection, self._bulk, world_id, plan_ids, at=at)
                return load_many(connection, self._bulk, claimed) if claimed else ()
        except StoreUnavailableError:
            self._doubts.claim_broke(world_id, claimed)
            raise

    def release(self, world_id: UUID, plan_ids: Collection[UUID]) -> None:
        """Give up plans that this world owns."""
        with self._database.writing() as connection:
            leases.free(connection, self._bulk, world_id, plan_ids)

    def lock_waiters(self, plan_ids: Collection[UUID]) -> Collection[UUID]:
        """Those of these plans that wait for their locks."""
        with self._database.glancing() as connection:
            return locks.lock_waiters(connection, self._bulk, plan_ids)

    # -- sub-plans -----------------------------------------------------------------------------------------

    def rung(self, plan_ids: Collection[UUID]) -> Collection[UUID]:
        """Those of these plans of which sub-plans came to rest."""
        with self._database.glancing() as connection:
            return sub_plans.rung(connection, self._bulk, plan_ids)

    def count_sub_plans(self, plan_id: UUID, action_id: int) -> Mapping[str, int]:
        """Count the sub-plans of an action by where they stand, and hush the bell."""
        with self._database.writing() as connection:
            return sub_plans.count(connection, plan_id, action_id)

    def known_sub_plans(self, plan_ids: Collection[UUID]) -> Collection[UUID]:
        """Those of these plans that are stored and not given up."""
        with self._database.glancing() as connection:
            return sub_plans.known(connection, self._bulk, plan_ids)

    def give_up_unplanned(self, plan_id: UUID, action_id: int) -> None:
        """Let the sub-plans of an action whose planning failed count no more."""
        with self._database.writing() as connection:
            sub_plans.give_up_unplanned(connection, plan_id, action_id)

    def command_sub_plans(
        self, plan_id: UUID, action_id: int, kind: CommandKind, *, token: str, at: float, actor: str
    ) -> None:
        """Give a command to each sub-plan of an action that can take it, a page at a time."""
        after: UUID | None = None
        while True:
            with self._database.writing() as connection:
                found = list(sub_plans.page(connection, plan_id, action_id, kind, after))
                sub_plans.command(connection, found, kind, token=token, at=at, actor=actor)
            if len(found) < sub_plans.PAGE:
                return
            after = found[-1]

    def _free_broken_claims(self) -> None:
        """Free what we may own without knowing: nobody would ever run it."""
        broken = self._doubts.broken_claims()
        if broken:
            with self._database.writing() as connection:
                for world_id, plan_ids in broken:
                    leases.free(connection, self._bulk, world_id, plan_ids)
            self._doubts.forget(broken)

    # -- reading for the director --------------------------------------------------------------------------

    def action_data(self, keys: Collection[ActionKey]) -> Mapping[ActionKey, tuple[str, str]]:
        """Input and output of actions, as JSON text."""
        with self._database.glancing() as connection:
            return actions.action_data(connection, self._bulk, keys)

    def outline(self, plan_id: UUID) -> PlanOutline:
        """The actions of a plan without their data, in order of id."""
        with self._database.reading() as connection:
            return actions.outline(connection, plan_id)

    def open_requests(self, plan_ids: Collection[UUID]) -> Sequence[RequestRecord]:
        """Requests of these plans that have not ended, `body` left empty."""
        with self._database.glancing() as connection:
            return requests.open_requests(connection, self._bulk, plan_ids)

    def request_bodies(self, request_ids: Collection[UUID]) -> Mapping[UUID, bytes]:
        """The exact bytes of requests that have not ended."""
        with self._database.glancing() as connection:
            return requests.request_bodies(connection, self._bulk, request_ids)

    def requests(self, request_ids: Collection[UUID]) -> Mapping[UUID, RequestRecord]:
        """Requests by id, ended ones too, `body` left empty."""
        with self._database.glancing() as connection:
            return requests.requests_by_id(connection, self._bulk, request_ids)

    def timers(self, plan_ids: Collection[UUID]) -> Sequence[TimerRecord]:
        """Timers of these plans."""
        with self._database.glancing() as connection:
            return waits.timers_of(connection, self._bulk, plan_ids)

    def events(self, plan_ids: Collection[UUID]) -> Sequence[EventRecord]:
        """Events not yet consumed, oldest first per step."""
        with self._database.glancing() as connection:
            return waits.events_of(connection, self._bulk, plan_ids)

    def event_fates(self, sent: Mapping[UUID, UUID]) -> Sequence[EventFate]:
        """What became of events, given as id → id of the plan, in one statement."""
        with self._database.glancing() as connection:
            return waits.fates(connection, self._bulk, sent)

    def versions(self, plan_ids: Collection[UUID]) -> Mapping[UUID, int]:
        """The versions of plans, for those who watch them; unknown ids are left out."""
        with self._database.glancing() as connection:
            found = self._bulk.find(connection, _VERSIONS, hex_rows(plan_ids))
            return {row.id: row.version for row in found}

    # -- commands and hosts --------------------------------------------------------------------------------

    def add_command(self, command: CommandRecord) -> UUID | None:
        """Store a command; return the owner of its plan. PlanNotFoundError: no such plan."""
        with self._database.writing() as connection:
            return commands.add(connection, command)

    def answer(self, command_id: UUID) -> CommandAnswer | None:
        """What became of a command; None while it waits."""
        with self._database.glancing() as connection:
            return commands.answer_to(connection, command_id)

    def order(self, plan_id: UUID) -> bool:
        """Let a plan be run that was stored without an order; False if there is no such plan."""
        with self._database.writing() as connection:
            return order(connection, plan_id)

    def adopt_hooks(self, world_id: UUID, *, limit: int) -> Sequence[HookRecord]:
        """Become the one that calls hooks which no living world will call; the oldest first."""
        with self._database.reading() as connection:
            living = worlds.living(connection)
            if connection.execute(hooks.left(world_id, living, 1)).first() is None:
                return ()
        with self._database.writing() as connection:
            return hooks.adopt(connection, world_id, worlds.living(connection), limit)

    def halt(self, line: HistoryRecord) -> bool:
        """Stop the plan of a line of history as halted; False if it is stopped already. PlanNotFoundError."""
        with (
            self._database.writing() as connection,
            locks.freed(connection, self._bulk, line.plan_id),
        ):
            halted = halting.halt(connection, line)
            if halted:
                told = followers.of_rest(line.plan_id, PlanState.STOPPED, PlanResult.HALTED)
                self._bulk.write(connection, list(told))
            return halted

    def save_hosts(self, hosts: Sequence[HostRecord]) -> None:
        """Insert or update; facts None leave what is stored; operations are stored once for each digest."""
        latest = {host.identity: host for host in hosts}
        rows = [saved_host(latest[identity]) for identity in sorted(latest)]
        with self._database.writing() as connection:
            dialect, told = connection.dialect.name, declared_by(latest.values())
            declared = [Write(ADD_DECLARATIONS[dialect], told)] if told else []
            self._bulk.write(connection, [*declared, Write(SAVE_HOSTS[dialect], rows)])

    def declared_digests(self) -> Collection[str]:
        """The digests of all declarations that are stored."""
        with self._database.reading() as connection:
            return digests_of(connection)
