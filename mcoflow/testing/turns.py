"""The executor without threads: whoever calls does its work, one turn after another."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future
from datetime import timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

from mcoflow.clock import Clock
from mcoflow.domain.records import PlanDraft
from mcoflow.domain.requests import CommandAnswer, CommandRecord, RequestRecord, TimerRecord
from mcoflow.domain.view import PlanView
from mcoflow.engine.crew import Crew
from mcoflow.engine.event_futures import EventFuture, EventFutures
from mcoflow.engine.executor import Executor
from mcoflow.engine.fleet import Fleet
from mcoflow.engine.futures import Futures, PlanFuture
from mcoflow.engine.watch import Watch
from mcoflow.engine.workers import Job
from mcoflow.ports.measures import Key
from mcoflow.ports.store import Store

T = TypeVar("T")
LETTERS: Final = 1000
Look = Callable[[UUID], None]
Move = Callable[[], bool]
"""Does one thing, if there is one to do, and tells whether there was."""


class InlineWorkers:
    """Jobs in order, done when somebody says so."""

    def __init__(self, queues: Mapping[str, int]) -> None:
        self.queues = queues
        self._jobs: deque[Job] = deque()

    def submit(self, queue_name: str, plan_id: UUID, job: Job) -> None:  # noqa: ARG002 - part of the port
        """See Pool.submit."""
        self._jobs.append(job)

    def stop(self, *, wait: float, clock: Clock) -> bool:  # noqa: ARG002 - part of the port
        """See Pool.stop."""
        while self.work():
            pass
        return True

    def waits(self) -> list[tuple[str, float]]:
        """See Pool.waits; they are not kept."""
        return []

    def gauges(self) -> list[tuple[Key, float]]:
        """See Pool.gauges; there are no threads."""
        return []

    def work(self) -> bool:
        """Do the oldest job; False if there is none."""
        if not self._jobs:
            return False
        self._jobs.popleft()()
        return True


class InlineFleet(Fleet):
    """A fleet whose chores are done when somebody says so."""

    def __init__(self, *args: Any, **fields: Any) -> None:
        super().__init__(*args, **fields)
        self._waiting: deque[Callable[[], None]] = deque()

    def submit(self, chore: Callable[[], None]) -> None:
        """See Fleet.submit."""
        self._waiting.append(chore)

    def work(self) -> bool:
        """Do the oldest chore; False if there is none. What it raises is the caller's."""
        if not self._waiting:
            return False
        self._waiting.popleft()()
        return True


class OneThreadExecutor(Executor):
    """The director takes its turns in the thread of the caller, and so does everybody else."""

    def _pool(self, queues: Mapping[str, int]) -> InlineWorkers:
        return InlineWorkers(queues)

    def _begin(self) -> None:
        self.ring()

    def moves(self) -> list[Move]:
        """What this executor can do next, in the order in which it mostly should."""
        return [
            self.turn,
            self.work,
            self._tell_that_replies_are_read,
            self._look_for_due,
            self.discoverer.look,
        ]

    def turn(self) -> bool:
        """Let the director apply what waits for it, in one commit; False if nothing does."""
        letters = self.mailbox.take(wait=0, limit=LETTERS)
        if not letters and not self._director.due:
            return False
        self._director.turn(letters)
        return True

    def work(self) -> bool:
        """Do one job of the workers; False if there is none."""
        assert isinstance(self._workers, InlineWorkers)
        return self._workers.work()

    def ring(self) -> None:
        """See Executor.ring; what is scheduled is looked for, too."""
        super().ring()
        self.schedules.ring()
        self.discoverer.ring()

    def look_around(self) -> None:
        """Look for what waits in the database, and for executors that died."""
        self._keeper.reconcile()
        self.ring()

    def waits(self) -> Iterable[RequestRecord | TimerRecord]:
        """What becomes due."""
        return self._director.waits()

    def store_plan(self, draft: PlanDraft, *, scheduled: bool = False) -> Future[UUID]:
        """See Executor.store_plan; one from a caller, not from a worker, is stored when this returns."""
        stored = super().store_plan(draft, scheduled=scheduled)
        return stored if scheduled else self._turned(stored)

    def tell(self, command: CommandRecord) -> Future[CommandAnswer | None]:
        """See Executor.tell; it is answered when this returns."""
        return self._turned(super().tell(command))

    def stop(self, *, wait: float) -> bool:
        """See Executor.stop."""
        self._director.drain()
        for source, _, _ in self._sources:
            self._connector.stop_consuming(source)
        while self.work() or (len(self.mailbox) and self.turn()):
            pass
        return super().stop(wait=wait)

    def _turned(self, future: Future[T]) -> Future[T]:
        while not future.done() and len(self.mailbox):
            self.turn()
        return future

    def _look_for_due(self) -> bool:
        found = self.schedules.heard() and self.schedules.look()
        if found:
            self.schedules.ring()  # one look does one kind of thing
        return found

    def _tell_that_replies_are_read(self) -> bool:
        return self.up_to_date.look()


