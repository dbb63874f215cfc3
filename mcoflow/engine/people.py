"""What people ask of a plan: cancel, resume, skip, events. Every command gets one answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from mcoflow.action.registry import Registry
from mcoflow.action.schema import valid_input
from mcoflow.action.stage import PlannedEvent
from mcoflow.domain.plain import to_json
from mcoflow.domain.records import StepRecord
from mcoflow.domain.reference import find_references
from mcoflow.domain.requests import CommandAnswer, CommandKind, CommandRecord, Cover
from mcoflow.domain.states import FINAL_STEP_STATES, Phase, PlanState
from mcoflow.engine.batch import Batch
from mcoflow.engine.flights import CANCELLED_BY_PEOPLE, KILLED_BY_PEOPLE
from mcoflow.engine.memory import Memory
from mcoflow.engine.patient import PatientStore
from mcoflow.engine.plan_run import PlanRun
from mcoflow.engine.revert import Reverting
from mcoflow.engine.steps import Steps
from mcoflow.engine.waking import takes_events
from mcoflow.errors import CommandRefusedError, EventDroppedError, McoflowError
from mcoflow.ports.measures import EVENTS

_K = CommandKind
ALLOWED: Final[Mapping[PlanState, tuple[CommandKind, ...]]] = {
    PlanState.PENDING: (),
    PlanState.SCHEDULED: (_K.CANCEL, _K.HALT),
    PlanState.PLANNING: (_K.CANCEL, _K.HALT),
    PlanState.PLANNED: (_K.CANCEL, _K.HALT),
    PlanState.RUNNING: (_K.PAUSE, _K.CANCEL, _K.ABORT, _K.HALT, _K.EVENT),
    PlanState.PAUSED: (_K.RESUME, _K.SKIP, _K.CANCEL, _K.HALT),
    PlanState.STOPPED: (),
}
"""What may be asked of a plan, by its state; pages and commands offer what stands here."""
_TAKEN_TOO: Final = frozenset(
    {
        (PlanState.PAUSED, _K.PAUSE),
        (PlanState.RUNNING, _K.RESUME),
        (PlanState.SCHEDULED, _K.ABORT),
        (PlanState.PLANNING, _K.ABORT),
        (PlanState.PLANNED, _K.ABORT),
        (PlanState.PAUSED, _K.ABORT),
        (PlanState.PAUSED, _K.REVERT),
        (PlanState.PAUSED, _K.AMEND),
    }
)
"""Taken and not offered: it is so already, a cancel says the same, its classes may not have it, or it is only
taken while a pause is asked for that has not come."""


class People:
    """Applies commands to plans in memory; a refusal is an answer too."""

    def __init__(self, memory: Memory, steps: Steps, actions: Registry, reverting: Reverting) -> None:
        self._memory = memory
        self._steps = steps
        self._actions = actions
        self._reverting = reverting

    def apply(self, batch: Batch, command: CommandRecord) -> CommandAnswer:
        """Apply a command to a plan that is in memory, and return the answer."""
        run = self._memory.runs[command.plan_id]
        batch.touch(run)
        try:
            return CommandAnswer(command.id, self._do(batch, run, command))
        except McoflowError as error:
            if command.kind is CommandKind.EVENT:
                batch.tell(None, (EVENTS, "user", "refused"), step=command.args.get("step_id", 0))
            return CommandAnswer(command.id, {}, type(error).__name__, str(error))

    def refuse_if_over(self, batch: Batch, command: CommandRecord, store: PatientStore) -> None:
        """Answer a command to a plan that nobody can take up any more, because it is stopped."""
        plan = store.plan(command.plan_id)
        state = plan.state
        if command.kind is CommandKind.CHAIN and state is PlanState.STOPPED:
            batch.rests.append(plan)
            batch.answers.append((None, CommandAnswer(command.id)))
        elif state is PlanState.STOPPED:
            error = CommandRefusedError.by_state(_named(command.kind), command.plan_id, state, ())
            batch.answers.append((None, CommandAnswer(command.id, {}, type(error).__name__, str(error))))

    def _do(self, batch: Batch, run: PlanRun, command: CommandRecord) -> dict[str, Any]:
        if command.kind is not CommandKind.CHAIN:
            check_allowed(run.id, run.plan.state, command.kind)
        match command.kind:
            case CommandKind.CANCEL:
                return {"step_ids": self._cancel(batch, run, command)}
            case CommandKind.ABORT:
                return {"step_ids": self._abort(batch, run, command.actor)}
            case CommandKind.SKIP:
                return {"step_ids": self._skip(batch, run, command)}
            case _:
                self._do_quietly(batch, run, command)
                return {}

    def _do_quietly(self, batch: Batch, run: PlanRun, command: CommandRecord) -> None:
        """Apply a command that has no result."""
        match command.kind:
            case CommandKind.PAUSE:
                self._pause(batch, run, command.actor, after=command.args.get("after"))
            case CommandKind.RESUME if run.plan.state is PlanState.RUNNING:
                self._withdraw_pause(batch, run, command.actor)
            case CommandKind.RESUME:
                self._steps.note(batch, run, "start execution", actor=command.actor, detail="resumed")
                heard = self._steps.skipping.to_hear(run)
                batch.open(run, run.begin(batch.now, heard))
                self._steps.skipping.hear(batch, run, heard)
            case CommandKind.REVERT:
                self._reverting.start(batch, run, actor=command.actor)
            case CommandKind.EVENT:
                self._event(batch, run, command)
            case CommandKind.AMEND:
                self._amend(batch, run, command)
            case CommandKind.CHAIN:
                run.plan.chained = True
            case _:
                message = f"{_named(command.kind)} waits for no executor: call World.{command.kind.value}"
                raise CommandRefusedError(message, run.id, run.plan.state, ALLOWED[run.plan.state])

    def _cancel(self, batch: Batch, run: PlanRun, command: CommandRecord) -> list[int]:
        """Let nothing more start, and tell the steps that sleep; a plan at rest ends at once.

        By `force` hosts kill what must not be interrupted, too.
        """
        force = bool(command.args.get("force"))
        told = self._let_nothing_start(batch, run, _K.CANCEL, command.actor, detail="by force" * force)
        why = KILLED_BY_PEOPLE if force else CANCELLED_BY_PEOPLE
        return [step.id for step in told if self._steps.signal_cancel(batch, run, step, why)]

    def _abort(self, batch: Batch, run: PlanRun, actor: str) -> list[int]:
        """As a cancel, but wait for nobody who sleeps."""
        told = self._let_nothing_start(batch, run, _K.ABORT, actor)
        run.plan.abort_requested = True
        return [step.id for step in told if self._steps.signal_abort(batch, run, step)]

    def _let_nothing_start(
        self, batch: Batch, run: PlanRun, kind: CommandKind, actor: str, *, detail: str = ""
    ) -> list[StepRecord]:
        """Mark the plan as cancelled, and stop it if it is at rest; return the steps that sleep.

        Those forward it to their sub-plans; at rest none sleeps, and sub-plans may yet go on.
        """
        self._steps.note(batch, run, kind.value, actor=actor, detail=detail)
        run.plan.cancel_requested, run.plan.pause_requested = True, False
        if run.plan.state is PlanState.RUNNING:
            return run.suspended()
        self._steps.parents.forward(run, kind, actor=actor, now=batch.now)
        run.stop_at_rest(batch.now)
        self._steps.note(batch, run, "finish execution", detail="cancelled")
        return []

    def _pause(self, batch: Batch, run: PlanRun, actor: str, *, after: str | None) -> None:
        """Let what is under way end, and nothing more start; asked for twice, or at rest, nothing changes.

        `after` a `wave`: let all hosts of the current wave have their turn before. Between two waves the
        current one has ended, so that is at once.
        """
        plan = run.plan
        if after not in (None, "wave"):
            message = f"a pause comes at once, or after the current 'wave': there is no {str(after)[:80]!r}"
            raise CommandRefusedError(message, run.id, plan.state, ALLOWED[plan.state])
        if plan.cancel_requested and plan.state is PlanState.RUNNING:
            message = f"task {run.id} is being cancelled, it does not pause: abort it to wait for no host"
            raise CommandRefusedError(message, run.id, plan.state, (_K.CANCEL, _K.ABORT, _K.HALT))
        if plan.state is not PlanState.RUNNING or plan.pause_requested:
            return
        if after == "wave" and plan.rollout is not None and not _is_between_waves(run):
            if not plan.rollout.pause_after_wave:
                plan.rollout = replace(plan.rollout, pause_after_wave=True)
                self._steps.note(batch, run, "pause", actor=actor, detail="after the current wave")
            return
        plan.pause_requested = True
        self._steps.note(batch, run, "pause", actor=actor)
        for step in run.suspended():
            if self._steps.waking.awaits_next_try(run, step):
                self._steps.hold(batch, run, step)

    def _withdraw_pause(self, batch: Batch, run: PlanRun, actor: str) -> None:
        """Let a running plan go on that was to pause, at once or after a wave."""
        plan = run.plan
        after_wave = plan.rollout is not None and plan.rollout.pause_after_wave
        if plan.cancel_requested or not (plan.pause_requested or after_wave):
            names = [each.value for each in ALLOWED[plan.state] if each is not _K.EVENT]
            raise CommandRefusedError.by_state(_named(_K.RESUME), run.id, plan.state, names)
        if plan.rollout is not None:
            plan.rollout = replace(plan.rollout, pause_after_wave=False)
        self._steps.note(batch, run, "resume", actor=actor, detail="the pause is withdrawn")
        if plan.pause_requested:
            plan.pause_requested = False
            self._steps.open_anew(batch, run)

    def _skip(self, batch: Batch, run: PlanRun, command: CommandRecord) -> list[int]:
        step_id = command.args.get("step_id")
        step = run.steps.get(step_id) if isinstance(step_id, int) else None
        if step is None or step not in run.failed_steps():
            failed = [str(each.id) for each in run.failed_steps()]
            way_out = f"those that can: {', '.join(failed)}" if failed else "resume the task to go on"
            message = f"step {step_id} is not in error, it cannot be skipped; {way_out}"
            raise CommandRefusedError(message, run.id, run.plan.state, (CommandKind.RESUME,))
        followers = command.args.get("cover", Cover.FOLLOWERS) == Cover.FOLLOWERS
        covered = run.covered_by_skip(step.id, followers=followers)
        if not command.args.get("dry_run"):
            self._steps.skipping.mark(run, step.id, covered, batch.now, followers=followers)
            names = ", ".join(map(str, covered))
            self._steps.note(batch, run, "skip", actor=command.actor, detail=f"steps {names}")
        return covered

    def _amend(self, batch: Batch, run: PlanRun, command: CommandRecord) -> None:
        """Give an action another input, checked as its first one was; only what is not done reads it."""
        action_id = command.args.get("action_id")
        steps = [step for step in run.steps.values() if step.action_id == action_id]
        if not steps or any(step.phase is Phase.RUN and step.state in FINAL_STEP_STATES for step in steps):
            failed = ", ".join(f"{step.action_id} ({step.action})" for step in run.failed_steps())
            message = f"action {action_id} is done or not there, its input stays; those in error: {failed}"
            raise CommandRefusedError(message, run.id, run.plan.state, ALLOWED[run.plan.state])
        action = self._actions.find(steps[0].action)
        wanted = command.args.get("input") or {}
        find_references(wanted)  # refuses the key that is ours: it would be read as one
        given = to_json(valid_input(action.name, action.Input, wanted))
        key = (run.id, steps[0].action_id)
        self._memory.texts.load([key])
        batch.inputs[key] = given
        self._memory.texts.put(key, (given, self._memory.texts.get(key)[1]))
        self._steps.note(batch, run, "amend input", actor=command.actor, detail=f"of action {action_id}")

    def _event(self, batch: Batch, run: PlanRun, command: CommandRecord) -> None:
        step_id = command.args.get("step_id", 0)
        step = run.steps.get(step_id)
        if step is None or not takes_events(step):
            raise EventDroppedError(
                f"no step {command.args.get('step_id')} of plan {run.id} waits for events"
            )
        given = command.args
        event = PlannedEvent(given.get("value"), at=given.get("at"), optional=bool(given.get("optional")))
        self._steps.sending.deliver(batch, run, step, event, event_id=command.id)


def check_allowed(plan_id: UUID, state: PlanState, kind: CommandKind) -> None:
    """Raise CommandRefusedError, naming what is allowed, unless the state takes the command."""
    allowed: Sequence[CommandKind] = ALLOWED[state]
    if kind not in allowed and (state, kind) not in _TAKEN_TOO:
        names = [each.value for each in allowed if each is not CommandKind.EVENT]
        raise CommandRefusedError.by_state(_named(kind), plan_id, state, names)


def _is_between_waves(run: PlanRun) -> bool:
    """Whether nobody has their turn, and the next wave waits for its time."""
    tallies = [waves.tally for waves in run.waves]
    waits = any(tally.opens_at is not None for tally in tallies)
    return waits and not any(tally.under_way for tally in tallies)


def _named(kind: CommandKind) -> str:
    """Return a command as it stands in a sentence: `a cancel`, `an abort`."""
    return f"{'an' if kind.value[0] in 'aeiou' else 'a'} {kind.value}"
