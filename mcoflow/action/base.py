"""Action: what an author of workflows writes."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, ClassVar, NoReturn, Self, TypeVar
from uuid import UUID

from pydantic import BaseModel

from mcoflow.action.chain import BARE
from mcoflow.action.hooks import hooks_of
from mcoflow.action.middleware import NO_MIDDLEWARES, Middlewares
from mcoflow.action.naming import spoken
from mcoflow.action.presented import Presented
from mcoflow.action.registry import REGISTERED
from mcoflow.action.rescue import Rescue
from mcoflow.action.retry import Retry
from mcoflow.action.schema import typed_input, valid_input
from mcoflow.action.stage import (
    PlannedEvent,
    PlannedTimer,
    PlanningStage,
    Stage,
    SuspendedSignalError,
    Suspension,
)
from mcoflow.action.telling import Telling
from mcoflow.action.user_events import refusal, stored_event
from mcoflow.action.world import WorldHandle
from mcoflow.domain.events import Deadlines, Forever, HostRequest
from mcoflow.domain.ids import host_id
from mcoflow.domain.plain import plain
from mcoflow.domain.records import ErrorRecord, JsonObject
from mcoflow.domain.rollout import Rollout
from mcoflow.domain.schedule import Schedule
from mcoflow.errors import (
    EventDroppedError,
    InputInvalidError,
    PhaseError,
    StepCancelledError,
    StepTimeoutError,
)

A = TypeVar("A", bound="Action")
M = TypeVar("M", bound=BaseModel)


class Action(Telling, Presented):
    """A unit of work, and a composition of others.

    `plan` lays out steps and runs nothing. `run` does the work, on a worker; it may suspend and is then
    called again with an Event. `finalize` runs after all run steps of the plan, one action after another.
    An object lives for one call: only `input` and `output` survive.

    Class variables:
        name: the stored name, `<module>.<qualname>` unless given; former_names: those of older releases.
        title: for people; an action without one is part of others and not offered by itself.
        Input, Output: pydantic models; None takes any JSON object.
        queue: the worker pool; None is that of the action that plans this one, and `default` for the root.
        rerunnable: `run` may be repeated after a crash of its executor.
        patience: how much silence a suspend bears, unless it says otherwise.
        time_limit: how long an attempt of the step may take, then `on_timeout` is called; None is no limit.
            Code that is inside `run` cannot be interrupted: if it suspends, the limit is enforced then; if it
            ends, its end counts, and a success carries a warning.
        retry: which failures of the step are tried again; None is none.
        run_weight, finalize_weight: what its steps count in the progress of the plan, zero or more.
        middleware: what goes around its phases, added to that of its base classes and of the world.
        without_hooks: names of inherited hooks that are not called; plan_hooks: those that are, by name, with
            the kinds of states that they are called for; made of the methods that have `plan_hook`.
        accepts: the user events that `run` takes: JSON types, and models registered with `user_event`.
        subscribe: classes of actions; wherever one of exactly these is planned, this one is planned too.
    """

    name: ClassVar[str] = ""
    former_names: ClassVar[tuple[str, ...]] = ()
    title: ClassVar[str] = ""
    Input: ClassVar[type[BaseModel] | None] = None
    Output: ClassVar[type[BaseModel] | None] = None
    queue: ClassVar[str | None] = None
    rerunnable: ClassVar[bool] = False
    patience: ClassVar[timedelta] = timedelta(hours=1)
    time_limit: ClassVar[timedelta | None] = None
    retry: ClassVar[Retry | None] = None
    accepts: ClassVar[tuple[type, ...]] = ()
    subscribe: ClassVar[tuple[type[Action], ...]] = ()
    middleware: ClassVar[Middlewares] = NO_MIDDLEWARES
    without_hooks: ClassVar[frozenset[str]] = frozenset()
    plan_hooks: ClassVar[Mapping[str, frozenset[str]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" not in cls.__dict__:
            cls.name = f"{cls.__module__}.{cls.__qualname__}"
        if "middleware" in cls.__dict__:
            BARE.of(cls)  # a cycle in it is told now
        cls.plan_hooks = hooks_of(cls)
        REGISTERED.add(cls)

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.input: JsonObject = stage.input
        self.plan_id: UUID = stage.plan_id
        self.id: int = stage.action_id
        self.is_root: bool = stage.is_root
        self.error: ErrorRecord | None = stage.error

    # -- for authors to override --------------------------------------------------------------------------

    def delay(self, schedule: Schedule, *args: Any, **fields: Any) -> None:
        """See to a plan that is scheduled, before it is stored; its `plan` finds the input written here."""

    def plan(self, *args: Any, **fields: Any) -> None:
        """Lay out the work; by default the action's own step, with the fields as its input."""
        self.plan_self(*args, **fields)

    def label(self) -> str:
        """The plan's title in lists, asked of its root action after planning.

        By default what it does and to which hosts: `Restart one nginx on web1`. An action without a title
        and without hosts is called by its name.
        """
        subject = self._stage.planning.subject() if self._stage.planning is not None else ""
        if not subject:
            return self.title or self.name
        return f"{self.title or spoken(self.name)} {subject}"

    def rescue_strategy(self) -> Rescue:
        """What becomes of the plan when a step of this action failed, and nothing else goes on."""
        return Rescue.PAUSE

    def rescue_strategy_for(self, planned: Action) -> Rescue | None:  # noqa: ARG002 - for authors to look at
        """The last word on an action that this one planned, when it or a part of it failed.

        None, the default, leaves it to the other.
        """
        return None

    def on_timeout(self) -> None:
        """Called instead of `run` when a time limit has passed; it may end the step, or suspend once more.

        By default StepTimeoutError, which `retry` may bear. Requests still open when the step ends are called
        back. The limit of a host action calls back its request, and the host says how it ended.
        """
        raise StepTimeoutError(f"{self.name}: no end within {timedelta(seconds=self._stage.timeout)}")

    def on_skip(self) -> None:
        """Called before a failed step of this action is skipped; it may write output, and read `error`.

        Those that read the output and cope without it see what was written. If it raises, the step stays in
        error and nothing else has changed. By default nothing.
        """

    # -- in plan ------------------------------------------------------------------------------------------

    def plan_self(self, given: Mapping[str, Any] | BaseModel | None = None, /, **fields: Any) -> Self:
        """Add this action's run (and finalize) step, with validated input; once per action.

        Raises:
            InputInvalidError: the fields do not fit Input.
            PhaseError: outside of plan, or a second time.
        """
        self._planning().plan_self(self, {**_as_fields(given), **fields})
        return self

    def plan_action(self, action: type[A], /, *args: Any, **fields: Any) -> A:
        """Plan another action at once, as a part of this one; it is returned for its `output`."""
        return self._planning().plan_action(action, args, fields)

    def sequence(self) -> AbstractContextManager[None]:
        """What is planned inside runs one after another."""
        return self._planning().block("S")

    def concurrence(self) -> AbstractContextManager[None]:
        """What is planned inside may run at the same time; so does the body of every plan method."""
        return self._planning().block("C")

    def rollout(self, how: Rollout) -> AbstractContextManager[None]:
        """The branches that are planned inside, one a host, take turns: in waves, with a limit of failures.

        What is planned inside and in no branch does not wait for a turn.
        """
        return self._planning().rollout(how)

    def branch(self) -> AbstractContextManager[None]:
        """What is planned inside is the work of one host of a rollout; no other branch may wait for it.

        Raises:
            PlanningError: outside of a rollout, or inside of another branch.
        """
        return self._planning().branch()

    def order(self, first: Action, then: Action) -> None:
        """Let `then`, with all that it planned, start after `first` with all that it planned; no data passes.

        Raises:
            PlanningError: one of the two is not of this plan. A cycle is found at the end of planning.
        """
        self._planning().order(first, then)

    @property
    def triggering_action(self) -> Action:
        """In plan: the action that planned this one, or the one that it subscribes to.

        Raises:
            PhaseError: in the root, and outside of plan.
        """
        self._planning()
        if self._stage.triggered_by is None:
            raise PhaseError(f"{self.name}: the root of a plan has no triggering action")
        return self._stage.triggered_by

    @property
    def from_subscription(self) -> bool:
        """In plan: whether this action joined because it subscribes to another; PhaseError elsewhere."""
        self._planning()
        return self._stage.from_subscription

    def validated(self, fields: Mapping[str, Any]) -> JsonObject:
        """Return fields checked against Input, for a plan method that adds no step of its own."""
        return valid_input(self.name, self.Input, fields)

    # -- in plan a reference, later data --------------------------------------------------------------------

    @property
    def output(self) -> Any:
        """In plan an OutputReference for the input of other actions; in run and finalize a JSON object."""
        if self._stage.planning is not None:
            return self._stage.planning.output_of(self)
        return self._stage.output

    def input_as(self, model: type[M]) -> M:
        """Return the input as a pydantic model; InputInvalidError names the fields that do not fit it."""
        return typed_input(self.name, model, self.input)

    @property
    def world(self) -> WorldHandle:
        """What triggers other plans, in run, revert and finalize; in plan it finds hosts, and no more.

        Raises:
            PhaseError: in other phases; and from all but hosts_matching, in plan.
        """
        if self._stage.world is None:
            raise PhaseError(
                f"{self.name}: world is for run, revert and finalize, this is {self._stage.phase}"
            )
        return self._stage.world

    # -- in run -------------------------------------------------------------------------------------------

    def request(
        self,
        agent: str,
        operation: str,
        args: JsonObject,
        *,
        host: str | None = None,
        check: bool = False,
        deadlines: Deadlines | None = None,
    ) -> HostRequest:
        """Return a request to the agent of a host (default: input["host"]), to suspend until it ends.

        Raises:
            InputInvalidError: the host is no name of a host.
            NotSerialisableError: the arguments are no JSON.
        """
        wanted = deadlines or Deadlines()
        return HostRequest(host_id(host or self.input["host"]), agent, operation, plain(args), check, wanted)

    def suspend(
        self,
        *,
        until: HostRequest | Sequence[HostRequest] | None = None,
        patience: timedelta | Forever | None = None,
    ) -> NoReturn:
        """Leave `run` and hold no thread until an event comes; the requests are sent after the commit."""
        self._in_run("suspend")
        requests = (until,) if isinstance(until, HostRequest) else tuple(until or ())
        if not all(isinstance(each, HostRequest) for each in requests):
            raise TypeError(f"{self.name}: suspend waits for what request() returns, not for {until!r}")
        self._stage.produced.suspension = Suspension(requests, patience or self.patience)
        raise SuspendedSignalError

    def plan_event(
        self,
        value: Any,
        *,
        delay: timedelta | None = None,
        at: datetime | None = None,
        plan_id: UUID | None = None,
        step_id: int | None = None,
        optional: bool = False,
    ) -> None:
        """Send an event when the call's result is stored, or later; by default to this step.

        It is never delivered before the suspend of the step that it is for. One that this step does not
        accept, or that comes too late, is dropped, and the history says so, unless it is `optional`.

        Args:
            value: JSON, or a model that was registered with `user_event`.
            delay: from the end of this call; at: the time instead, with a timezone.
            plan_id: another plan, which has to be running; step_id: a step of it, or another one of ours.
            optional: nobody minds if it is dropped.

        Raises:
            EventDroppedError: a model that is not registered, or what this very step does not accept.
            NotSerialisableError: the value is no JSON.
        """
        self._in_run("plan_event")
        if delay is not None and at is not None:
            raise ValueError(f"{self.name}: plan_event takes a delay or a time, not both")
        if at is not None and at.tzinfo is None:
            raise ValueError(f"{self.name}: plan_event needs a timezone: {at} could be anywhere")
        if plan_id not in (None, self.plan_id) and step_id is None:
            raise ValueError(f"{self.name}: plan_event to another plan needs the id of a step of it")
        stored = stored_event(value)
        if step_id is None and (why := refusal(type(self), stored, self._stage.phase)):
            raise EventDroppedError(why)
        seconds = 0.0 if delay is None else delay.total_seconds()
        moment = None if at is None else at.timestamp()
        self._stage.produced.events.append(PlannedEvent(stored, seconds, moment, plan_id, step_id, optional))

    def schedule_timeout(self, after: timedelta) -> None:
        """Have `on_timeout` called so long from now, unless the attempt has ended by then."""
        self._in_run("schedule_timeout")
        self._stage.produced.timers.append(PlannedTimer("timeout", after.total_seconds()))

    def warn(self, message: str) -> None:
        """Let the step succeed with a warning: the plan ends stopped/warning and says why."""
        if self._stage.phase not in ("run", "finalize", "revert"):
            raise PhaseError(
                f"{self.name}: warn belongs to run, finalize and revert, not to {self._stage.phase}"
            )
        self._stage.produced.warnings.append(str(message))

    # -- what the engine asks of a class --------------------------------------------------------------------

    @classmethod
    def has(cls, phase: str) -> bool:
        """Whether the class defines `run` or `finalize`."""
        return callable(getattr(cls, phase, None))

    @classmethod
    def takes_events(cls, phase: str = "run") -> bool:
        """Whether `run`, or `revert`, has a parameter for an event; one without may not suspend."""
        return len(inspect.signature(getattr(cls, phase)).parameters) > 1

    def _planning(self) -> PlanningStage:
        if self._stage.planning is None:
            raise PhaseError(f"{self.name}: steps are planned in plan, this is {self._stage.phase}")
        return self._stage.planning

    def _in_run(self, what: str) -> None:
        if self._stage.phase not in ("run", "revert"):
            raise PhaseError(f"{self.name}: {what} belongs to run and revert, this is {self._stage.phase}")


class Cancellable(Action):
    """An action that can be told to stop while it is suspended.

    `on_cancel` ends the step: it returns (success), raises StepCancelledError (cancelled) or another error,
    or suspends once more. `on_abort` alike: it has to end what `on_cancel` may wait for.
    """

    def on_cancel(self) -> None:
        """Stop what the step started; by default nothing was, and the step ends as cancelled."""
        raise StepCancelledError("cancelled")

    def on_abort(self) -> None:
        """Stop what the step started by force; as on_cancel unless overridden."""
        self.on_cancel()


def _as_fields(given: Mapping[str, Any] | BaseModel | None) -> dict[str, Any]:
    if isinstance(given, BaseModel):
        return given.model_dump()
    if given is not None and not isinstance(given, Mapping):
        raise InputInvalidError(
            f"input is a mapping, a model, or fields by name; a {type(given).__name__} is none"
        )
    return dict(given or {})