class InlineWatch(Watch):
    """Waits by doing what there is to do; when there is nothing left, waiting longer would be in vain."""

    def __init__(self, clock: Clock, move: Move) -> None:
        super().__init__(clock, poll=0.0)
        self._move = move

    def until(self, look: Callable[[], T | None], about: Collection[UUID], *, wait: float) -> T | None:  # noqa: ARG002
        """See Watch.until."""
        while (found := look()) is None and self._move():
            pass
        return found


class InlineFuture(PlanFuture):
    """Waits by doing what there is to do."""

    def __init__(self, plan_id: UUID, outcome: Future[PlanView], move: Move, look: Look) -> None:
        super().__init__(plan_id, outcome)
        self._move = move
        self._look = look

    def wait(self, timeout: timedelta | None = None) -> PlanView:  # noqa: ARG002 - no time passes
        """See PlanFuture.wait; WaitTimeoutError at once if time, a person or a host has to come first."""
        while not self.done() and self._move():
            pass
        if not self.done():
            self._look(self.plan_id)  # another executor may have brought it to rest
        return super().wait(timedelta(0))


class InlineFutures(Futures):
    """Futures that nobody polls for: whoever waits makes the moves that resolve them."""

    def __init__(self, store: Store, move: Move) -> None:
        super().__init__(store)
        self._move = move

    def of(self, plan_id: UUID) -> PlanFuture:
        """See Futures.of."""
        outcome = self._waited.setdefault(plan_id, Future())
        return InlineFuture(plan_id, outcome, self._move, self.look)

    def stored(self, plan_id: UUID) -> None:
        """See Futures.stored; nobody polls."""

    def waited(self) -> list[UUID]:
        """The plans that are waited for and have not come to rest."""
        for plan_id in list(self._waited):
            self.look(plan_id)
        return list(self._waited)


class InlineEventFuture(EventFuture):
    """Waits by doing what there is to do."""

    def __init__(
        self, event_id: UUID, outcome: Callable[[], Future[None]], move: Move, look: Callable[[], None]
    ) -> None:
        super().__init__(event_id, outcome)
        self._move = move
        self._look = look

    def wait(self, timeout: timedelta | None = None) -> None:  # noqa: ARG002 - no time passes
        """See EventFuture.wait; WaitTimeoutError at once if time, a person or a host has to come first."""
        while not self.done() and self._move():
            pass
        if not self.done():
            self._look()  # another executor may have delivered it
        super().wait(timedelta(0))


class InlineEventFutures(EventFutures):
    """Futures that nobody polls for: whoever waits makes the moves that resolve them."""

    def __init__(self, store: Store, move: Move) -> None:
        super().__init__(store)
        self._move = move
        self._poller.stop()

    def waited(self) -> list[UUID]:
        """The events that are waited for, and neither taken nor dropped."""
        self.look()
        return list(self._waited)

    def _future(self, event_id: UUID, outcome: Callable[[], Future[None]]) -> EventFuture:
        return InlineEventFuture(event_id, outcome, self._move, self.look)


class InlineCrew(Crew):
    """The parts of a world that does everything in the thread of its caller. `move` makes one move of all."""

    fleet = InlineFleet
    executor = OneThreadExecutor

    def __init__(self, move: Move) -> None:
        self._move = move

    def watch(self, clock: Clock, *, poll: float) -> Watch:  # noqa: ARG002 - nothing is polled here
        """See Crew.watch."""
        return InlineWatch(clock, self._move)

    def futures(self, store: Store) -> InlineFutures:
        """See Crew.futures."""
        return InlineFutures(store, self._move)

    def event_futures(self, store: Store) -> InlineEventFutures:
        """See Crew.event_futures."""
        return InlineEventFutures(store, self._move)
