"""Orders of programs: looked at before they are given, given once however often they are sent."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

from mcoflow.action.registry import REGISTERED, Registry
from mcoflow.action.schema import valid_input
from mcoflow.actions.turns import RolloutInput
from mcoflow.domain.plain import to_json
from mcoflow.domain.presence import Presence
from mcoflow.domain.records import PlanRecord
from mcoflow.domain.schedule import Schedule
from mcoflow.domain.states import PlanState
from mcoflow.engine.scheduling import in_words
from mcoflow.errors import (
    InputInvalidError,
    KeyReusedError,
    NotSerialisableError,
    PlanExistsError,
    PlanNotFoundError,
    PreviewStaleError,
    ScheduleInvalidError,
    TargetError,
    UnknownActionError,
)
from mcoflow.ports.engine import Engine
from mcoflow.ports.store import Reader
from mcoflow.services.actions import action_named, is_action
from mcoflow.services.fields import Order
from mcoflow.services.keys import task_of_key
from mcoflow.services.operations import ACTION as OPERATION
from mcoflow.services.operations import Operations, is_operation
from mcoflow.services.plans import Plans
from mcoflow.services.portions import PORTIONED, OrderPreview, Portions
from mcoflow.services.present import arguments_of
from mcoflow.services.schedules import Schedules

__all__ = ["Asked", "Made", "Orders", "Previewed", "RolloutInput"]

_PREPARED: Final = frozenset({"timeout", PORTIONED})
"""What is filled in for an operation as its hosts declare it."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asked:
    """An order as a program states it. `targets`, `rollout`, `offline` say where if the input does not.

    `action` may be an operation that hosts declare, like `package.search`: then the input is its own.
    """

    action: str
    input: Mapping[str, Any] = field(default_factory=dict)
    targets: str = ""
    rollout: Mapping[str, Any] | None = None
    offline: str = ""
    start_at: datetime | None = None
    start_before: datetime | None = None
    digest: str = ""

    @property
    def short(self) -> bool:
        """Whether it names an operation instead of an action."""
        return is_operation(self.action) and not is_action(self.action)


@dataclass(frozen=True, slots=True)
class Previewed:
    """What would be done: on which hosts in waves of so many, in so many steps; `offline`: not online.

    `simulated`: hosts that only play what they are told. `unknown`: names in the target that no host has.
    `digest` stands for hosts and waves: with it an order is only taken as long as they are these.
    """

    hosts: Sequence[str]
    steps: int
    waves: Sequence[int]
    offline: Sequence[str]
    simulated: Sequence[str]
    unknown: Sequence[str]
    digest: str


@dataclass(frozen=True, slots=True)
class Made:
    """The task of an order. `replayed`: its key had made it before."""

    plan_id: UUID
    replayed: bool


