"""Chunks: what steps say while they work."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.pool import Pool

from mcoflow.action import FOREVER, Chunk
from mcoflow.domain.states import PlanResult, PlanState, StepState
from tests.unit.engine.house import House
from tests.unit.engine.play import Do, Finish, Listen, compose, do, one, play
from tests.waiting import until

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def said(house: House, plan_id: Any, action: Any = None) -> list[str]:
    action_id = house.step(plan_id, action).action_id
    return [chunk.text for chunk in house.store.chunks(plan_id, action_id)]


def fail(*_: Any) -> None:
    raise RuntimeError("broken")


def test_what_five_calls_say_is_kept_in_order(house: House) -> None:
    """E-055: chunks of five runs."""
    heard: list[list[str]] = []

    def script(action: Any, event: Any) -> None:
        number = 0 if event is None else event.value
        for part in ("a", "b"):
            action.chunk(f"{number}{part}")
        heard.append([chunk.text for chunk in action.chunks()])
        if number < 4:
            action.suspend(patience=FOREVER)

    play.scripts["a"] = script
    plan_id = compose(house, one(Listen))
    for number in range(1, 5):
        house.send(plan_id, house.step_when(plan_id, StepState.SUSPENDED).id, number)
        until(lambda: len(heard) == number + 1, "it was heard")  # noqa: B023 - looked at at once

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    everything = [f"{number}{part}" for number in range(5) for part in "ab"]
    assert said(house, plan_id) == everything
    assert heard == [everything[: 2 * number] for number in range(1, 6)]


def test_chunks_are_kept_after_an_error_and_read_by_the_next_attempt(house: House) -> None:
    """E-055, E-021: kept after an error."""
    heard: list[str] = []

    def script(action: Any, _event: Any) -> None:
        heard.extend(chunk.text for chunk in action.chunks())
        action.chunk("halfway", stream="stderr", at=NOON)
        if not heard:
            fail()

    play.scripts["a"] = script
    plan = house.rest(compose(house, do("a")))
    (kept,) = house.store.chunks(plan.id, house.step(plan.id).action_id)
    assert kept == Chunk("halfway", "stderr", NOON, kept.number)

    house.resume(plan.id)

    assert house.rest(plan.id).result is PlanResult.SUCCESS
    assert heard == ["halfway"]
    assert said(house, plan.id) == ["halfway", "halfway"]


def test_what_a_call_says_has_the_time_at_which_it_is_stored(house: House) -> None:
    play.scripts["a"] = lambda action, _event: action.chunk("now")
    plan = house.rest(compose(house, do("a")))

    (chunk,) = house.store.chunks(plan.id, house.step(plan.id).action_id)
    assert (chunk.stream, chunk.at) == ("stdout", house.clock.now())


def test_finalize_may_read_the_chunks_and_drop_them(house: House) -> None:
    """E-055: gone after `drop_chunks`; those of other actions stay."""
    heard: list[str] = []

    def finalize(action: Any, _event: Any) -> None:
        heard.extend(chunk.text for chunk in action.chunks())
        action.drop_chunks()
        heard.extend(chunk.text for chunk in action.chunks())
        action.chunk("all is well")

    for name in ("a", "other"):
        play.scripts[name] = lambda action, _event: action.chunk("working")
    play.scripts["a!"] = finalize
    plan_id = compose(
        house, lambda plan: [plan.plan_action(Finish, name="a"), plan.plan_action(Do, name="other")]
    )

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert heard == ["working"]
    assert said(house, plan_id, Finish) == ["all is well"]
    assert said(house, plan_id, Do) == ["working"]


def test_a_finalize_that_fails_drops_nothing(house: House) -> None:
    def finalize(action: Any, _event: Any) -> None:
        action.drop_chunks()
        fail()

    play.scripts["a"] = lambda action, _event: action.chunk("working")
    play.scripts["a!"] = finalize
    plan = house.rest(compose(house, one(Finish)))

    assert plan.state is PlanState.PAUSED
    assert said(house, plan.id, Finish) == ["working"]


def test_chunks_survive_a_restart(house: House) -> None:
    def script(action: Any, event: Any) -> None:
        action.chunk("before" if event is None else "after")
        if event is None:
            action.suspend(patience=FOREVER)

    play.scripts["a"] = script
    plan_id = compose(house, one(Listen))
    step_id = house.step_when(plan_id, StepState.SUSPENDED).id
    house.restart()
    house.send(plan_id, step_id, "go on")

    house.rest(plan_id)
    assert said(house, plan_id) == ["before", "after"]


def test_odd_characters_do_not_stop_a_step(house: House) -> None:
    play.scripts["a"] = lambda action, _event: action.chunk("a\0b\ud800c")
    plan = house.rest(compose(house, do("a")))

    assert plan.result is PlanResult.SUCCESS
    assert said(house, plan.id)[0].startswith("a\ufffdb\ufffd")


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [(b"bytes", "NotSerialisableError"), ("x" * (1 << 20) + "y", "NotSerialisableError")],
)
def test_what_is_no_text_or_too_long_is_an_error_of_the_step(house: House, wrong: Any, kind: str) -> None:
    play.scripts["a"] = lambda action, _event: action.chunk(wrong)
    plan = house.rest(compose(house, do("a")))

    error = house.step(plan.id).error
    assert error is not None
    assert error.kind == kind


class Work:
    """What SQLite did for all connections: thousands of the instructions of its virtual machine."""

    def __init__(self) -> None:
        self.done = 0

    def count(self) -> None:
        self.done += 1


@contextmanager
def counted_work() -> Iterator[Work]:
    work = Work()

    def look(connection: Any, *_: Any) -> None:
        connection.set_progress_handler(work.count, 1000)

    event.listen(Pool, "checkout", look)
    try:
        yield work
    finally:
        event.remove(Pool, "checkout", look)


class Chatty(Listen):
    """Says what its scripts say, and reads it all at the end."""

    name = "chunks.chatty"

    def finalize(self) -> None:
        play.perform(self, "finalize")


def test_a_hundred_thousand_chunks_cost_no_more_each_than_the_first(empty_house: House) -> None:
    """E-055: 100,000 of them in linear time: made, stored, read by the action and read page by page."""
    spent: list[float] = []
    marks: list[int] = []
    heard: list[int] = []

    def script(action: Any, _event: Any) -> None:
        marks.append(work.done)
        for _ in range(5):
            began = time.thread_time()
            for number in range(4_000):
                action.chunk(f"line {number}")
            spent.append(time.thread_time() - began)
        if len(marks) < 5:
            action.suspend(patience=FOREVER)

    def finalize(action: Any, _event: Any) -> None:
        marks.append(work.done)
        heard.append(sum(1 for _ in action.chunks()))
        marks.append(work.done)

    play.scripts.update({"a": script, "finalize": finalize})
    with counted_work() as work:
        empty_house.another()
        plan_id = compose(empty_house, one(Chatty))
        for number in range(1, 5):
            step = empty_house.step_when(plan_id, StepState.SUSPENDED)
            empty_house.send(plan_id, step.id, number)
            until(lambda: len(marks) == number + 1, "the next call began", within=30.0)  # noqa: B023
        assert empty_house.rest(plan_id).result is PlanResult.SUCCESS
        pages = [work.done]
        after, read = 0, 0
        action_id = step.action_id
        while page := empty_house.store.chunks(plan_id, action_id, after=after, limit=10_000):
            after, read = page[-1].number, read + len(page)
            pages.append(work.done)

    assert (heard, read) == ([100_000], 100_000)
    stored = [later - earlier for earlier, later in pairwise(marks[:6])]
    assert min(stored) > 100, f"thousands of instructions: {stored}"
    assert max(stored) < 1.5 * min(stored), "what is stored already does not matter"
    turned = [later - earlier for earlier, later in pairwise(pages)]
    assert max(turned) < 1.2 * min(turned), "a page does not read those before it"
    assert marks[6] - marks[5] < 1.5 * sum(turned)
    assert min(spent[3:5]) < 2 * max(spent[:2]), "within a call: if it were quadratic, 7 to 3 at least"
    assert min(spent[20:]) < 2 * max(spent[:5]), "from call to call"
