"""What the engine needs of a database. `mcoflow.storage` holds the one we ship, for SQLite and PostgreSQL.

Every method is one transaction. All raise StoreUnavailableError when the database is away or stays locked;
then nothing was changed.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from mcoflow.domain.chunks import Chunk
from mcoflow.domain.output import HostChunk, OutputEnd
from mcoflow.domain.records import (
    HistoryRecord,
    HookRecord,
    JsonObject,
    PlanDraft,
    PlanRecord,
    PlanSnapshot,
    StepRecord,
)
from mcoflow.domain.requests import (
    CommandAnswer,
    CommandRecord,
    DroppedEvent,
    EventFate,
    EventRecord,
    EvidenceRecord,
    HostRecord,
    RequestRecord,
    TimerRecord,
    WorldRecord,
)
from mcoflow.domain.states import StepState
from mcoflow.ports.backlog import Backlog
from mcoflow.ports.declarations import DeclarationReader, DeclarationStore
from mcoflow.ports.discoveries import DiscoveryReader, DiscoveryStore
from mcoflow.ports.fleet import FleetReader
from mcoflow.ports.listing import Listing
from mcoflow.ports.output import NewChunks, OutputReader, OutputStore
from mcoflow.ports.schedules import RecurrenceStore, ScheduleReader, ScheduleStore
from mcoflow.ports.search import PlanSearch
from mcoflow.ports.sub_plans import SubPlanStore
from mcoflow.ports.targets import TargetReader, TargetStore

ActionKey = tuple[UUID, int]
"""Plan and action id."""


@dataclass(frozen=True, slots=True)
class StepChange:
    """A step as it is now, and the state in which it was last stored."""

    plan_id: UUID
    seen: StepState
    step: StepRecord


@dataclass(frozen=True, slots=True)
class OutputChange:
    """The output of an action, as JSON text."""

    plan_id: UUID
    action_id: int
    output: str


@dataclass(frozen=True, slots=True)
class InputChange:
    """The input of an action that somebody amended, as JSON text."""

    plan_id: UUID
    action_id: int
    input: str


@dataclass(slots=True)
class Changes:
    """What one batch of the director changes: written in one transaction or not at all.

    `plans` are stored plans whose rows (all mutable columns, and `version` + 1) are rewritten where
    `epoch` still matches; `planned` are those of them that were stored before they were planned: their steps
    are inserted, their schedules dropped. `rests` are plans that came to rest earlier, whose row is not
    written, but whose followers may not have heard of it. All `plans` fence everything else in the batch that
    belongs to their plan, so every plan touched by `steps`, `new_steps`, `outputs`, `inputs`, `requests`,
    `new_requests`, timers or events MUST be among `plans` or `new_plans`.

    The locks of plans follow their states: a new plan takes them, or waits for them; a running one has to
    have them, and takes them anew if it is among `relocked`; one that rests gives them up, to whom waits.

    `hushed` are plans at rest that had sub-plans: nobody counts what has rung for them.

    `host_chunks` and `output_ends` may be of plans that are over: those need not be among `plans`. Doubles
    are dropped, so are those of unknown requests, and what is above the store's bound for one step.
    """

    new_plans: list[PlanDraft] = field(default_factory=list)
    planned: list[PlanDraft] = field(default_factory=list)
    rests: list[PlanRecord] = field(default_factory=list)
    plans: list[PlanRecord] = field(default_factory=list)
    steps: list[StepChange] = field(default_factory=list)
    new_steps: list[tuple[UUID, StepRecord]] = field(default_factory=list)
    outputs: list[OutputChange] = field(default_factory=list)
    inputs: list[InputChange] = field(default_factory=list)
    new_requests: list[RequestRecord] = field(default_factory=list)
    requests: list[RequestRecord] = field(default_factory=list)
    confirmed: list[UUID] = field(default_factory=list)
    new_timers: list[TimerRecord] = field(default_factory=list)
    dropped_timers: list[UUID] = field(default_factory=list)
    new_events: list[EventRecord] = field(default_factory=list)
    consumed_events: list[UUID] = field(default_factory=list)
    dropped_events: list[DroppedEvent] = field(default_factory=list)
    dropped_chunks: list[ActionKey] = field(default_factory=list)
    new_chunks: list[NewChunks] = field(default_factory=list)
    host_chunks: list[HostChunk] = field(default_factory=list)
    output_ends: list[OutputEnd] = field(default_factory=list)
    history: list[HistoryRecord] = field(default_factory=list)
    evidence: list[EvidenceRecord] = field(default_factory=list)
    answers: list[CommandAnswer] = field(default_factory=list)
    relocked: list[UUID] = field(default_factory=list)
    new_commands: list[CommandRecord] = field(default_factory=list)
    new_hooks: list[HookRecord] = field(default_factory=list)
    dropped_hooks: list[UUID] = field(default_factory=list)
    hushed: list[UUID] = field(default_factory=list)

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__slots__)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What an executor could take up: ids only."""

    plans: Sequence[UUID]
    commands: Sequence[CommandRecord]


