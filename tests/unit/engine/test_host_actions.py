"""Actions that ask hosts, with a worker and without."""

from datetime import timedelta
from typing import Any

import pytest

from mcoflow.action import FOREVER, Action, Deadlines, HostAction, HostRequest, Reply
from mcoflow.domain.states import PlanResult, PlanState, StepState
from mcoflow.ports.bus import Parcel
from mcoflow.testing.hosts import error, result, silence
from tests.unit.engine.house import House
from tests.unit.engine.play import Do, Install, Listen, compose, one, play
from tests.waiting import until


def install(plan: Action) -> None:
    plan.plan_action(Install, host="web1", package="nginx")


class Hasty(Install):
    """Bears little."""

    name = "host_steps.hasty"

    def request_for_host(self) -> HostRequest:
        deadlines = Deadlines(pickup=timedelta(seconds=60), run=timedelta(seconds=100))
        return self.request("package", "install", {"package": "x"}, deadlines=deadlines)


def hasty(plan: Action) -> None:
    plan.plan_action(Hasty, host="web1")


def asked(house: House, layout: Any = install) -> Any:
    """Trigger a plan whose host has been asked."""
    plan_id = compose(house, layout)
    until(lambda: house.hosts.requests, "the host is asked")
    return plan_id


# -- actions that ask hosts -------------------------------------------------------------------------------


def test_an_action_that_suspends_on_requests_gets_one_reply_each(house: House) -> None:
    """E-034: run is called once for each."""
    heard: list[Any] = []
    house.hosts.answers["web2"] = error(4)

    def script(action: Any, event: Any) -> None:
        if event is None:
            action.suspend(
                until=[
                    action.request("package", "install", {"package": "x"}, host=h) for h in ("web1", "web2")
                ]
            )
        heard.append((event.host, event.ok, event.error))
        if len(heard) < 2:
            action.suspend()

    play.scripts["a"] = script

    assert house.rest(compose(house, one(Listen))).result is PlanResult.SUCCESS
    assert sorted(heard) == [("web1", True, ""), ("web2", False, "failed (exit 4): it broke")]


def test_requests_that_nobody_waits_for_any_more_are_closed_and_the_agents_told(house: House) -> None:
    house.hosts.answers["web2"] = silence

    def script(action: Any, event: Any) -> None:
        if event is None:
            action.suspend(
                until=[
                    action.request("package", "install", {"package": "x"}, host=h) for h in ("web1", "web2")
                ]
            )

    play.scripts["a"] = script
    plan = house.rest(compose(house, one(Listen)))

    assert plan.result is PlanResult.SUCCESS
    assert house.store.open_requests([plan.id]) == []
    until(lambda: house.broker.of_kind("cancel"), "the other agent is told")
    late = house.hosts.say(result(), about=next(each for each in house.hosts.requests if each.host == "web2"))
    until(lambda: house.broker.verdicts(late), "what it says is recorded")
    assert [each.why for each in house.evidence()] == ["late"]


class Broken(HostAction):
    """Raises where it is told to."""

    name = "host_steps.broken"

    def request_for_host(self) -> HostRequest | None:
        if self.input.get("where") == "request":
            raise SystemExit("in request")
        if self.input.get("where") == "nothing":
            return None
        return self.request("package", "install", {"package": "x"}, host=self.input.get("ask", "web1"))

    def result(self, reply: Reply) -> None:
        self.output["seen"] = reply.outcome.value
        if self.input.get("where") == "result":
            raise RuntimeError("in result")
        if self.input.get("where") == "rubbish":
            self.output["bad"] = {1, 2}


@pytest.mark.parametrize(
    ("where", "kind"),
    [("request", "SystemExit"), ("result", "RuntimeError"), ("rubbish", "NotSerialisableError")],
)
def test_a_host_action_that_raises_hurts_only_its_own_step(house: House, where: str, kind: str) -> None:
    """E-117: code in it that raises."""

    def layout(plan: Action) -> None:
        plan.plan_action(Broken, host="web1", where=where)
        plan.plan_action(Install, host="web2", package="x")

    plan = house.rest(compose(house, layout))

    assert plan.state is PlanState.PAUSED
    error = house.step(plan.id, Broken).error
    assert error is not None
    assert error.kind == kind
    assert house.step(plan.id, Install).state is StepState.SUCCESS


@pytest.mark.parametrize("host", ["", "Web 1", "../x", "a" * 59, "web1\n"])
def test_a_request_to_what_is_no_host_is_the_error_of_its_step(house: House, host: str) -> None:
    plan = house.rest(compose(house, lambda plan: plan.plan_action(Broken, host="web1", ask=host or "-")))

    error = house.step(plan.id).error
    if host == "web1\n":
        assert error is None
    else:
        assert error is not None
        assert error.kind == "InputInvalidError"


def test_a_host_action_with_nothing_to_do_succeeds_at_once(house: House) -> None:
    """E-117: runs and ends without a worker thread."""

    def layout(plan: Action) -> None:
        with plan.sequence():
            plan.plan_action(Broken, host="web1", where="nothing")
            plan.plan_action(Do, name="after")

    assert house.rest(compose(house, layout)).result is PlanResult.SUCCESS
    assert house.hosts.requests == []


def test_host_actions_run_while_every_worker_is_busy(house: House) -> None:
    """E-117: runs, suspends, wakes and ends without a worker thread."""
    held = [play.hold(str(number)) for number in range(5)]

    def busy(plan: Action) -> None:
        for number in range(5):
            plan.plan_action(Do, name=str(number))

    busy_id = compose(house, busy)
    until(lambda: len(play.log) == 5, "all workers are busy")

    assert house.run(Install, host="web1", package="x").result is PlanResult.SUCCESS
    for event in held:
        event.set()
    house.rest(busy_id)


def test_many_host_steps_cost_few_commits(house: House) -> None:
    """One transaction a batch: replies of many hosts share it."""
    before = house.valve.calls.count("commit")

    def layout(plan: Action) -> None:
        for number in range(300):
            plan.plan_action(Install, host=f"h{number}", package="x")

    assert house.rest(compose(house, layout)).result is PlanResult.SUCCESS
    assert house.valve.calls.count("commit") - before < 150


def test_a_step_that_waits_for_a_person_says_so_by_having_no_deadline(house: House) -> None:
    """E-033: FOREVER."""
    play.scripts["a"] = lambda action, event: action.suspend(patience=FOREVER) if event is None else None
    plan_id = compose(house, one(Listen))
    step = house.step_when(plan_id, StepState.SUSPENDED)

    assert house.count("timers") == 0
    house.send(plan_id, step.id, "go")
    house.rest(plan_id)


def test_a_request_says_who_asked_and_until_when(house: House) -> None:
    house.hosts.default = silence
    plan_id = asked(house, hasty)

    body = house.hosts.requests[0].body
    assert body.caller == "ann"  # type: ignore[union-attr]
    assert body.plan == plan_id  # type: ignore[union-attr]
    assert body.timeout_ms == 100_000  # type: ignore[union-attr]
    assert body.expires_at == house.clock.now() + timedelta(seconds=60)  # type: ignore[union-attr]
    parcel: Parcel = house.broker.of_kind("request")[0]
    assert parcel.ttl == timedelta(seconds=60)
    assert parcel.durable
