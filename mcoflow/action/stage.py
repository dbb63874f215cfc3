"""What stands behind an action object during one call of one phase."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from uuid import UUID

from mcoflow.action.world import WorldHandle
from mcoflow.domain.chunks import Chunk
from mcoflow.domain.events import Forever, HostRequest
from mcoflow.domain.records import ErrorRecord
from mcoflow.domain.reference import OutputReference
from mcoflow.domain.rollout import Rollout

if TYPE_CHECKING:
    from mcoflow.action.base import Action

A = TypeVar("A", bound="Action")


class ReadChunks(Protocol):
    """Reads what an action has said so far: `Store.chunks`."""

    def __call__(self, plan_id: UUID, action_id: int, *, after: int, limit: int) -> Sequence[Chunk]:
        """Chunks in order, from the first after `after`."""


class SuspendedSignalError(BaseException):
    """Raised by suspend() to leave `run`; a BaseException, so that `except Exception` lets it through."""


class PlanningStage(Protocol):
    """What the planner offers to the `plan` method of an action."""

    def plan_self(self, action: Action, given: dict[str, Any]) -> None:
        """Add the action's run and finalize steps."""

    def plan_action(self, action: type[A], args: tuple[Any, ...], fields: dict[str, Any]) -> A:
        """Plan another action at once, as a child."""

    def block(self, kind: str) -> AbstractContextManager[None]:
        """Open a sequence or a concurrence."""

    def rollout(self, how: Rollout) -> AbstractContextManager[None]:
        """Let the branches planned inside take turns."""

    def branch(self) -> AbstractContextManager[None]:
        """Open the work of one host."""

    def order(self, first: Action, then: Action) -> None:
        """Let one action with all that it planned start after another."""

    def output_of(self, action: Action) -> OutputReference:
        """A reference to what the action's run step will put out."""

    def subject(self) -> str:
        """What the plan works on, as its arguments and steps tell: `nginx on web1`; may be empty."""


@dataclass(frozen=True, slots=True)
class Suspension:
    """How a step sleeps: for these requests, for at most `patience` without a word."""

    requests: tuple[HostRequest, ...]
    patience: timedelta | Forever


@dataclass(frozen=True, slots=True)
class PlannedEvent:
    """An event that a step sends, to itself unless a step is named.

    `value` is what is stored. `delay`: seconds from the commit of the call. `at`: a Unix time instead.
    """

    value: Any
    delay: float = 0.0
    at: float | None = None
    plan_id: UUID | None = None
    step_id: int | None = None
    optional: bool = False

    def due_at(self, now: float) -> float:
        """When it is to be delivered, as a Unix time."""
        return now + self.delay if self.at is None else self.at


@dataclass(frozen=True, slots=True)
class PlannedTimer:
    """A signal that a step wants to get; `kind` is one of `mcoflow.engine.arrivals`, `delay` in seconds."""

    kind: str
    delay: float


@dataclass(frozen=True, slots=True)
class ChildrenWait:
    """What a step waits for that has sub-plans: any of them to come to rest, at the latest `until` (Unix).

    more: it does not wait, the next batch can come at once. fresh: only with a new count.
    """

    more: bool = False
    fresh: bool = False
    until: float | None = None


class SubPlanner(Protocol):
    """What the engine offers to an action with sub-plans. What is planned is stored with the step's sleep."""

    def known(self, keys: Sequence[str]) -> Collection[str]:
        """Return those of the keys that have a sub-plan already."""

    def plan(self, key: str, action: type[Action], args: tuple[Any, ...], fields: Mapping[str, Any]) -> bool:
        """Plan one; False if its planning failed, which is stored too. NotSerialisableError."""

    def give_up_failed(self) -> Mapping[str, int]:
        """Let those that failed their planning count no more, and return the counts of the others."""

    def forward(self, how: str) -> None:
        """Give all sub-plans that it concerns a command: cancel, abort, resume."""


class PresentStage(Protocol):
    """What a presentation offers to an action that is shown."""

    def state_of(self, action_id: int) -> str:
        """The state of an action's step."""

    def children(self, action_id: int, of: type[A]) -> list[A]:
        """The actions that an action planned, of a class, in present form."""

    def descendants(self, action_id: int, of: type[A]) -> list[A]:
        """All that was planned below it, of a class, in present form."""


@dataclass(slots=True)
class Produced:
    """What one call of user code produced besides output; stored in one transaction with it."""

    warnings: list[str] = field(default_factory=list)
    chunks: list[Chunk] = field(default_factory=list)
    drop_chunks: bool = False
    events: list[PlannedEvent] = field(default_factory=list)
    timers: list[PlannedTimer] = field(default_factory=list)
    suspension: Suspension | None = None
    children: ChildrenWait | None = None


@dataclass(slots=True)
class Stage:
    """The context of one call: which plan, which action, which data, and what came of it.

    `timeout`: the seconds that have passed, in a call of on_timeout. `read_chunks`: None without a store.
    `error`: that of the step, in on_skip.
    """

    phase: str
    plan_id: UUID
    action_id: int
    is_root: bool
    input: dict[str, Any]
    output: dict[str, Any]
    planning: PlanningStage | None = None
    triggered_by: Action | None = None  #: who planned it, or whom it subscribes to
    from_subscription: bool = False
    produced: Produced = field(default_factory=Produced)
    timeout: float = 0.0
    read_chunks: ReadChunks | None = None
    sub_planner: SubPlanner | None = None
    error: ErrorRecord | None = None
    world: WorldHandle | None = None
    presenting: PresentStage | None = None
