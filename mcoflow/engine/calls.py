"""Calling user code: the error boundary between an action and the engine.

Whatever the code raises, BaseException included, becomes the step's error; what it produced is returned as
a value. Nothing here knows threads, stores or plans.
"""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, cast
from uuid import UUID

from mcoflow.action.base import Action, Cancellable
from mcoflow.action.chain import Chain
from mcoflow.action.host_action import HostAction
from mcoflow.action.polling import Polling
from mcoflow.action.retry import Retry
from mcoflow.action.schema import valid_input, valid_output
from mcoflow.action.stage import Produced, ReadChunks, Stage, SubPlanner, SuspendedSignalError
from mcoflow.action.sub_plans import WithSubPlans
from mcoflow.action.user_events import loaded_event
from mcoflow.action.world import WorldHandle
from mcoflow.domain.events import (
    FOREVER,
    Abort,
    Cancel,
    Event,
    HostRequest,
    Poll,
    Reply,
    Signal,
    Skip,
    SubPlanFinished,
    Timeout,
    UserEvent,
)
from mcoflow.domain.plain import to_json
from mcoflow.domain.records import ErrorRecord, PlanDraft
from mcoflow.domain.reference import REFERENCE_KEY, resolve
from mcoflow.domain.states import Phase, StepState
from mcoflow.errors import PhaseError, StepCancelledError, SuspendSwallowedError
from mcoflow.faults import faultpoint

_EMPTY = "{}"
NO_MIDDLEWARE: Final = Chain()


@dataclass(slots=True)
class CallData:
    """What a call works on: stored input and output as JSON text, and the outputs that input refers to."""

    plan_id: UUID
    action_id: int
    input: str
    output: str
    outputs: Mapping[int, str] = field(default_factory=dict)
    read_chunks: ReadChunks | None = None
    sub_planner: SubPlanner | None = None
    error: ErrorRecord | None = None
    world: WorldHandle | None = None


@dataclass(slots=True)
class CallResult:
    """What came of a call. `output` is None if it did not change; `retry`: the error is worth another try.

    `progress`: how far the action says that it is, if it slept or failed. `drafts` are sub-plans, to be
    stored with the step.
    """

    state: StepState
    output: str | None = None
    error: ErrorRecord | None = None
    produced: Produced = field(default_factory=Produced)
    seconds: float = 0.0
    retry: Retry | None = None
    progress: float | None = None
    drafts: Sequence[PlanDraft] = ()


def call(
    action: type[Action],
    phase: Phase,
    data: CallData,
    event: Event | Signal | None,
    chain: Chain = NO_MIDDLEWARE,
) -> CallResult:
    """Run one phase of an action on this thread and return what came of it; never raises."""
    began = time.perf_counter()
    stage: Stage | None = None
    made: Action | None = None
    try:
        stage = _stage(action, phase, data)
        made = action(stage)
        _through(chain, made, stage, phase, event)
        faultpoint("run.mid")
        result = _ended_well(made, stage)
    except SuspendedSignalError:
        result = _suspended(action, cast("Stage", stage))
    except StepCancelledError as error:
        undoing = phase is Phase.REVERT  # what is undone by half is an error, not an end
        result = CallResult(StepState.ERROR if undoing else StepState.CANCELLED, error=_record(error))
    except BaseException as error:  # noqa: BLE001 - the worker has to outlive whatever user code raises
        result = CallResult(StepState.ERROR, error=_record(error))
        if phase is not Phase.FINALIZE and not isinstance(event, Cancel | Skip):
            result.retry = _retry(action, error)
    if stage is not None:
        _keep(stage, data, result)
    if made is not None and result.state in (StepState.SUSPENDED, StepState.ERROR):
        result.progress = made.told_progress(phase.value)
    result.seconds = time.perf_counter() - began
    return result


def failure(error: BaseException) -> CallResult:
    """Return what an exception is of which a step ends in error."""
    return CallResult(StepState.ERROR, error=_record(error))


def host_request(action: type[HostAction], data: CallData) -> HostRequest | CallResult:
    """Ask a host action for its request; a CallResult if there is none to send, or it raised."""
    try:
        stage = _stage(action, Phase.RUN, data)
        made = action(stage)
        request = made.request_for_host()
        return request if request is not None else _ended_well(made, stage)
    except BaseException as error:  # noqa: BLE001 - the director has to outlive whatever user code raises
        return CallResult(StepState.ERROR, error=_record(error), retry=_retry(action, error))