class Orders:
    """The use cases of orders.

    What is wrong with one is an InputInvalidError whose faults are at the members of Asked.
    """

    def __init__(
        self,
        engine: Engine,
        reader: Reader,
        *,
        plans: Plans,
        schedules: Schedules,
        operations: Operations,
        portions: Portions,
        actions: Registry = REGISTERED,
    ) -> None:
        self._engine, self._reader, self._plans, self._schedules = engine, reader, plans, schedules
        self._operations, self._portions, self._actions = operations, portions, actions

    def preview(self, asked: Asked) -> Previewed:
        """Tell what would be done; nothing is stored. InputInvalidError also if it cannot be planned."""

        def look() -> Previewed:
            order, _ = self._order(asked), _schedule(asked)
            found = self._portions.preview(order)
            prepared = self._operations.prepared(order.action, order.arguments)
            planned = self._engine.rehearse(order.action, prepared).plan
            if planned.state is PlanState.STOPPED:
                raise InputInvalidError(planned.explanation)
            hosts = found.hosts if found is not None else ()
            return Previewed(
                hosts=[host.name for host in hosts],
                steps=sum(planned.counts.values()),
                waves=found.waves if found is not None else (),
                offline=[host.name for host in hosts if host.presence != Presence.ONLINE],
                simulated=[host.name for host in hosts if host.simulated],
                unknown=found.unknown if found is not None else (),
                digest=_digest(order, found),
            )

        return _at_members(asked, look)

    def create(self, asked: Asked, *, user: str, key: str = "") -> Made:
        """Make the task. The same `key` of the same user is the same task.

        Raises:
            InputInvalidError: nothing was stored.
            KeyReusedError: the key made another task.
            PreviewStaleError: the digest is not that of what would be done now.
        """
        return _at_members(asked, lambda: self._create(asked, user, f"api\n{user}\n{key}" if key else ""))

    def _create(self, asked: Asked, user: str, key: str) -> Made:
        order, when = self._order(asked), _schedule(asked)
        if (earlier := self._earlier(task_of_key(key))) is not None:
            return self._replay(earlier, order, when)
        if asked.digest and asked.digest != _digest(order, self._portions.preview(order)):
            raise PreviewStaleError
        try:
            made = self._submit(order, when, user, key)
        except PlanExistsError:  # it was sent twice at once
            raise KeyReusedError(task_of_key(key) or UUID(int=0)) from None
        if key and not self._begins(made, when):
            raise KeyReusedError(made)
        return Made(made, replayed=False)

    def _submit(self, order: Order, when: Schedule | None, user: str, key: str) -> UUID:
        if when is None:
            return self._plans.submit(order.action, order.arguments, user=user, key=key).plan_id
        return self._schedules.submit(order.action, order.arguments, schedule=when, user=user, key=key)

    def _replay(self, earlier: PlanRecord, order: Order, when: Schedule | None) -> Made:
        """Return the task that a key made before, whatever its target means by now; KeyReusedError."""
        action = self._actions.find(order.action)
        given, kept = valid_input(action.name, action.Input, order.arguments), arguments_of(earlier.args)
        unsaid = _PREPARED - order.arguments.keys() if order.action == OPERATION else frozenset[str]()
        differs = any(given.get(name) != kept.get(name) for name in (given.keys() | kept.keys()) - unsaid)
        if earlier.action != action.name or differs or not self._begins(earlier.id, when):
            raise KeyReusedError(earlier.id)
        return Made(earlier.id, replayed=True)

    def _earlier(self, plan_id: UUID | None) -> PlanRecord | None:
        try:
            return None if plan_id is None else self._reader.plan(plan_id)
        except PlanNotFoundError:
            return None

    def _begins(self, plan_id: UUID, when: Schedule | None) -> bool:
        """Whether a task was made to begin then, as its history has it."""
        lines = self._reader.history(plan_id)
        made_for = next((line.detail for line in lines if line.name == "delay"), None)
        return made_for == (in_words(when, ()) if when else None)

    def _order(self, asked: Asked) -> Order:
        """Return what to submit."""
        where = _where(asked)
        if asked.short:
            order = self._operations.order(asked.action, where, asked.input)
            self._operations.show(asked.action)
            return order
        action = action_named(asked.action, self._actions)
        known = action.Input.model_fields if action.Input is not None else {}
        for name, member in (("target", "targets"), (PORTIONED, "rollout")):
            if name in where and name not in known:
                raise _fault((name,), "unknown", f"{asked.action} takes no {member}")
            if name in where and name in asked.input:
                raise _fault((name,), "twice", "is in the input, too")
        return Order(action.name, {**asked.input, **where})


def _where(asked: Asked) -> dict[str, Any]:
    rollout = dict(asked.rollout or {})
    if asked.offline:
        if "offline" in rollout:
            raise _fault(("offline",), "twice", "is in the rollout, too")
        rollout["offline"] = asked.offline
    where: dict[str, Any] = {"target": asked.targets} if asked.targets else {}
    return {**where, PORTIONED: rollout} if rollout else where


def _schedule(asked: Asked) -> Schedule | None:
    if asked.start_at is None and asked.start_before is None:
        return None
    return Schedule(asked.start_at, asked.start_before)


def _digest(order: Order, found: OrderPreview | None) -> str:
    """Return what stands for an order with its hosts and waves."""
    hosts = [host.name for host in found.hosts] if found is not None else []
    waves = list(found.waves) if found is not None else []
    told = to_json([order.action, dict(order.arguments), hosts, waves])
    return hashlib.sha256(told.encode()).hexdigest()


def _fault(path: tuple[str | int, ...], code: str, message: str) -> InputInvalidError:
    return InputInvalidError(message, [(path, code, message)])


def _at_members(asked: Asked, act: Callable[[], T]) -> T:
    """Do it; what is wrong comes to stand at the members of the order."""
    try:
        return act()
    except TargetError as error:
        raise InputInvalidError(str(error), [(_member(asked, ("target",)), "target", str(error))]) from None
    except NotSerialisableError as error:
        raise _fault(("input",), "invalid", str(error)) from None
    except UnknownActionError as error:
        where = ("input", "operation") if asked.action == OPERATION else ("action",)
        raise InputInvalidError(str(error), [(where, "unknown", str(error))]) from None
    except ScheduleInvalidError as error:
        raise InputInvalidError(str(error), [(("start_before",), "invalid", str(error))]) from None
    except InputInvalidError as error:
        faults = [(_member(asked, path), code, why) for path, code, why in error.faults]
        raise InputInvalidError(str(error), faults or [(("input",), "invalid", str(error))]) from None


def _member(asked: Asked, path: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Return where in an order the argument of its action came from."""
    first, *rest = path or ("",)
    if first == "target" and asked.targets:
        return ("targets",)
    ours = first == PORTIONED and asked.offline and (rest[:1] == ["offline"] or not asked.rollout)
    if first == "offline" or ours:
        return ("offline",)
    if first == PORTIONED and (asked.rollout or asked.offline):
        return ("rollout", *rest)
    if asked.short:
        return ("input", *rest) if first == "args" else ("targets",)
    return ("input", *path)
