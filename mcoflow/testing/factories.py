"""One phase of one action at a time, without store, threads or broker."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final, Generic, TypeVar, cast
from uuid import UUID, uuid4

from mcoflow.action.base import Action
from mcoflow.action.chain import BARE
from mcoflow.action.host_action import HostAction
from mcoflow.action.registry import REGISTERED
from mcoflow.action.stage import PlannedEvent, Produced, ReadChunks, Suspension
from mcoflow.action.user_events import loaded_event
from mcoflow.domain.chunks import Chunk
from mcoflow.domain.events import Event, Forever, HostRequest, Reply, Signal, Silence
from mcoflow.domain.outcome import Outcome
from mcoflow.domain.plain import to_json
from mcoflow.domain.records import ActionRecord, ErrorRecord, JsonObject, PlanDraft, PlanRecord
from mcoflow.domain.reference import find_references
from mcoflow.domain.states import Phase, PlanState, StepState
from mcoflow.engine.calls import CallData, CallResult, call, host_request, host_result
from mcoflow.engine.planner import Planner
from mcoflow.errors import PhaseError
from mcoflow.testing.clock import START
from mcoflow.testing.stubs import StubReference, check_stub

A = TypeVar("A", bound=Action)
REPLIED: Final = UUID(int=1)
"""The request that replied() speaks of, unless it is told another."""


@dataclass
class PlannedAction(Generic[A]):
    """An action after its `plan`: what it asked for, and what it planned in turn, as `children`."""

    action: A
    args: tuple[Any, ...]
    named: dict[str, Any]
    rehearsal: Rehearsal = field(repr=False)
    children: list[PlannedAction[Any]] = field(default_factory=list)

    @property
    def of(self) -> type[A]:
        """The class."""
        return type(self.action)

    @property
    def input(self) -> JsonObject:
        """What plan_self was given, defaults filled in and references in their stored form; else {}."""
        return self.action.input

    @property
    def run_step(self) -> int | None:
        """The id of the run step; None if there is none."""
        return self.rehearsal.record(self.action.id).run_step_id

    @property
    def finalize_step(self) -> int | None:
        """The id of the finalize step; None if there is none."""
        return self.rehearsal.record(self.action.id).finalize_step_id

    @property
    def plan(self) -> PlanDraft:
        """The whole plan; PlanningError for a cycle."""
        return self.rehearsal.draft()

    def child(self, action: type[Any], number: int = 0) -> PlannedAction[Any]:
        """Return the child of a class, the first unless told otherwise."""
        found = [child for child in self.children if child.of is action]
        assert len(found) > number, f"{self.of.__name__} planned {len(found)} {action.__name__}"
        return found[number]


class Rehearsal(Planner):
    """The real planner; it keeps what actions were planned with."""

    def __init__(self) -> None:
        record = PlanRecord(uuid4(), "rehearsal", "", PlanState.PLANNED, START.timestamp())
        super().__init__(record, REGISTERED, BARE, "")
        self.outputs: dict[int, str] = {}
        self._open: list[PlannedAction[Any]] = []
        self.root: PlannedAction[Any] | None = None

    def _plan_one(
        self, action: type[A], args: tuple[Any, ...], fields: dict[str, Any], subscribed: bool
    ) -> A:
        planned = PlannedAction(cast("Any", None), args, fields, self)
        if self._open:
            self._open[-1].children.append(planned)
        else:
            self.root = planned
        self._open.append(planned)
        planned.action = super()._plan_one(action, args, fields, subscribed)
        self._open.pop()
        return cast("A", planned.action)

    def plan_self(self, action: Action, given: dict[str, Any]) -> None:
        """See PlanningStage.plan_self."""
        for reference in find_references(given):
            if isinstance(reference, StubReference):
                check_stub(reference)
                self.outputs[reference.action_id] = to_json(reference.whole)
        super().plan_self(action, given)

    def record(self, action_id: int) -> ActionRecord:
        """What is planned for an action."""
        return self._actions[action_id - 1]

    def _refer(self, given: Mapping[str, Any], consumer: int) -> None:
        super()._refer(_without_stubs(given), consumer)


def plan_action(action: type[A], /, *args: Any, **named: Any) -> PlannedAction[A]:
    """Run the `plan` of an action with the real planner. What it raises, and a cycle, is raised."""
    rehearsal = Rehearsal()
    rehearsal.plan_action(action, args, named)
    rehearsal.draft()
    assert rehearsal.root is not None
    return rehearsal.root


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Something that was asked for later: a silence, a timeout, a poll, or an event with this value."""

    after: timedelta
    what: str
    value: Any = None


@dataclass
class RunAction(Generic[A]):
    """What came of one call. A state of `suspended` means: give it an event with run_action(this, event)."""

    planned: PlannedAction[A]
    state: StepState
    output: JsonObject
    error: ErrorRecord | None
    requests: list[HostRequest] = field(default_factory=list)
    timers: list[SetTimer] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    chunks: list[Chunk] = field(default_factory=list)
    progress: float | None = None


Earlier = PlannedAction[A] | RunAction[A]


