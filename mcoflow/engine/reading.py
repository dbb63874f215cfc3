"""What the director does with each letter but replies, which it takes all at once."""

from __future__ import annotations

from uuid import UUID

from mcoflow.domain.records import PlanSnapshot
from mcoflow.domain.requests import CommandAnswer
from mcoflow.domain.states import PlanState
from mcoflow.engine.batch import Batch
from mcoflow.engine.deadlines import Deadlines
from mcoflow.engine.finalizing import PhaseDone
from mcoflow.engine.hooks import HookDone
from mcoflow.engine.letter import HostDeclared, LetGo, Letter, PlanMade, RepliesRead, Ring, Told
from mcoflow.engine.lookout import Lookout
from mcoflow.engine.parts import Parts
from mcoflow.engine.plan_run import PlanRun
from mcoflow.engine.post import Receipted
from mcoflow.engine.quarantine import break_off
from mcoflow.engine.rescue import RescueAsked
from mcoflow.engine.work import JobDone
from mcoflow.errors import StoreUnavailableError
from mcoflow.ports.bus import Link, LinkReport, Parcel


class Reading:
    """Applies letters to the batch; what goes wrong with one breaks off the plan that it is about."""

    def __init__(self, parts: Parts, deadlines: Deadlines, lookout: Lookout, world_id: UUID) -> None:
        self._parts = parts
        self._memory = parts.memory
        self._deadlines = deadlines
        self._lookout = lookout
        self._world_id = world_id

    def apply(self, batch: Batch, letter: Letter) -> None:
        """Apply a letter; raise only what concerns no plan."""
        try:
            if not self._of_plan(batch, letter):
                self._of_world(batch, letter)
        except StoreUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 - one plan is at fault, the others must not suffer
            self._failed(batch, letter, error)

    def _of_plan(self, batch: Batch, letter: Letter) -> bool:
        match letter:
            case Receipted():
                self._parts.receipts.apply(batch, letter)
            case JobDone():
                self._parts.steps.job_done(batch, letter)
            case PhaseDone():
                self._parts.steps.finalizing.done(batch, letter)
            case RescueAsked():
                self._parts.resting.rescued(batch, letter)
            case PlanMade():
                self._plan_made(batch, letter)
            case Told():
                self._told(batch, letter)
            case HostDeclared(request_id=request_id):
                self._parts.receipts.send_again(batch, request_id)
            case HookDone(plan_id=plan_id, hook_id=hook_id):
                batch.dropped_hooks.append((plan_id, hook_id))
            case LetGo(plan_id=plan_id):
                self._memory.forget_plan(plan_id)
            case _:
                return False
        return True

    def _of_world(self, batch: Batch, letter: Letter) -> None:
        match letter:
            case LinkReport(link=link, anew=anew):
                self._deadlines.up_since = batch.now if link is Link.UP else None
                if anew:
                    self._parts.receipts.send_all_again(batch)
            case RepliesRead(at=at):
                self._deadlines.read_until = max(at, self._deadlines.read_until)
            case Ring():
                self._lookout.next_look = 0.0

    def _told(self, batch: Batch, told: Told) -> None:
        if told.command.plan_id in self._memory.runs:
            answer = self._parts.people.apply(batch, told.command)
            batch.told.append((told.answered, told.command.plan_id, answer))
        else:
            told.answered.set_result(None)

    def _failed(self, batch: Batch, letter: Letter, error: Exception) -> None:
        """Break off the plan that a letter is about."""
        match letter:
            case JobDone(plan_id=plan_id) | PhaseDone(plan_id=plan_id) | RescueAsked(plan_id=plan_id):
                break_off(self._memory, batch, plan_id, error)
            case Told(command=command):
                break_off(self._memory, batch, command.plan_id, error)
                refusal = CommandAnswer(command.id, {}, type(error).__name__, str(error))
                batch.told.append((letter.answered, command.plan_id, refusal))
            case PlanMade(draft=draft):
                break_off(self._memory, batch, draft.plan.id, error)
            case Receipted(parcel=Parcel(message_id=request_id)) | HostDeclared(request_id=request_id):
                record = self._memory.flights.open.get(request_id)
                if record is None:
                    raise error
                break_off(self._memory, batch, record.plan_id, error)
            case _:
                raise error

    def _plan_made(self, batch: Batch, made: PlanMade) -> None:
        """Take up a plan that is stored in this same commit: its steps begin at once."""
        draft = made.draft
        (batch.planned if made.scheduled else batch.drafts)[draft.plan.id] = draft
        batch.resolved.append((made.stored, draft.plan.id))
        if draft.plan.state is PlanState.STOPPED:
            return
        if not made.scheduled:
            draft.plan.owner, draft.plan.epoch = self._world_id, 1
        run = PlanRun(PlanSnapshot(draft.plan, draft.steps, draft.graph))
        self._memory.runs[run.id] = run
        for action in draft.actions:
            self._memory.texts.put((run.id, action.id), (action.input, action.output))
        self._parts.steps.note(batch, run, "start execution")
        batch.open(run, run.begin(batch.now))
