"""Storing plans to be planned later: delayed, elsewhere, after others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from mcoflow.action.base import Action
from mcoflow.action.chain import Chains
from mcoflow.action.naming import on_hosts, spoken, subject_of
from mcoflow.action.registry import Registry
from mcoflow.action.schema import valid_input
from mcoflow.action.stage import Stage
from mcoflow.clock import Clock
from mcoflow.domain.graph import Graph
from mcoflow.domain.plain import plain, to_json
from mcoflow.domain.records import HistoryRecord, HookRecord, PlanDraft, PlanRecord
from mcoflow.domain.recurrence import Recurrence, RecurrenceRecord, first_time
from mcoflow.domain.schedule import Schedule, ScheduleRecord, check_aware, in_utc, timestamp
from mcoflow.domain.states import PlanState
from mcoflow.engine.futures import Futures
from mcoflow.engine.handles import Scheduled
from mcoflow.engine.planner import check_plan_arguments, stored_arguments
from mcoflow.engine.wanted import Wanted
from mcoflow.engine.watch import Watch
from mcoflow.errors import ScheduleInvalidError
from mcoflow.ports.store import Store


class Scheduling:
    """What a world does with plans that have no owner yet; every act is one transaction of its own."""

    def __init__(
        self,
        store: Store,
        actions: Registry,
        clock: Clock,
        futures: Futures,
        watch: Watch,
        *,
        chains: Chains,
        ring: Callable[[], None],
    ) -> None:
        """Take how to tell an executor that something is due now."""
        self._store = store
        self._actions = actions
        self._clock = clock
        self._futures = futures
        self._watch = watch
        self._chains = chains
        self._ring = ring

    def submit(
        self,
        action: str,
        arguments: Mapping[str, Any],
        *,
        schedule: Schedule,
        user: str,
        plan_id: UUID | None = None,
        after: Collection[UUID] = (),
    ) -> UUID:
        """See Engine.schedule."""
        found, fields = self._checked(action, arguments)
        return self._keep(found, (), fields, schedule, Wanted(user, plan_id), after=after)

    def delay(
        self,
        schedule: Schedule,
        action: type[Action],
        args: Sequence[Any],
        named: Mapping[str, Any],
        wanted: Wanted,
        *,
        after: Collection[UUID] = (),
    ) -> Scheduled:
        """See World.delay."""
        plan_id = wanted.plan_id or uuid4()
        future = self._futures.of(plan_id)
        try:
            self._keep(action, args, named, schedule, replace(wanted, plan_id=plan_id), after=after)
        except BaseException:
            self._futures.forget(plan_id)
            raise
        self._futures.stored(plan_id)
        if wanted.plan_id is not None or after:
            self._futures.look(plan_id)  # it may be an older one, or what it waits for has failed already
        return Scheduled(plan_id, future)

    def chain(
        self,
        after: Collection[UUID],
        action: type[Action],
        args: Sequence[Any],
        named: Mapping[str, Any],
        wanted: Wanted,
    ) -> Scheduled:
        """See World.chain."""
        if not after:
            raise ScheduleInvalidError(
                "a chain needs a plan to wait for: use delay or plan_elsewhere without one"
            )
        return self.delay(Schedule(), action, args, named, wanted, after=after)

    def recur(
        self,
        recurrence: Recurrence,
        action: type[Action],
        args: Sequence[Any],
        named: Mapping[str, Any],
        *,
        user: str,
    ) -> UUID:
        """See World.recur."""
        plain(stored_arguments(args, named))
        wanted, now = uuid4(), self._now()
        record = RecurrenceRecord(
            id=wanted,
            action=action.name,
            args="",
            label=label_of(action, named)[0],
            created_at=now,
            cron=recurrence.cron,
            timezone=recurrence.timezone,
            starts=timestamp(recurrence.starts),
            ends=timestamp(recurrence.ends),
            max_runs=recurrence.max_runs,
            overlap=recurrence.overlap,
            missed=recurrence.missed,
            purpose=recurrence.purpose or None,
            user=user,
        )
        first = first_time(record, now)
        if first is None:
            ends = f" before it ends ({in_utc(recurrence.ends)})" if recurrence.ends else ""
            raise ScheduleInvalidError(f"{recurrence.cron!r} has no time{ends}")
        schedule = Schedule(datetime.fromtimestamp(first, UTC))
        args, named, given = self._delay_phase(action, schedule, args, named, wanted)
        stored = to_json(plain(stored_arguments(args, named)))
        self._store.add_recurrence(replace(record, args=stored, input=given, next_at=first))
        return wanted

    def submit_recurrence(
        self, action: str, arguments: Mapping[str, Any], *, recurrence: Recurrence, user: str
    ) -> UUID:
        """See Engine.recur_action."""
        found, fields = self._checked(action, arguments)
        return self.recur(recurrence, found, (), fields, user=user)

    def freeze(self, plan_id: UUID, *, actor: str) -> None:
        """See World.freeze."""
        self._store.freeze(plan_id, actor=actor, at=self._now())
        self._told(plan_id)

    def unfreeze(self, plan_id: UUID, *, start_at: datetime | None, actor: str) -> None:
        """See World.unfreeze."""
        check_aware("start_at", start_at)
        self._store.unfreeze(plan_id, timestamp(start_at), actor=actor, at=self._now())
        self._told(plan_id)
        self._ring()

    def cancel(self, plan_id: UUID, *, actor: str) -> bool:
        """Stop a scheduled plan as cancelled; False if it is not scheduled any more."""
        cancelled = self._store.cancel_scheduled(plan_id, actor=actor, at=self._now())
        if cancelled:
            self._told(plan_id)
            self._ring()  # plans that waited for it end, too
        return cancelled

    def _checked(self, action: str, arguments: Mapping[str, Any]) -> tuple[type[Action], Mapping[str, Any]]:
        """Return the registered action, and its arguments as it takes them."""
        found = self._actions.find(action)
        if found.Input is not None:
            return found, valid_input(action, found.Input, arguments)
        check_plan_arguments(found, (), arguments)
        return found, arguments

    def _keep(
        self,
        action: type[Action],
        args: Sequence[Any],
        named: Mapping[str, Any],
        schedule: Schedule,
        wanted: Wanted,
        *,
        after: Collection[UUID],
    ) -> UUID:
        plan_id, user = wanted.plan_id or uuid4(), wanted.user
        if plan_id in after:
            raise ScheduleInvalidError(f"plan {plan_id} would wait for its own end: leave it out of `after`")
        plain(stored_arguments(args, named))
        args, named, given = self._delay_phase(action, schedule, args, named, plan_id)
        stored = to_json(plain(stored_arguments(args, named)))
        now = self._now()
        label, where = label_of(action, named)
        plan = PlanRecord(
            plan_id,
            label,
            action.name,
            PlanState.SCHEDULED,
            now,
            user=user,
            args=stored,
            hosts=where,
        )
        wanted.mark(plan)
        plan.hooks = ((1, action.name),) if action.plan_hooks else ()
        hooks = HookRecord.of(plan, (PlanState.PENDING, plan.state), now) if plan.hooks else []
        told = HistoryRecord(plan_id, now, "delay", actor=user, detail=in_words(schedule, after))
        record = ScheduleRecord(
            plan_id,
            timestamp(schedule.start_at),
            timestamp(schedule.start_before),
            schedule.frozen,
            input=given,
        )
        if self._store.schedule(PlanDraft(plan, [], [], Graph({}), [told], hooks), record, after):
            self._ring_if_due(record, now)
        return plan_id

    def _delay_phase(
        self,
        action: type[Action],
        schedule: Schedule,
        args: Sequence[Any],
        named: Mapping[str, Any],
        plan_id: UUID,
    ) -> tuple[Sequence[Any], Mapping[str, Any], str]:
        """Run it, and return the arguments with which it was reached, and the input that it wrote."""
        made = action(Stage("delay", plan_id, 1, True, {}, {}))
        reached: list[tuple[Sequence[Any], Mapping[str, Any]]] = []

        def delay(*args: Any, **named: Any) -> None:
            reached.append((args, named))
            made.delay(schedule, *args, **named)

        self._chains.of(action).around("delay", delay, made)(*args, **named)
        last_args, last_named = reached[-1] if reached else (args, named)
        return last_args, last_named, to_json(plain(made.input))

    def _ring_if_due(self, record: ScheduleRecord, now: float) -> None:
        if record.start_at is None or record.start_at <= now:
            self._ring()

    def _told(self, plan_id: UUID) -> None:
        """Tell those in this process who watch a plan that was changed behind their backs."""
        self._futures.look(plan_id)
        self._watch.ring((plan_id,))

    def _now(self) -> float:
        return self._clock.now().timestamp()


def label_of(action: type[Action], named: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Return what to call a plan that is not planned yet, and its hosts, as far as its arguments tell."""
    given = named.get("hosts") or [named.get("host")]
    hosts = (
        tuple(dict.fromkeys(each for each in given if isinstance(each, str)))
        if isinstance(given, list)
        else ()
    )
    if not action.title and not hosts:
        return action.name, hosts
    words = (action.title or spoken(action.name), subject_of(named), on_hosts(hosts))
    return " ".join(word for word in words if word)[:200], hosts


def in_words(schedule: Schedule, after: Collection[UUID]) -> str:
    """Say what a plan waits for, for its history."""
    parts = [
        f"from {in_utc(schedule.start_at)}" if schedule.start_at else "",
        f"before {in_utc(schedule.start_before)}" if schedule.start_before else "",
        "frozen" if schedule.frozen else "",
        f"after {', '.join(map(str, after))}" if after else "",
    ]
    return "; ".join(part for part in parts if part)
