"""The error family. A message says what happened, to what, and the way out; attributes are for code."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self
from uuid import UUID


class McoflowError(Exception):
    """Base of every error raised on purpose; only the outer edges (cli, webui, worker) catch it."""


# -- configuration ---------------------------------------------------------------------------------------


class ConfigError(McoflowError):
    """A setting is missing, unknown or out of range; the message names file, section and key."""


class ConfigurationError(McoflowError):
    """Code that was put together wrongly: a cyclic middleware order, an action registered twice."""


# -- bus -------------------------------------------------------------------------------------------------


class BusError(McoflowError):
    """Base of what a connector reports."""


class BusUnavailableError(BusError):
    """The broker cannot be reached, or has raised an alarm; it is tried again by itself."""


class BusAccessError(BusError):
    """The broker refused login, permission or certificate; the message names user and object."""


class TopologyMismatchError(BusError):
    """A queue or exchange exists with other arguments; nothing was deleted."""


class HostNotAdmittedError(BusError):
    """The host has no queues yet: a server has to admit it."""


class MessageTooLargeError(BusError):
    """A message is over the limit of its kind; it was not sent."""


class MalformedMessageError(BusError):
    """Bytes that are no message of ours."""


class UnsupportedVersionError(BusError):
    """A message of an envelope version, or with a required field, that this release does not speak."""


class UntrustedMessageError(BusError):
    """A message whose sender is not whom it claims to be."""


# -- store -----------------------------------------------------------------------------------------------


class StoreError(McoflowError):
    """Base of what a store reports."""


class StoreUnavailableError(StoreError):
    """The database cannot be reached or is locked; try again, nothing was changed."""


class SchemaTooNewError(StoreError):
    """The database was written by a newer release; it was not touched."""


class SchemaTooOldError(StoreError):
    """The database was not yet upgraded to this release."""


class LeaseLostError(StoreError):
    """Another executor owns these plans now; nothing of the batch was written."""

    def __init__(self, plan_ids: Iterable[UUID]) -> None:
        self.plan_ids = frozenset(plan_ids)
        names = ", ".join(sorted(map(str, self.plan_ids)))
        super().__init__(f"the lease of plan {names} was taken by another executor")


class StaleStepError(StoreError):
    """Steps were no longer in the state in which the caller saw them; nothing was changed."""

    def __init__(self, message: str, plan_ids: Iterable[UUID] = ()) -> None:
        super().__init__(message)
        self.plan_ids = frozenset(plan_ids)


class LockTakenError(StoreError):
    """Plans cannot have their locks; nothing was written. `taken`: plan → (lock, plan in the way)."""

    def __init__(self, taken: Mapping[UUID, tuple[str, UUID]]) -> None:
        self.taken = dict(taken)
        super().__init__("; ".join(self.of(plan_id) for plan_id in self.taken))

    def of(self, plan_id: UUID) -> str:
        """Say what one of the plans cannot have."""
        name, holder = self.taken[plan_id]
        return f"the lock {name!r} is held by task {holder}: try again when that has ended"


class LockLostError(StoreError):
    """Locks of these running plans are gone, which the engine never does; nothing was written."""

    def __init__(self, plan_ids: Iterable[UUID]) -> None:
        self.plan_ids = frozenset(plan_ids)
        names = ", ".join(sorted(map(str, self.plan_ids)))
        super().__init__(f"a lock of task {names} was taken away while it ran: resume it to take it again")


class PlanNotFoundError(StoreError):
    """There is no plan with this id."""

    def __init__(self, plan_id: UUID | str) -> None:
        super().__init__(f"no task has the id {plan_id}: `mcoflow task list` shows those there are")
        self.plan_id = plan_id


class HostNotFoundError(StoreError):
    """No host of this name was ever seen."""


class HostBusyError(StoreError):
    """A host has requests that have not ended; nothing was changed."""

    def __init__(self, name: str, requests: int, plan_id: UUID) -> None:
        super().__init__(
            f"host {name} has {requests} open {'request' if requests == 1 else 'requests'}, "
            f"one of task {plan_id}: cancel it, or wait until it has ended"
        )
        self.name = name


class PlanExistsError(StoreError):
    """A plan with this id exists, made from another action or other arguments."""


class KeyReusedError(McoflowError):
    """A key of a client made another task before; nothing was stored."""

    def __init__(self, plan_id: UUID) -> None:
        super().__init__(f"this key made task {plan_id} of another request: take a new one for another task")
        self.plan_id = plan_id


class PreviewStaleError(McoflowError):
    """What would be done is not what was previewed; nothing was stored."""

    def __init__(self) -> None:
        super().__init__("it would go to other hosts now, or in other waves, than previewed: do so again")


class NameTakenError(StoreError):
    """Another plan has this name; nothing was stored."""

    def __init__(self, name: str, plan_id: UUID) -> None:
        super().__init__(f"task {plan_id} is named {name!r} already: trigger with another name")
        self.name, self.plan_id = name, plan_id


# -- planning and running --------------------------------------------------------------------------------


class InvalidMoveError(McoflowError):
    """Something was asked to make a move that its table does not have."""

    def __init__(self, what: str, current: str, wanted: str, allowed: Iterable[str]) -> None:
        allowed = sorted(allowed)
        way_out = f"only {', '.join(allowed)}" if allowed else f"{current} is final"
        super().__init__(f"{what} is {current}, it cannot become {wanted}: {way_out}")
        self.what, self.current, self.wanted, self.allowed = what, current, wanted, allowed


class CommandRefusedError(McoflowError):
    """A command that the state of the plan forbids; the message says what is allowed now."""

    def __init__(self, message: str, plan_id: UUID, state: str, allowed: Sequence[str]) -> None:
        super().__init__(message)
        self.plan_id, self.state, self.allowed = plan_id, state, tuple(allowed)

    @classmethod
    def by_state(cls, command: str, plan_id: UUID, state: str, allowed: Sequence[str]) -> Self:
        """Refuse because of the plan's state."""
        over = "; it is over, and can only be run again or deleted" if state == "stopped" else ""
        way_out = f"; allowed now: {', '.join(allowed)}" if allowed else over
        return cls(f"task {plan_id} is {state}, it cannot take {command}{way_out}", plan_id, state, allowed)


