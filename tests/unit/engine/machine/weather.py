"""A broker and a store that have bad days, and executors that are watched at work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Any, ClassVar, Final

from mcoflow.errors import StoreUnavailableError
from mcoflow.ports.bus import Delivery, Link, OnReceipt, Parcel, Source, Verdict
from mcoflow.ports.store import Changes
from mcoflow.storage.store import SqlStore
from mcoflow.testing.broker import MemoryBroker, MemoryConnector
from mcoflow.testing.turns import InlineWorkers, OneThreadExecutor
from tests.unit.engine.machine.ledger import Ledger

SHAKY: Final = (
    "commit",
    "waiting",
    "claim",
    "rung",
    "count_sub_plans",
    "known_sub_plans",
    "give_up_unplanned",
    "command_sub_plans",
    "release",
    "lock_waiters",
    "action_data",
    "open_requests",
    "request_bodies",
    "requests",
    "timers",
    "events",
    "adopt_hooks",
    "snapshot",
    "due",
    "claim_due",
    "reschedule",
    "heartbeat",
    "halt",
    "delete_plan",
    "add_command",
    "answer",
    "order",
)
"""Methods of the store that fail while it is away; the tests' own looks do not."""


class Weather:
    """How bad it is. `away`: so many calls of the store fail. `rough`: the bus loses and doubles."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.away = 0
        self.rough = False

    def shake(self, store: SqlStore, committed: Callable[[Changes], None]) -> None:
        """Let a store fail when it is away, and have its commits looked at."""
        commit = store.commit

        def watched(changes: Changes) -> None:
            commit(changes)
            committed(changes)

        store.commit = watched  # type: ignore[method-assign]
        for name in SHAKY:
            setattr(store, name, self._shaky(getattr(store, name)))

    def _shaky(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **fields: Any) -> Any:
            if self.away:
                self.away -= 1
                raise StoreUnavailableError("the database is away")
            return method(*args, **fields)

        return call


class RoughBroker(MemoryBroker):
    """Loses receipts, doubles what it was given, changes the order, and is gone for a while."""

    def __init__(self, weather: Weather, acked: Callable[[Delivery], None]) -> None:
        super().__init__()
        self._weather = weather
        self._acked = acked
        self._down = False
        self._held: list[tuple[Parcel, OnReceipt]] = []

    def take(self, parcel: Parcel, on_receipt: OnReceipt) -> None:
        """Lose it, or lose its receipt, or double it; whoever published learns that nobody knows."""
        if self._down:
            self._held.append((parcel, on_receipt))
            return
        luck = self._weather.chance.random() if self._weather.rough else 1.0
        if luck < 0.15:
            self.call(lambda: on_receipt(parcel, "unknown"))
        elif luck < 0.3:
            super().take(parcel, lambda parcel, _: on_receipt(parcel, "unknown"))
        else:
            super().take(parcel, on_receipt)
            if luck < 0.45:
                super().take(parcel, lambda *_: None)

    def deliver(
        self,
        source: Source,
        body: bytes,
        *,
        died: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> Delivery:
        """Put it into the queue, in rough weather anywhere."""
        delivery = super().deliver(source, body, died=died, headers=headers)
        if self._weather.rough:
            self._weather.chance.shuffle(self.waiting.get(source, []))  # type: ignore[arg-type]
        return delivery

    def settle(self, deliveries: Sequence[Delivery], verdict: Verdict) -> None:
        """Have looked at what is acknowledged and was not before."""
        mine = [each for each in deliveries if each.tag in self._unsettled]
        super().settle(deliveries, verdict)
        for each in mine if verdict is Verdict.ACK else ():
            self._acked(each)

    def cut(self, connector: MemoryConnector) -> None:
        """Break a link: what is not acknowledged comes again, what was published may have arrived."""
        connector.report(Link.DOWN, "cut")
        back = [tag for tag, (owner, _) in self._unsettled.items() if owner is connector]
        for tag in back:
            _, delivery = self._unsettled.pop(tag)
            new = replace(delivery, tag=next(self._tags), redelivered=True)
            self.waiting.setdefault(new.source, type(self._calls)()).append(new)  # type: ignore[arg-type]
            self.call(lambda source=new.source: self._hand_over(source))  # type: ignore[misc]
        connector.report(Link.UP)

    def go_down(self) -> None:
        """Be gone."""
        self._down = True

    def come_up(self) -> None:
        """Be there again; nobody knows what became of what was published meanwhile."""
        self._down = False
        held, self._held = self._held, []
        for parcel, on_receipt in held:
            self.call(lambda parcel=parcel, on_receipt=on_receipt: on_receipt(parcel, "unknown"))  # type: ignore[misc]


class AnyOrder(InlineWorkers):
    """Workers that are not equally quick."""

    chance: Random

    def work(self) -> bool:
        """Do one of the jobs that wait; those that somebody relies on to be in order are never two."""
        if len(self._jobs) > 1:
            self._jobs.rotate(-self.chance.randrange(len(self._jobs)))
        return super().work()


class WatchedExecutor(OneThreadExecutor):
    """Its workers tell the ledger what they did; what the store refuses it tries again later."""

    weather: ClassVar[Weather]

    def _pool(self, queues: Any) -> AnyOrder:
        put = self.mailbox.put

        def watched(letter: Any) -> None:
            Ledger.now.reported(letter)
            put(letter)

        self.mailbox.put = watched  # type: ignore[method-assign]
        workers = AnyOrder(queues)
        workers.chance = self.weather.chance
        return workers

    def look_around(self) -> None:
        try:
            super().look_around()
        except StoreUnavailableError:
            self.ring()

    def _look_for_due(self) -> bool:
        try:
            return super()._look_for_due()
        except StoreUnavailableError:
            self.schedules.ring()
            return True
