"""What the engine logs: fixed names, those of its specification, and where each is logged."""

import ast
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from mcoflow.domain.states import StepState
from mcoflow.testing import OneThreadWorld
from tests.unit.engine.house import House
from tests.unit.engine.play import Do, Install, Listen, compose, do, one, play
from tests.waiting import until

ENGINE: Final = Path(__file__).parents[3] / "mcoflow" / "engine"
PAGE: Final = Path(__file__).parents[3] / "docs" / "how-to" / "monitor.md"
SPECIFIED: Final = {
    *("plan.planned", "plan.moved", "plan.rescued", "plan.broken"),
    *("step.moved", "step.failed", "step.retried"),
    *("event.stored", "event.delivered", "event.refused", "event.dropped"),
    *("request.published", "request.unroutable"),
    *("reply.applied", "reply.duplicate", "reply.late", "reply.unknown"),
    *("lease.taken", "lease.taken_over", "lease.lost"),
    *("world.started", "world.terminating", "world.terminated"),
    *("store.away", "store.back"),
    *("hook.failed", "sub_plans.batch", "schedule.fired", "clean.batch"),
}
NAME: Final = re.compile(r"[a-z_]+\.[a-z_]+")
LEVELS: Final = {"debug", "info", "warning", "error", "critical", "exception", "log"}


def logged() -> Iterator[tuple[str, ast.expr]]:
    """Yield the file and the name of each call of a logger in the engine."""
    for path in sorted(ENGINE.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                called = node.func
                if isinstance(called.value, ast.Name) and called.value.id == "log" and called.attr in LEVELS:
                    yield f"{path.name}:{node.lineno}", node.args[1 if called.attr == "log" else 0]


def tables() -> set[str]:
    """The names in tables of names: those that depend on a value."""
    found = set()
    for path in ENGINE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Dict):
                texts = [each.value for each in node.values if isinstance(each, ast.Constant)]
                found |= {text for text in texts if isinstance(text, str) and NAME.fullmatch(text)}
    return found


def test_every_name_is_fixed() -> None:
    """A name put together at run time could not be searched for; one from a table can."""
    loose = [
        where
        for where, name in logged()
        if not ast.unparse(name).startswith("_")  # from a table, which is a constant
        and not (isinstance(name, ast.Constant) and NAME.fullmatch(str(name.value)))
    ]

    assert loose == []


def test_the_names_of_the_specification_are_logged() -> None:
    names = {str(name.value) for _, name in logged() if isinstance(name, ast.Constant)} | tables()

    assert names >= SPECIFIED


def fail(_action: Any, _event: Any) -> None:
    raise RuntimeError("broken")


def test_a_plan_is_followed_from_its_planning_to_its_rest(
    empty_house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "mcoflow")
    empty_house.another()
    plan_id = compose(empty_house, one(Install, host="web1"))
    empty_house.rest(plan_id)
    until(lambda: "request.published" in caplog.messages, "it was published")
    until(lambda: "reply.applied" in caplog.messages, "it was told after the commit")  # which rest() saw

    for name in ("world.started", "plan.planned", "plan.moved", "step.moved"):
        assert name in caplog.messages
    moves = [vars(record) for record in caplog.records if record.message == "step.moved"]
    assert {(move["plan"], move["from"], move["to"]) for move in moves} == {
        (str(plan_id), "pending", "suspended"),
        (str(plan_id), "suspended", "success"),
    }


def test_a_request_and_its_replies_are_one_trace_by_the_id_of_the_plan(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """B-024: the server's part; each message says it, and so does the log."""
    caplog.set_level(logging.DEBUG, "mcoflow.engine")
    with OneThreadWorld() as world:
        plan_id = world.trigger(Install, host="web1", package="vim").plan_id
        world.drain()
        (sent,) = world.ground.broker.of_kind("request")

    (header,) = sent.headers
    assert header == ("traceparent", f"00-{plan_id.hex}-{sent.message_id.hex[:16]}-01")
    lines = [vars(each) for each in caplog.records if each.message in ("request.published", "reply.applied")]
    assert {line["message"] for line in lines} == {"request.published", "reply.applied"}
    assert {line["trace"] for line in lines} == {header[1]}


def test_events_are_followed_from_sender_to_step(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "mcoflow")
    play.scripts["a"] = lambda action, event: action.suspend() if event is None else None
    plan_id = compose(house, one(Listen))
    step = house.step_when(plan_id, StepState.SUSPENDED)
    house.send(plan_id, step.id, "go")
    house.rest(plan_id)

    until(lambda: "event.delivered" in caplog.messages, "it was delivered")
    assert "event.stored" in caplog.messages


def test_a_failure_is_logged_without_debugging(house: House, caplog: pytest.LogCaptureFixture) -> None:
    play.scripts["a"] = fail
    with caplog.at_level(logging.INFO, "mcoflow"):
        plan_id = compose(house, do("a"))
        house.rest(plan_id)
        until(lambda: "step.failed" in caplog.messages, "it is logged")

    (record,) = [vars(record) for record in caplog.records if record.message == "step.failed"]
    assert (record["plan"], record["action"], record["error"]) == (str(plan_id), Do.name, "RuntimeError")
    assert "step.moved" not in caplog.messages


def test_the_page_names_what_is_logged() -> None:
    names = set(re.findall(r"`([a-z_]+\.[a-z_]+)`", PAGE.read_text()))

    assert names >= SPECIFIED
