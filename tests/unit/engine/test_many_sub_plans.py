"""A parent of ten thousand: what it costs, and how seldom it looks."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise
from typing import Any, ClassVar

from sqlalchemy import event
from sqlalchemy.engine import Engine

from mcoflow.action import Action, Event, SubPlan, WithSubPlans
from mcoflow.domain.events import SubPlanFinished
from mcoflow.domain.states import PlanResult, PlanState
from tests.unit.engine.house import House
from tests.waiting import until

MANY = 10_000
SPREAD = 10
"""Seconds over which the children come to rest, a few hundred each quarter of a second."""
POLL = "SELECT plans.state, plans.result, count(*) AS number FROM plans GROUP BY"
"""What the test itself asks, again and again."""


class Napping(Action):
    """Sleeps for its own time, then is done."""

    name = "many.napping"
    accepts = (str,)

    def run(self, event: Event | None) -> None:
        if event is None:
            quarters = self.input["number"] % (4 * SPREAD) + 1
            self.plan_event("wake", delay=timedelta(seconds=quarters / 4))
            self.suspend()


class Wide(WithSubPlans):
    """Notes when it is woken, and what it is told."""

    name = "many.wide"
    woken: ClassVar[list[SubPlanFinished]] = []

    def total_count(self) -> int:
        return MANY

    def sub_plans(self, start: int, size: int) -> Iterable[SubPlan]:
        return [SubPlan(Napping, kwargs={"number": each}) for each in range(start, start + size)]

    def sub_plans_changed(self, signal: SubPlanFinished) -> None:
        self.woken.append(signal)
        super().sub_plans_changed(signal)


@contextmanager
def statements() -> Iterator[list[str]]:
    """Note what is sent to databases meanwhile."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(" ".join(statement.split()))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def counts(house: House) -> int:
    return house.valve.calls.count("count_sub_plans")


def wait_for_ends(house: House, wanted: int) -> None:
    def there() -> bool:
        return house.store.counts_by_state().get(("stopped", "success"), 0) >= wanted

    until(there, f"{wanted} have ended", within=60.0)


def test_ten_thousand_children_wake_the_parent_once_a_second_and_are_never_loaded_by_it(house: House) -> None:
    """E-073: each wake takes one count, and nothing is kept for each of them."""
    Wide.woken.clear()
    with statements() as creating:
        parent = house.trigger(Wide)
        until(lambda: house.count("timers") > 2 * MANY, "all sleep, as long as they bear it", within=60.0)
    batches = MANY // Wide.batch_size
    assert len(Wide.woken) <= batches + 1, "once for each batch that it creates, by none of them"
    assert counts(house) <= 2, "the clock stood still"
    assert len(creating) < MANY / 4, "statements are for batches, not for children"
    created, counted, began = len(Wide.woken), counts(house), house.clock.now()

    with statements() as ending:
        for quarter in range(1, 4 * SPREAD + 1):
            house.advance(0.25)
            done = quarter * MANY // (4 * SPREAD)
            wait_for_ends(house, done)
        house.advance(1.0)
        until(lambda: house.store.plan(parent).state is PlanState.STOPPED, "it has ended too")

    seconds = (house.clock.now() - began).total_seconds()
    wakes = Wide.woken[created:]
    assert house.store.plan(parent).result is PlanResult.SUCCESS
    assert SPREAD - 1 <= len(wakes) <= seconds + 1
    assert all(later.at - earlier.at >= 1.0 for earlier, later in pairwise(wakes))
    assert wakes[-1].counts == {"success": MANY}
    assert counts(house) - counted == len(wakes)
    assert sum(POLL not in each for each in ending) < MANY / 4, "those woken at once are read at once"
    whole = ("FROM steps", "FROM blueprints")
    assert not [each for each in ending if any(part in each for part in whole)], "no plan was loaded"
    assert len(json.dumps(house.output(parent))) < 1000, "nothing is kept for each child"
