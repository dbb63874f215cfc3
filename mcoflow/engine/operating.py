"""What people ask of plans, as methods of the world."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from mcoflow.clock import Clock
from mcoflow.domain.census import Census
from mcoflow.domain.query import CleanPolicy, CleanReport
from mcoflow.domain.records import HistoryRecord, JsonObject, PlanRecord
from mcoflow.domain.requests import CommandKind, Cover, WorldRecord
from mcoflow.domain.states import PlanResult, PlanState
from mcoflow.engine.admission import Admissions
from mcoflow.engine.cleaning import clean
from mcoflow.engine.commands import COMMAND_WAIT, Commands
from mcoflow.engine.event_futures import EventFuture, EventFutures
from mcoflow.engine.executor import Executor
from mcoflow.engine.futures import Futures, PlanFuture
from mcoflow.engine.observing import Observing
from mcoflow.engine.queries import Queries
from mcoflow.engine.settings import WorldSettings
from mcoflow.engine.watch import Watch
from mcoflow.errors import CommandRefusedError
from mcoflow.ports.observer import Observer
from mcoflow.ports.store import Store

log = logging.getLogger("mcoflow.operating")


@dataclass(frozen=True, slots=True)
class CancelResult:
    """Which steps got the signal."""

    step_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SkipResult:
    """Which steps were, or would be, skipped."""

    step_ids: tuple[int, ...]


class Operating(ABC):
    """The part of a world that operators use.

    Commands are stored, and applied by the owner of the plan, or by an executor that takes it up for that.
    They raise PlanNotFoundError, CommandRefusedError when the state of the plan forbids it, and
    WaitTimeoutError when it is committed and no executor has applied it yet. `halt` and `delete` need none.
    """

    _store: Store
    _clock: Clock
    _watch: Watch
    _futures: Futures
    _event_futures: EventFutures
    _commands: Commands
    _executor: Executor | None
    _observer: Observer
    _observing: Observing
    _settings: WorldSettings

    @property
    def admissions(self) -> Admissions:
        """See Engine.admissions."""
        return Admissions(self._store)

    @abstractmethod
    def command(
        self, plan_id: UUID, kind: CommandKind, arguments: Mapping[str, Any], *, actor: str, wait: timedelta
    ) -> dict[str, Any]:
        """See Engine.command."""

    def cancel(self, plan_id: UUID, *, force: bool = False, actor: str = "") -> CancelResult:
        """Let nothing more start and tell the steps that sleep; those inside their code end by themselves.

        `force`: hosts kill what must not be interrupted too, such as a package tool half-way; what it leaves
        behind has to be repaired there. Sub-plans are told to cancel, not to kill.
        """
        how = {"force": True} if force else {}
        return self._told(self.command(plan_id, CommandKind.CANCEL, how, actor=actor, wait=COMMAND_WAIT))

    def abort(self, plan_id: UUID, *, actor: str = "") -> CancelResult:
        """Cancel by force: no host is waited for, and sleeping steps that cannot be told end at once."""
        return self._told(self._order(plan_id, CommandKind.ABORT, actor))

    def pause(self, plan_id: UUID, *, after_wave: bool = False, actor: str = "") -> None:
        """Let the steps under way end, then rest until `resume`; asking twice changes nothing.

        `after_wave`: let all hosts of the current wave have their turn before, if hosts take turns.
        """
        how = {"after": "wave"} if after_wave else {}
        self.command(plan_id, CommandKind.PAUSE, how, actor=actor, wait=COMMAND_WAIT)

    def event(
        self, plan_id: UUID, step_id: int, value: Any, *, optional: bool = False, actor: str = ""
    ) -> EventFuture:
        """Send an event to a step: JSON, or a model registered with @user_event. Returns once it is stored.

        The future is resolved when the step has taken it, and rejected when it is refused, or left over as
        the step ends: EventDroppedError; CommandRefusedError if the plan does not run, PlanNotFoundError if
        there is none. An `optional` event that finds nobody is no error: its future is resolved.

        Raises:
            EventDroppedError: a model that is not registered; nothing was sent.
            NotSerialisableError: the value is no JSON; nothing was sent.
            WaitTimeoutError: the database does not answer, so that it is not stored yet.
        """
        return self._commands.send(plan_id, step_id, value, optional=optional, actor=actor)

    def skip(
        self,
        plan_id: UUID,
        step_id: int,
        *,
        cover: Cover = Cover.FOLLOWERS,
        dry_run: bool = False,
        actor: str = "",
    ) -> SkipResult:
        """Skip a failed step of a paused plan, with what it covers; done when the plan is resumed.

        With `dry_run` nothing is changed, and the result names what would be skipped.
        """
        given = {"step_id": step_id, "cover": cover.value, "dry_run": dry_run}
        answer = self.command(plan_id, CommandKind.SKIP, given, actor=actor, wait=COMMAND_WAIT)
        return SkipResult(tuple(answer["step_ids"]))

    def amend_input(self, plan_id: UUID, action_id: int, input: JsonObject, *, actor: str = "") -> None:  # noqa: A002
        """Give an action of a paused plan whose run step is not done another input; `resume` works with it.

        Raises:
            InputInvalidError: it does not fit the action's Input; nothing changed.
        """
        given = {"action_id": action_id, "input": dict(input)}
        self.command(plan_id, CommandKind.AMEND, given, actor=actor, wait=COMMAND_WAIT)

    def revert(self, plan_id: UUID, *, actor: str = "") -> PlanFuture:
        """Undo what a paused plan has done, the last step first; the future resolves when it is at rest."""
        self._order(plan_id, CommandKind.REVERT, actor)
        future = self._futures.of(plan_id)
        self._futures.stored(plan_id)
        self._futures.look(plan_id)
        return future

    def halt(self, plan_id: UUID, *, reason: str, actor: str = "") -> None:
        """Stop the plan at once, whoever runs it and whatever that hangs in: nobody is waited for or asked.

        Its open steps are cancelled, the effect of what was under way unknown; what is sent to it is refused;
        user code that is inside runs out, and writes nothing. Its sub-plans are halted after it, each in a
        transaction of its own; should this process die meanwhile, halting the plan again halts the rest.

        Raises:
            PlanNotFoundError, CommandRefusedError: there is no such plan, or it is stopped and none of its
                sub-plans lives.
            StoreUnavailableError: the database is away; nothing was changed, or not all sub-plans halted.
        """
        halted = self._halt(plan_id, reason, actor)
        makes_no_more = halted or self._store.plan(plan_id).result is PlanResult.HALTED
        if not (makes_no_more and self._halt_below(plan_id, reason, actor)) and not halted:
            raise CommandRefusedError.by_state("a halt", plan_id, PlanState.STOPPED, ())

    def _halt(self, plan_id: UUID, reason: str, actor: str) -> bool:
        line = HistoryRecord(plan_id, self._clock.now().timestamp(), "halt", None, actor, reason)
        if not self._store.halt(line):
            return False
        if self._observing.observed:
            self._observing.halted(self._store.plan(plan_id))
        self._gone(plan_id)
        return True

    def _halt_below(self, plan_id: UUID, reason: str, actor: str) -> bool:
        """Halt the sub-plans of a halted plan, which makes no more of them; whether there were any."""
        found = False
        while living := self._store.living_below(plan_id):
            found = True
            for child_id in living:
                self._halt(child_id, f"{reason} (with task {plan_id})", actor)
        return found

    def delete(self, plan_id: UUID, *, actor: str = "") -> None:
        """Remove a plan that is stopped, or paused with an error, with all that belongs to it, sub-plans too.

        Raises:
            PlanNotFoundError: there is no such plan.
            CommandRefusedError: it stands elsewhere, another plan waits for it, or sub-plans of it have not
                stopped; nothing was changed.
        """
        if not self._store.delete_plan(plan_id):
            plan = self._store.plan(plan_id)
            parent = self._parent_going_on(plan)
            if parent is not None:
                message = (
                    f"task {plan_id} is a sub-plan of task {parent}, which has not ended: end that first"
                )
                raise CommandRefusedError(message, plan_id, plan.state, ())
            raise CommandRefusedError.by_state("a delete", plan_id, plan.state, (CommandKind.CANCEL,))
        log.info("plan.deleted", extra={"plan": str(plan_id), "actor": actor})
        self._gone(plan_id)

    def _parent_going_on(self, plan: PlanRecord) -> UUID | None:
        if plan.caller_plan_id is None or not plan.caller_action_id or plan.caller_action_id < 0:
            return None
        status = self._store.statuses([plan.caller_plan_id]).get(plan.caller_plan_id)
        return None if status is None or status.state is PlanState.STOPPED else plan.caller_plan_id

    def clean(self, policy: CleanPolicy) -> CleanReport:
        """Remove old plans; see `mcoflow.engine.cleaning.clean`."""
        return clean(self._store, policy, now=self._clock.now(), observer=self._observer)

    def worlds(self) -> Sequence[WorldRecord]:
        """Return the processes that take part, the oldest first; `alive` by the database's clock."""
        return self._store.worlds()

    def check(self) -> Census:
        """Tell which worlds are live, late or dead, and which rows have no plan; nothing is changed."""
        beat = self._settings.heartbeat.total_seconds()
        found, now, orphans = self._store.worlds(), self._store.now(), self._store.orphans()
        return Census.of(found, now=now, heartbeat=beat, orphans=orphans)

    def invalidate(self, world_id: UUID) -> bool:
        """Declare a world dead, so that others take its plans up; False if it is no living one.

        Should it live all the same, what it writes is refused, and it goes on under a new id.
        """
        done = self._store.invalidate_world(world_id)
        if done:
            log.warning("world.invalidated", extra={"world": str(world_id)})
            if self._executor is not None:
                self._executor.ring()
        return done

    @property
    def plans(self) -> Queries:
        """What is stored about plans."""
        return Queries(self._store)

    def _gone(self, plan_id: UUID) -> None:
        """Tell those in this process who have to do with a plan that was changed behind their backs."""
        if self._executor is not None:
            self._executor.let_go(plan_id)
            self._executor.schedules.ring()  # others may have waited for its end
        self._futures.look(plan_id)
        self._event_futures.look(plan_id)
        self._watch.ring((plan_id,))

    def _order(self, plan_id: UUID, kind: CommandKind, actor: str) -> dict[str, Any]:
        return self.command(plan_id, kind, {}, actor=actor, wait=COMMAND_WAIT)

    @staticmethod
    def _told(answer: Mapping[str, Any]) -> CancelResult:
        return CancelResult(tuple(answer["step_ids"]))
