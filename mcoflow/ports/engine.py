"""What the services need of an engine; `mcoflow.engine.World` satisfies it, in every kind of process."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from mcoflow.domain.census import Census
from mcoflow.domain.discovery import WINDOW, Counting, DiscoveryRecord
from mcoflow.domain.groups import GroupRecord
from mcoflow.domain.query import CleanPolicy, CleanReport
from mcoflow.domain.records import PlanDraft
from mcoflow.domain.recurrence import Recurrence, RecurrenceRecord, RecurrenceState
from mcoflow.domain.requests import CommandKind
from mcoflow.domain.schedule import Schedule
from mcoflow.ports.bus import LinkReport


@dataclass(frozen=True, slots=True)
class Submitted:
    """A stored plan. `error` is set when planning failed: then the plan is stopped/error."""

    plan_id: UUID
    error: str = ""


class SentEvent(Protocol):
    """An event that is stored, and not yet taken."""

    def wait(self, timeout: timedelta | None = None) -> None:
        """Return once its step has taken it.

        Raises:
            EventDroppedError, CommandRefusedError, PlanNotFoundError: it never will; see World.event.
            WaitTimeoutError: not within `timeout`; it stays stored.
        """

    def done(self) -> bool:
        """Whether it was taken, refused or dropped."""


class Recurrences(Protocol):
    """What may be done with what comes back. All raise RecurrenceNotFoundError."""

    def find(self, *states: RecurrenceState) -> Sequence[RecurrenceRecord]:
        """Those in one of these states, or all, the newest first."""

    def get(self, recurrence_id: UUID) -> RecurrenceRecord:
        """One of them."""

    def enable(self, recurrence_id: UUID) -> RecurrenceRecord:
        """Let it go on. InvalidMoveError, PurposeTakenError, ScheduleInvalidError: nothing changed."""

    def disable(self, recurrence_id: UUID) -> RecurrenceRecord:
        """Let it make no plans for a while. InvalidMoveError: nothing changed."""

    def run_now(self, recurrence_id: UUID, *, user: str = "") -> UUID:
        """Make a plan of it beside its times, whatever its state; return the plan's id."""

    def cancel(self, recurrence_id: UUID) -> RecurrenceRecord:
        """Let it make no plans any more. InvalidMoveError: nothing changed."""


class Groups(Protocol):
    """What may be done with groups of hosts. What is raised is a TargetError, and nothing changed."""

    def all(self) -> Sequence[GroupRecord]:
        """All groups, in order of name."""

    def get(self, name: str) -> GroupRecord:
        """One group; GroupNotFoundError."""

    def set(self, name: str, target: str, *, user: str) -> GroupRecord:
        """Let a name stand for a target; TargetInvalidError, GroupNotFoundError."""

    def remove(self, name: str) -> None:
        """Forget a group; GroupNotFoundError, GroupInUseError."""


class Discoveries(Protocol):
    """What may be done with discoveries."""

    def ask(
        self,
        target: str = "",
        *,
        hosts: Sequence[str] = (),
        window: timedelta = timedelta(seconds=WINDOW),
        user: str = "",
    ) -> UUID:
        """Have all hosts asked that a target means, or these by name; return the id of the discovery.

        Raises:
            TargetInvalidError, GroupNotFoundError: the target is none; nobody is asked.
            InputInvalidError: there are both or none of target and hosts, or the window is not in 0.1 … 60 s.
        """

    def wait_for_more(
        self, discovery_id: UUID, answered: int, *, wait: timedelta
    ) -> tuple[DiscoveryRecord, Counting]:
        """Return once more have answered than these, or it ended, or `wait` passed.

        Raises:
            DiscoveryNotFoundError: there is none.
        """


class Admissions(Protocol):
    """What may be done about hosts that are let in, or not. All raise HostNotFoundError."""

    def admit(self, names: Sequence[str]) -> None:
        """Let these hosts in, those that were ever seen; they get their queues when they speak next."""

    def remove(self, name: str) -> None:
        """Forget a host. If it speaks again it is new: let in, or pending, as the settings say.

        Raises:
            HostBusyError: it has requests that have not ended.
        """