class PhaseError(McoflowError):
    """An action used something that belongs to another phase."""


class PlanningError(McoflowError):
    """The plan cannot be made: a cycle, a reference to an unknown step or key."""


class RolloutInvalidError(PlanningError):
    """Waves, or a limit of failures, that cannot be; the message says why."""


class ScheduleInvalidError(PlanningError):
    """A time, a chain or a recurrence that cannot be kept; the message says why."""


class DiscoveryNotFoundError(McoflowError):
    """There is no discovery with this id; they are kept for a day."""

    def __init__(self, discovery_id: UUID | str) -> None:
        super().__init__(f"no discovery has the id {discovery_id}: they are forgotten after a day, ask anew")
        self.discovery_id = str(discovery_id)


class RecurrenceNotFoundError(McoflowError):
    """There is no recurrence with this id."""

    def __init__(self, recurrence_id: UUID | str) -> None:
        super().__init__(
            f"no recurrence has the id {recurrence_id}: `mcoflow recur list --all` shows those there are"
        )
        self.recurrence_id = recurrence_id


class WorldNotFoundError(McoflowError):
    """There is no executor with this id (any more)."""

    def __init__(self, world_id: UUID) -> None:
        super().__init__(f"no executor has the id {world_id}: `mcoflow executors list` shows those there are")
        self.world_id = world_id


class WorldAliveError(McoflowError):
    """An executor that is alive would be declared dead; nothing was changed."""

    def __init__(self, world_id: UUID, name: str) -> None:
        super().__init__(
            f"executor {world_id} ({name}) is alive: what its code is at would be lost, its effect unknown; "
            "stop the process instead, or say --force if it has to be"
        )
        self.world_id = world_id