def run_action(earlier: Earlier[A], event: Event | Signal | None = None) -> RunAction[A]:
    """Call `run` of a planned action, or again with an event when it has suspended.

    A signal calls the method that is for it: `Poll()` of a Polling action, `Timeout(60)`, `Cancel()`.

    Raises:
        PhaseError: it has no run step, or an event comes to one that does not sleep.
    """
    planned = _planned(earlier)
    if planned.run_step is None:
        raise PhaseError(f"{planned.of.name} has planned no run step")
    if (event is not None) != (isinstance(earlier, RunAction) and earlier.state is StepState.SUSPENDED):
        raise PhaseError(f"{planned.of.name}: an event is for a run that has suspended, and only for that")
    data = _data(earlier)
    if issubclass(planned.of, HostAction):
        return _run_on_host(planned, data, event)
    return _came_of(planned, data, call(planned.of, Phase.RUN, data, event, BARE.of(planned.of)))


def finalize_action(earlier: Earlier[A]) -> RunAction[A]:
    """Call `finalize`; PhaseError if there is no such step."""
    planned = _planned(earlier)
    if planned.finalize_step is None:
        raise PhaseError(f"{planned.of.name} has planned no finalize step")
    data = _data(earlier)
    return _came_of(planned, data, call(planned.of, Phase.FINALIZE, data, None, BARE.of(planned.of)))


def revert_action(earlier: RunAction[A], event: Event | Signal | None = None) -> RunAction[A]:
    """Call `revert` of an action that was run, or again with an event when that has suspended.

    Raises:
        PhaseError: the class cannot be reverted.
    """
    planned = earlier.planned
    if not planned.of.has("revert"):
        raise PhaseError(f"{planned.of.name} defines no revert")
    data = _data(earlier)
    return _came_of(planned, data, call(planned.of, Phase.REVERT, data, event, BARE.of(planned.of)))


def replied(
    request_id: UUID = REPLIED,
    /,
    *,
    outcome: Outcome = Outcome.OK,
    error: str = "",
    host: str = "web1",
    **data: Any,
) -> Reply:
    """Return the end of a request as `run` receives it: ok, unless another outcome is named."""
    ok = outcome is Outcome.OK
    return Reply(request_id, host, ok, outcome, data, "" if ok else error or outcome.words(""))


def _planned(earlier: Earlier[A]) -> PlannedAction[A]:
    return earlier.planned if isinstance(earlier, RunAction) else earlier


def _data(earlier: Earlier[Any]) -> CallData:
    action = _planned(earlier).action
    output = to_json(earlier.output) if isinstance(earlier, RunAction) else "{}"
    outputs = _planned(earlier).rehearsal.outputs
    said = earlier.chunks if isinstance(earlier, RunAction) else []
    return CallData(action.plan_id, action.id, to_json(action.input), output, outputs, _reader(said))


def _reader(said: Sequence[Chunk]) -> ReadChunks:
    def read(plan_id: UUID, action_id: int, *, after: int, limit: int) -> Sequence[Chunk]:  # noqa: ARG001
        numbered = [replace(chunk, number=number) for number, chunk in enumerate(said, 1)]
        return numbered[after : after + limit]

    return read


def _said(data: CallData, produced: Produced) -> list[Chunk]:
    """All that was said so far, by earlier calls too."""
    read = None if produced.drop_chunks else data.read_chunks
    before = read(data.plan_id, data.action_id, after=0, limit=sys.maxsize) if read else ()
    return [*before, *produced.chunks]


def _run_on_host(planned: PlannedAction[A], data: CallData, event: Event | Signal | None) -> RunAction[A]:
    action = cast("type[HostAction]", planned.of)
    if event is not None:
        reply = event if isinstance(event, Reply) else _lost(event)
        return _came_of(planned, data, host_result(action, data, reply))
    asked = host_request(action, data)
    if isinstance(asked, HostRequest):
        waits = Produced(suspension=Suspension((asked,), Forever()))
        asked = CallResult(StepState.SUSPENDED, produced=waits)
    return _came_of(planned, data, asked)


def _lost(event: Event | Signal) -> Reply:
    """How the end of a request looks to a host action whose host was never heard of again."""
    if not isinstance(event, Silence):
        raise PhaseError(f"a host action takes replies and silence, not {event}")
    return replied(outcome=Outcome.LOST)


def _came_of(planned: PlannedAction[A], data: CallData, result: CallResult) -> RunAction[A]:
    output = result.output if result.output is not None else data.output
    made, produced = json.loads(output), result.produced
    planned.rehearsal.outputs = {**planned.rehearsal.outputs, data.action_id: output}
    sleeps = produced.suspension
    return RunAction(
        planned,
        result.state,
        made,
        result.error,
        list(sleeps.requests) if sleeps else [],
        _timers(produced, sleeps),
        [loaded_event(each.value) for each in produced.events if not _delay(each)],
        list(produced.warnings),
        _said(data, produced),
        result.progress,
    )


def _timers(produced: Produced, sleeps: Suspension | None) -> list[SetTimer]:
    sent = ((_delay(each), loaded_event(each.value)) for each in produced.events)
    delayed = [SetTimer(delay, "event", value) for delay, value in sent if delay]
    delayed += [SetTimer(timedelta(seconds=each.delay), each.kind) for each in produced.timers]
    if sleeps is None or isinstance(sleeps.patience, Forever):
        return delayed
    return [*delayed, SetTimer(sleeps.patience, "silence")]


def _delay(event: PlannedEvent) -> timedelta:
    now = START.timestamp()
    return timedelta(seconds=event.due_at(now) - now)


def _without_stubs(given: Any) -> Any:
    match given:
        case StubReference():
            return None
        case Mapping():
            return {key: _without_stubs(each) for key, each in given.items()}
        case str():
            return given
        case Sequence():
            return [_without_stubs(each) for each in given]
        case _:
            return given