class Engine(Protocol):
    """Plan, command, watch."""

    def submit(
        self, action: str, arguments: Mapping[str, Any], *, user: str, plan_id: UUID | None = None
    ) -> Submitted:
        """Plan the registered action with these keyword arguments, store the plan, hand it to an executor.

        Returns after the commit. A given `plan_id` that exists with the same action and arguments is that
        plan.

        Raises:
            UnknownActionError: no such action; nothing stored.
            InputInvalidError: the arguments do not fit the action's Input; nothing stored.
            PlanExistsError: the id is taken by something else.
        """

    def rehearse(self, action: str, arguments: Mapping[str, Any]) -> PlanDraft:
        """Plan the registered action as submit does, and store nothing; the draft is to be looked at.

        A planning that fails is a draft that is stopped/error.

        Raises:
            UnknownActionError, InputInvalidError, TargetError: it could not be submitted.
        """

    def schedule(
        self,
        action: str,
        arguments: Mapping[str, Any],
        *,
        schedule: Schedule,
        user: str,
        plan_id: UUID | None = None,
        after: Collection[UUID] = (),
    ) -> UUID:
        """Store the arguments of the registered action, to be planned and run as the schedule says.

        Raises as submit does, and:
            PlanNotFoundError: one of `after`, the plans to wait for, is not there; nothing stored.
        """

    def recur_action(
        self, action: str, arguments: Mapping[str, Any], *, recurrence: Recurrence, user: str
    ) -> UUID:
        """Plan and run the registered action again and again; return the id of the recurrence.

        Raises as submit does, and ScheduleInvalidError, PurposeTakenError.
        """

    @property
    def discoveries(self) -> Discoveries:
        """Asking who is there."""

    @property
    def admissions(self) -> Admissions:
        """Which hosts are let in."""

    @property
    def groups(self) -> Groups:
        """Targets with a name."""

    @property
    def recurrences(self) -> Recurrences:
        """What comes back."""

    def freeze(self, plan_id: UUID, *, actor: str) -> None:
        """Let a scheduled plan not start. PlanNotFoundError; CommandRefusedError in any other state."""

    def unfreeze(self, plan_id: UUID, *, start_at: datetime | None, actor: str) -> None:
        """Let a frozen plan start, at `start_at` or else at the time it had. Raises as freeze does."""

    def command(
        self, plan_id: UUID, kind: CommandKind, arguments: Mapping[str, Any], *, actor: str, wait: timedelta
    ) -> dict[str, Any]:
        """Give a command to a plan, wherever it runs, and return its answer.

        cancel, abort → {"step_ids": [...]}, resume, pause → {}, skip (arguments step_id, dry_run) →
        {"step_ids": [...]}. A halt is no command: see halt().

        Raises:
            PlanNotFoundError: no such plan.
            CommandRefusedError: the state forbids it.
            WaitTimeoutError: committed, but no executor has applied it within `wait`; it will be applied.
        """

    def event(
        self, plan_id: UUID, step_id: int, value: Any, *, optional: bool = False, actor: str = ""
    ) -> SentEvent:
        """Send an event to a step, and return once it is stored; whether it was taken, `wait` tells.

        Raises:
            NotSerialisableError, EventDroppedError: it cannot be sent; nothing was stored.
        """

    def halt(self, plan_id: UUID, *, reason: str, actor: str) -> None:
        """Stop a plan at once, whoever runs it; the effect of what was under way is unknown.

        Raises:
            PlanNotFoundError, CommandRefusedError: there is no such plan, or it is stopped.
        """

    def delete(self, plan_id: UUID, *, actor: str) -> None:
        """Remove a plan that is stopped, or paused with an error.

        Raises:
            PlanNotFoundError, CommandRefusedError: there is no such plan, or it stands elsewhere.
        """

    def clean(self, policy: CleanPolicy) -> CleanReport:
        """Remove old plans, saved first if the policy says so. BackupError: not what could not be saved."""

    def allowed(self, state: str, result: str) -> Sequence[CommandKind]:
        """The commands that a plan in this state takes."""

    def wait_for_change(self, seen: Mapping[UUID, int], *, wait: timedelta) -> Mapping[UUID, int]:
        """Block until a plan has another version than `seen`, or `wait` passes; return those that differ."""

    def link(self) -> LinkReport:
        """Where the connection to the bus stands, as this process sees it."""

    def executors_alive(self) -> int:
        """How many executors have a valid heartbeat."""

    def check(self) -> Census:
        """Tell which worlds are live, late or dead, and which rows have no plan; nothing is changed."""

    def invalidate(self, world_id: UUID) -> bool:
        """Declare a world dead: its plans are taken up by others. False if it is no living one."""
