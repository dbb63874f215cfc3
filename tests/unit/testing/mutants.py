"""A store, connectors, clocks and actions that keep all their promises but one."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from connectors.kombu import KombuAgentConnector, KombuExecutorConnector
from mcoflow.action import Action
from mcoflow.clock import SystemClock
from mcoflow.errors import McoflowError
from mcoflow.ports.bus import Delivery, OnReceipt, Parcel, Receipt, Verdict

# -- clocks ------------------------------------------------------------------------------------------------


class NaiveClock(SystemClock):
    def now(self) -> datetime:
        return super().now().replace(tzinfo=None)


class StandingClock(SystemClock):
    _at = datetime.fromisoformat("2026-11-21T05:00:00+00:00")

    def now(self) -> datetime:
        return self._at


class JumpyClock(SystemClock):
    def __init__(self) -> None:
        self._calls = itertools.count()

    def monotonic(self) -> float:
        return super().monotonic() - next(self._calls)


class MillisecondClock(SystemClock):
    def monotonic(self) -> float:
        return super().monotonic() * 1000


class LocalClock(SystemClock):
    def now(self) -> datetime:
        from datetime import timezone

        return super().now().astimezone(timezone(timedelta(hours=2)))


# -- stores ------------------------------------------------------------------------------------------------


class Broken:
    """A store of which one method is another."""

    def __init__(self, store: Any, name: str, method: Callable[..., Any]) -> None:
        self._store, self._name, self._method = store, name, method

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._store, name)
        if name != self._name:
            return real
        return lambda *args, **fields: self._method(real, *args, **fields)


def forgetful(real: Any, *args: Any, **fields: Any) -> Any:
    """Do it, and say nothing of it."""
    real(*args, **fields)


def lazy(_real: Any, *_args: Any, **_fields: Any) -> Any:
    """Do nothing, and say that all is well."""
    return True


def empty(_real: Any, *_args: Any, **_fields: Any) -> Any:
    """Find nothing."""
    return []


def deaf(real: Any, *args: Any, **fields: Any) -> Any:
    """Do it, and never refuse."""
    try:
        return real(*args, **fields)
    except McoflowError:
        return None


def unfenced(real: Any, changes: Any) -> Any:
    """Write under whatever epoch."""
    changes.plans = [replace(plan, epoch=plan.epoch + 1) for plan in changes.plans]
    return deaf(real, changes)


def without(part: str) -> Callable[..., Any]:
    """Leave one kind of change out of a commit."""

    def commit(real: Any, changes: Any) -> Any:
        setattr(changes, part, [])
        return real(changes)

    return commit


# -- connectors --------------------------------------------------------------------------------------------


class Executor(KombuExecutorConnector):
    """On memory://."""

    def __init__(self, prefix: str) -> None:
        super().__init__("memory://", prefix=prefix)


class Agent(KombuAgentConnector):
    """On memory://."""

    def __init__(self, prefix: str) -> None:
        super().__init__("memory://", prefix=prefix)


class Silent(Executor):
    """Gives no receipts for every second parcel."""

    def publish(self, parcels: Sequence[Parcel], on_receipt: OnReceipt) -> int:
        numbers = itertools.count()

        def some(parcel: Parcel, receipt: Receipt) -> None:
            if next(numbers) % 2:
                on_receipt(parcel, receipt)

        return super().publish(parcels, some)


class Generous(Executor):
    """Says that everything arrived."""

    def publish(self, parcels: Sequence[Parcel], on_receipt: OnReceipt) -> int:
        return super().publish(parcels, lambda parcel, _: on_receipt(parcel, "confirmed"))


class Backwards(Agent):
    """Sends what it was given last first."""

    def publish(self, parcels: Sequence[Parcel], on_receipt: OnReceipt) -> int:
        return super().publish(parcels[::-1], on_receipt)


class Careless(Agent):
    """Forgets what was to go back."""

    def settle(self, deliveries: Sequence[Delivery], verdict: Verdict) -> None:
        super().settle(deliveries, Verdict.ACK)


class Editor(Executor):
    """Sends other bytes than it was given."""

    def publish(self, parcels: Sequence[Parcel], on_receipt: OnReceipt) -> int:
        return super().publish([replace(each, body=each.body.strip(b" }")) for each in parcels], on_receipt)


# -- actions -----------------------------------------------------------------------------------------------


class Whimsical(Action):
    """Plans something else each time."""

    name = "mutant.whimsical"
    calls: ClassVar[Any] = itertools.count()

    def plan(self) -> None:
        self.plan_self(number=next(self.calls))

    def run(self) -> None:
        """Do nothing."""


class Greedy(Action):
    """Changes what it is given."""

    name = "mutant.greedy"

    def plan(self, hosts: list[str]) -> None:
        self.plan_self(first=hosts.pop() if hosts else None)

    def run(self) -> None:
        """Do nothing."""


class Idle(Action):
    """Plans nothing."""

    name = "mutant.idle"

    def plan(self) -> None:
        """Plan nothing."""


class Mute(Action):
    name = "mutant.mute"

    def run(self) -> None:
        """Do nothing."""