@dataclass(frozen=True, slots=True)
class ActionPlace:
    """An action of a plan, and which one planned it."""

    id: int
    name: str
    parent_id: int | None


@dataclass(frozen=True, slots=True)
class PlanOutline:
    """What a plan consists of; `last_step` is the highest id of its steps, plan phase included."""

    actions: Sequence[ActionPlace]
    last_step: int


class Store(
    ScheduleStore,
    RecurrenceStore,
    SubPlanStore,
    PlanSearch,
    DeclarationStore,
    TargetStore,
    OutputStore,
    DiscoveryStore,
    Protocol,
):
    """The engine's side. Thread-safe."""

    def commit(self, changes: Changes) -> None:
        """Write everything in one transaction.

        A new plan whose id is taken, with the same action and args, is left out silently; with others,
        PlanExistsError. One whose name another plan has: NameTakenError. Evidence of kind malformed is kept
        to the newest 1,000 rows, 64 KiB each.

        After StoreUnavailableError the batch may be tried again, as the same object: should it have been
        committed and only the answer been lost, that is found out and it is not written twice.

        Raises:
            LeaseLostError: names the plans whose epoch has moved on; nothing was written.
            StaleStepError: a step was not in the state last seen; nothing was written.
            LockTakenError: another plan has what a new plan that does not wait, or a relocked one, wants;
                nothing was written.
            LockLostError: names running plans that do not have their locks; nothing was written.
        """

    # -- worlds and leases: expiry is reckoned by the database's clock ------------------------------------

    def register_world(self, world: WorldRecord, *, lease: float) -> None:
        """Insert the world's row; it is alive for `lease` seconds."""

    def heartbeat(self, world_id: UUID, *, lease: float) -> bool:
        """Prolong the world by `lease` seconds from now; False if its row is gone or had expired."""

    def unregister_world(self, world_id: UUID) -> None:
        """Free the world's plans (owner none) and delete its row."""

    def worlds(self) -> Sequence[WorldRecord]:
        """All worlds, with `alive` by the database's clock."""

    def expire_world(self, world_id: UUID) -> None:
        """Declare a world dead whose death was proven otherwise; its plans can be claimed at once."""

    def lay_down_world(self, world: WorldRecord) -> None:
        """Free the world's plans (owner none) and keep its row, as that of a dead one, until unregistered."""

    def awaited(self, tokens: Collection[str]) -> Collection[str]:
        """Those of these reply queues into which an agent may still put what a running plan waits for."""

    def waiting(self, world_id: UUID, *, limit: int) -> Waiting:
        """Plans (planned, or running) whose owner is none or dead, oldest first; and unanswered commands.

        A command is listed if its plan has no living owner or is owned by `world_id`. Cheap when there is
        nothing: it is asked several times a second.
        """

    def claim(self, world_id: UUID, plan_ids: Collection[UUID]) -> Sequence[PlanSnapshot]:
        """Become the owner (epoch + 1) of those that are not stopped and have no living owner; load them.

        Loads in bulk: a constant number of statements whatever the number of plans. A plan that is owned by
        `world_id` already is not returned. If a dead world
        owned the plan before, its history gets `terminate execution`.
        """

    def release(self, world_id: UUID, plan_ids: Collection[UUID]) -> None:
        """Give up plans that this world owns (epoch + 1): whoever looks next can claim them."""

    def lock_waiters(self, plan_ids: Collection[UUID]) -> Collection[UUID]:
        """Those of these plans that wait for their locks; the others have them, or want none."""

    # -- reading for the director ----------------------------------------------------------------------

    def action_data(self, keys: Collection[ActionKey]) -> Mapping[ActionKey, tuple[str, str]]:
        """Input and output of actions, as JSON text."""

    def outline(self, plan_id: UUID) -> PlanOutline:
        """The actions of a plan without their data, in order of id; none if there is no such plan."""

    def open_requests(self, plan_ids: Collection[UUID]) -> Sequence[RequestRecord]:
        """Requests of these plans that have not ended, `body` left empty."""

    def request_bodies(self, request_ids: Collection[UUID]) -> Mapping[UUID, bytes]:
        """The exact bytes of requests that have not ended."""

    def requests(self, request_ids: Collection[UUID]) -> Mapping[UUID, RequestRecord]:
        """Requests by id, ended ones too, `body` left empty."""

    def timers(self, plan_ids: Collection[UUID]) -> Sequence[TimerRecord]:
        """Timers of these plans."""

    def events(self, plan_ids: Collection[UUID]) -> Sequence[EventRecord]:
        """Events not yet consumed, oldest first per step."""

    def event_fates(self, sent: Mapping[UUID, UUID]) -> Sequence[EventFate]:
        """What became of events, given as id → id of the plan, in one statement."""

    def chunks(self, plan_id: UUID, action_id: int, *, after: int = 0, limit: int = 1000) -> Sequence[Chunk]:
        """What an action said, in order, from the first chunk whose number is above `after`."""

    def adopt_hooks(self, world_id: UUID, *, limit: int) -> Sequence[HookRecord]:
        """Become the one that calls hooks which no living world will call; the oldest first.

        Those of a plan that another living world runs are left to that one.
        """

    # -- commands ----------------------------------------------------------------------------------------

    def add_command(self, command: CommandRecord) -> UUID | None:
        """Store a command; return the owner of its plan (None: none). PlanNotFoundError: no such plan."""

    def answer(self, command_id: UUID) -> CommandAnswer | None:
        """What became of a command; None while it waits."""

    def order(self, plan_id: UUID) -> bool:
        """Let a plan be run that was stored without an order; False if there is no such plan."""

    def halt(self, line: HistoryRecord) -> bool:
        """Stop the plan of a line of history as halted, whoever owns it: epoch + 1, nothing of it stays open.

        Returns False if it is stopped already; then nothing was changed. PlanNotFoundError: no such plan.
        """

    # -- hosts -------------------------------------------------------------------------------------------

    def save_hosts(self, hosts: Sequence[HostRecord]) -> None:
        """Insert or update; facts None leave what is stored; operations are stored once for each digest."""

    def hosts(self) -> Sequence[HostRecord]:
        """All hosts, `facts` and `operations` left None."""

    def hosts_named(self, names: Collection[str]) -> Sequence[HostRecord]:
        """Those of these hosts (1,000 at most) that were ever seen, in order of name, facts left None."""

    # -- for callers that wait ----------------------------------------------------------------------------

    def plan(self, plan_id: UUID) -> PlanRecord:
        """One plan; PlanNotFoundError."""

    def snapshot(self, plan_id: UUID) -> PlanSnapshot:
        """A plan with its graph and its steps, nothing claimed; PlanNotFoundError."""

    def versions(self, plan_ids: Collection[UUID]) -> Mapping[UUID, int]:
        """The versions of plans, for those who watch them; unknown ids are left out."""


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step with the input and output of its action, as JSON text."""

    step: StepRecord
    input: str
    output: str
    request_id: UUID | None
    request_note: str


@dataclass(frozen=True, slots=True)
class PlanWhole:
    """A plan with all of it, for the status that contract clients ask for."""

    snapshot: PlanSnapshot
    actions: Sequence[JsonObject]
    history: Sequence[HistoryRecord]


class Reader(
    ScheduleReader, FleetReader, DeclarationReader, TargetReader, OutputReader, DiscoveryReader, Protocol
):
    """The pages' and the command line's side: reads only, each in a bounded number of statements."""

    def plans(self, query: Listing) -> Sequence[PlanRecord]:
        """One page of plans."""

    def plan(self, plan_id: UUID) -> PlanRecord:
        """One plan; PlanNotFoundError."""

    def count_plans(self, state: str | None) -> int:
        """How many plans are in a state; None counts all; an unknown state counts 0."""

    def counts_by_state(self, caller: UUID | None = None) -> Mapping[tuple[str, str], int]:
        """How many plans there are by (state, result); of those that a plan called, if it is named."""

    def backlog(self) -> Backlog:
        """What waits in the database; cheap whatever the number of plans that have ended."""

    def snapshot(self, plan_id: UUID) -> PlanSnapshot:
        """A plan with its graph and all its steps, plan phase included."""

    def whole(self, plan_id: UUID) -> PlanWhole:
        """A plan with steps, actions (as dicts of ActionRecord's fields) and history."""

    def step(self, plan_id: UUID, step_id: int) -> StepRow:
        """One step; PlanNotFoundError if there is no such plan or step."""

    def steps(self, plan_id: UUID, *, after: int = 0, limit: int = 200) -> Sequence[StepRow]:
        """Steps in order of id, from the first after `after`."""

    def chunks(self, plan_id: UUID, action_id: int, *, after: int = 0, limit: int = 1000) -> Sequence[Chunk]:
        """What an action said, in order, from the first chunk whose number is above `after`."""

    def history(self, plan_id: UUID) -> Sequence[HistoryRecord]:
        """The history of a plan, oldest first."""

    def plans_beginning(self, digits: str, *, limit: int) -> Sequence[UUID]:
        """Ids of plans that begin with these hexadecimal digits, in order."""

    def evidence(self, plan_id: UUID, *, limit: int | None = None) -> Sequence[EvidenceRecord]:
        """Messages about the plan that changed nothing, oldest first; `limit` of them at the most."""

    def host(self, identity: str) -> HostRecord:
        """One host with facts and operations; HostNotFoundError."""

    def hosts(self, *, after: str = "", limit: int | None = None, text: str = "") -> Sequence[HostRecord]:
        """Hosts in order of name from the first after `after`, facts left None; `limit` None: all of them."""

    def hosts_named(self, names: Collection[str]) -> Sequence[HostRecord]:
        """Those of these hosts (1,000 at most) that were ever seen, in order of name, facts left None."""

    def now(self) -> float:
        """The database's clock."""

    def worlds(self) -> Sequence[WorldRecord]:
        """All worlds, the oldest first, with `alive` by the database's clock."""

    def plans_owned(self) -> Mapping[UUID, int]:
        """How many plans that wait or run each world owns; those that own none are left out."""