def host_result(action: type[HostAction], data: CallData, reply: Reply) -> CallResult:
    """Give a host action the end of its request."""
    stage: Stage | None = None
    try:
        stage = _stage(action, Phase.RUN, data)
        made = action(stage)
        made.result(reply)
        return _ended_well(made, stage)
    except BaseException as error:  # noqa: BLE001 - as above
        result = CallResult(StepState.ERROR, error=_record(error), retry=_retry(action, error))
        if stage is not None:
            _keep(stage, data, result)
        return result


def _stage(action: type[Action], phase: Phase, data: CallData) -> Stage:
    given = json.loads(data.input) if data.input != _EMPTY else {}
    if REFERENCE_KEY in data.input:
        outputs = {key: json.loads(text) for key, text in data.outputs.items()}
        given = valid_input(action.name, action.Input, resolve(given, outputs))
    output = json.loads(data.output) if data.output != _EMPTY else {}
    stage = Stage(phase.value, data.plan_id, data.action_id, data.action_id == 1, given, output)
    stage.read_chunks, stage.sub_planner, stage.error = data.read_chunks, data.sub_planner, data.error
    stage.world = data.world
    return stage


def _through(chain: Chain, made: Action, stage: Stage, phase: Phase, event: Event | Signal | None) -> None:
    """Call what the phase calls, with the middlewares around it."""
    if not chain.has(phase):
        _enter(made, stage, phase, event)
    elif phase is Phase.FINALIZE:
        chain.around(phase, partial(_enter, made, stage, phase, None), made)()
    else:
        chain.around(phase, partial(_enter, made, stage, phase), made)(event)


def _enter(made: Action, stage: Stage, phase: Phase, event: Event | Signal | None) -> None:
    if isinstance(event, Abort):
        cast("Cancellable", made).on_abort()
    elif isinstance(event, Cancel):
        cast("Cancellable", made).on_cancel()
    elif isinstance(event, Timeout):
        stage.timeout = event.after
        made.on_timeout()
    elif isinstance(event, SubPlanFinished):
        cast("WithSubPlans", made).sub_plans_changed(event)
    elif isinstance(event, Poll):
        cast("Polling", made).on_poll()
    elif isinstance(event, Skip):
        made.on_skip()
    elif phase is Phase.FINALIZE:
        cast("Any", made).finalize()
    elif isinstance(made, HostAction) and phase is Phase.RUN:
        _enter_host_action(made, event)
    else:
        code = getattr(made, phase.value)
        code(_as_sent(event)) if type(made).takes_events(phase.value) else code()


def _enter_host_action(made: HostAction, event: Event | None) -> None:
    """What the director does with a host action, on a worker: there is middleware around it."""
    if isinstance(event, Reply):
        made.result(event)
    elif (request := made.request_for_host()) is not None:
        made.suspend(until=request, patience=FOREVER)


def _as_sent(event: Event | None) -> Event | None:
    """Give a user event its model back; here, where an error is the step's."""
    return UserEvent(loaded_event(event.value)) if isinstance(event, UserEvent) else event


def _ended_well(made: Action, stage: Stage) -> CallResult:
    if stage.produced.suspension is not None:
        raise SuspendSwallowedError(f"{made.name}: run caught the exception of suspend(); let it pass")
    output = to_json(valid_output(made.name, made.Output, stage.output))
    return CallResult(StepState.SUCCESS, output, produced=stage.produced)


def _suspended(action: type[Action], stage: Stage) -> CallResult:
    if not action.takes_events(stage.phase):
        error = PhaseError(f"{action.name}: a {stage.phase} without a parameter for events may not suspend")
        return CallResult(StepState.ERROR, error=_record(error))
    return CallResult(StepState.SUSPENDED, produced=stage.produced)


def _keep(stage: Stage, data: CallData, result: CallResult) -> None:
    """Keep what is kept however a call ends: what was written, and what was said."""
    if result.output is None:
        result.output = _kept_output(stage, data, result)
    result.produced.chunks = stage.produced.chunks


def _kept_output(stage: Stage, data: CallData, result: CallResult) -> str | None:
    """Return what was written before a suspend or an error; if it cannot be stored, the step says so."""
    try:
        return to_json(valid_output("", None, stage.output))
    except Exception as error:  # noqa: BLE001 - whatever hides in the output, the last committed one stays
        if result.error is None:
            result.state, result.error = StepState.ERROR, _record(error)
            result.produced = Produced()
        return data.output


def _record(error: BaseException) -> ErrorRecord:
    trace = "".join(traceback.format_exception(error)[-20:])
    kind = type(error).__name__
    return ErrorRecord(kind, (_message(error) or kind)[:4000], trace[-20_000:])


def _retry(action: type[Action], error: BaseException) -> Retry | None:
    wanted = action.retry
    return wanted if wanted is not None and isinstance(error, wanted.on) else None


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException:  # noqa: BLE001 - an author's exception may fail to describe itself
        return "its message could not be read"