class PurposeTakenError(McoflowError):
    """Another active recurrence has this purpose; nothing was changed."""

    def __init__(self, purpose: str) -> None:
        super().__init__(
            f"another active recurrence has the purpose {purpose!r}: disable or cancel it first "
            "(`mcoflow recur list`)"
        )
        self.purpose = purpose


class UnknownActionError(PlanningError):
    """No action is registered under this name."""


class InputInvalidError(PlanningError):
    """An action's input does not fit its Input model, or is refused by the action.

    `faults`: where that is known, (path, code, what is wrong) of each.
    """

    def __init__(self, message: str, faults: Iterable[tuple[tuple[str | int, ...], str, str]] = ()) -> None:
        super().__init__(message)
        self.faults = tuple(faults)


class OutputInvalidError(McoflowError):
    """An action's output does not fit its Output model."""


class NotSerialisableError(McoflowError):
    """A value cannot be stored as JSON; the message names its path."""


class ReferenceMissingError(McoflowError):
    """A step reads a key that the producer's output does not have."""


class HostError(McoflowError):
    """A host-step ended other than ok; the message begins with the exact outcome word."""


class StepCancelledError(McoflowError):
    """Raised by an action to end its step as cancelled."""


class SubPlansFailedError(McoflowError):
    """Not all sub-plans of an action are a success, and its verdict does not bear that."""


class StepTimeoutError(McoflowError):
    """A step was silent, or worked, for longer than it may."""


class RunInterruptedError(McoflowError):
    """An executor died while the step was inside `run`; its effect is unknown."""


class SuspendSwallowedError(McoflowError):
    """User code caught the exception that suspends its step."""


class ExecutorStoppedError(McoflowError):
    """The executor of this process has stopped; what it was given was not stored."""


class EventDroppedError(McoflowError):
    """An event could not be delivered: the step had ended, or does not accept it."""


class FormInvalidError(McoflowError):
    """What a person filled in cannot be run; `faults` says per field what is wrong with it."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        self.faults = dict(faults)
        super().__init__("; ".join(f"{field}: {fault}" for field, fault in self.faults.items()))


class QueryInvalidError(McoflowError):
    """A filter or cursor of a list that there is not."""


class QueryError(QueryInvalidError):
    """A query names a field that plans do not have, or a cursor of another query."""


class BackupError(McoflowError):
    """A backup cannot be written; what it lacks was not removed."""


class WaitTimeoutError(McoflowError):
    """A future was not resolved in the time given; what it waits for goes on."""


class NotStoredYetError(WaitTimeoutError):
    """The database did not answer in time: it is stored when it does, unless this process ends before."""


# -- targets ---------------------------------------------------------------------------------------------


class TargetError(McoflowError):
    """Base of what can be wrong with saying which hosts are meant; nothing was run."""


class TargetInvalidError(TargetError):
    """What was written is no target. `text` and `position` (from 0) say where, if it was text."""

    def __init__(self, message: str, text: str = "", position: int | None = None) -> None:
        super().__init__(message)
        self.text, self.position = text, position


class TargetEmptyError(TargetError):
    """A target means no host at all; the message says why."""


class GroupNotFoundError(TargetError):
    """There is no group of this name."""

    def __init__(self, name: str, known: Iterable[str] = ()) -> None:
        there = ", ".join(sorted(known)[:10]) or "none yet"
        super().__init__(f"there is no group {name!r}: `mcoflow group set` makes it; there are: {there}")
        self.name = name


class GroupInUseError(TargetError):
    """Other groups are made of this one; nothing was changed."""


# -- on a host -------------------------------------------------------------------------------------------


class OperationFailedError(McoflowError):
    """A host operation could not do what it was asked to; it ends `failed (reason)`."""

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        exit_code: int | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.reason, self.exit_code, self.values = reason, exit_code, dict(values or {})
