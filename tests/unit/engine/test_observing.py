"""What the engine tells its observer, and the log, once it is committed."""

import logging
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from mcoflow.action import Action, Rescue, SubPlan, WithSubPlans, plan_hook
from mcoflow.action.registry import REGISTERED
from mcoflow.domain.query import CleanPolicy
from mcoflow.domain.records import HistoryRecord
from mcoflow.domain.recurrence import Recurrence
from mcoflow.domain.states import PlanState, StepState
from mcoflow.domain.view import PlanView
from mcoflow.engine.handles import PlanningFailed
from mcoflow.errors import EventDroppedError, StoreUnavailableError
from mcoflow.telemetry import BacklogGauges, Prometheus
from mcoflow.testing.hosts import error, result
from tests.unit.engine.house import House
from tests.unit.engine.play import (
    Compose,
    Do,
    Finish,
    Install,
    Listen,
    Rescued,
    compose,
    do,
    one,
    play,
)
from tests.unit.telemetry.samples import Scrape
from tests.waiting import until


class Observed:
    """A house whose world is observed."""

    def __init__(self, house: House, known: Callable[[str], bool] = REGISTERED.knows) -> None:
        self.house = house
        self.metrics = Prometheus(known)
        self.metrics.watch(BacklogGauges(house.store, house.clock))
        self.open()

    def open(self) -> None:
        """Put another world into the house, observed likewise."""
        world = self.house.another(observer=self.metrics)
        self.metrics.watch(world.gauges)

    def scrape(self) -> Scrape:
        return Scrape(self.metrics.text())

    def value(self, name: str, **labels: str) -> float:
        return self.scrape().value(f"mcoflow_{name}", **labels)

    def becomes(self, wanted: float, name: str, **labels: str) -> None:
        """Wait for a value: what follows a commit follows it at once, but not before its future."""
        until(
            lambda: self.value(name, **labels) == wanted,
            f"{name} {labels} is {wanted}; there is {self.scrape().values(f'mcoflow_{name}')}",
        )


@pytest.fixture
def observed(empty_house: House) -> Observed:
    return Observed(empty_house)


def fail(_action: Any, _event: Any) -> None:
    raise RuntimeError("broken")


def sleeps(action: Any, event: Any) -> None:
    if event is None:
        action.suspend()


# -- what ends ---------------------------------------------------------------------------------------------


def test_plans_and_steps_are_counted_when_they_end(observed: Observed) -> None:
    play.scripts["b"] = fail
    observed.house.rest(compose(observed.house, one(Finish)))
    observed.house.rest(compose(observed.house, do("b")))

    done = {"action": "play.finish", "state": "success"}
    observed.becomes(1, "plans_ended_total", action="play.compose", result="success")
    observed.becomes(1, "steps_ended_total", phase="plan", **done)
    observed.becomes(1, "steps_ended_total", phase="run", **done)
    observed.becomes(1, "steps_ended_total", phase="finalize", **done)
    observed.becomes(1, "steps_ended_total", action="play.do", phase="run", state="error")
    shown = observed.scrape()
    assert shown.value("mcoflow_plans_ended_total", action="play.compose", result="error") == 0, (
        "it is paused"
    )
    assert shown.value("mcoflow_plan_seconds_count", action="play.compose", result="success") == 1
    for phase in ("run", "finalize"):
        assert shown.value("mcoflow_step_run_seconds_count", action="play.finish", phase=phase) == 1
        slept = phase == "run"
        assert shown.value("mcoflow_step_real_seconds_count", action="play.finish", phase=phase) == slept
    assert shown.value("mcoflow_step_run_seconds_count", action="play.finish", phase="plan") == 0


def test_the_length_of_a_plan_is_that_of_its_sleep_too(observed: Observed) -> None:
    play.scripts["a"] = sleeps
    plan_id = compose(observed.house, one(Listen))
    step = observed.house.step_when(plan_id, StepState.SUSPENDED)
    observed.house.clock.advance(timedelta(seconds=40))
    observed.house.send(plan_id, step.id, "go")
    observed.house.rest(plan_id)

    observed.becomes(40, "plan_seconds_sum", action="play.compose", result="success")
    observed.becomes(40, "step_real_seconds_sum", action="play.listen", phase="run")
    assert observed.value("step_run_seconds_sum", action="play.listen", phase="run") < 20


class Unplannable(Action):
    """Its plan method fails."""

    name = "observing.unplannable"

    def plan(self) -> None:
        raise RuntimeError("no")


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_plan_that_could_not_be_planned_ended_in_error(observed: Observed, elsewhere: bool) -> None:
    world = observed.house.world.with_options(plan_id=uuid4() if elsewhere else None)

    assert isinstance(world.trigger(Unplannable), PlanningFailed)

    observed.becomes(1, "plans_ended_total", action=Unplannable.name, result="error")
    observed.becomes(1, "steps_ended_total", action=Unplannable.name, phase="plan", state="error")


def test_a_halted_plan_ended_as_halted(observed: Observed) -> None:
    play.scripts["a"] = sleeps
    plan_id = compose(observed.house, one(Listen))
    observed.house.step_when(plan_id, StepState.SUSPENDED)

    observed.house.world.halt(plan_id, reason="enough")

    observed.becomes(1, "plans_ended_total", action="play.compose", result="halted")


def test_what_actions_want_of_a_failed_plan_is_counted(observed: Observed) -> None:
    play.scripts["a"] = fail
    play.rescues["a"] = Rescue.SKIP
    observed.house.rest(compose(observed.house, one(Rescued)))

    observed.becomes(1, "rescues_total", outcome="skip")
    observed.becomes(1, "steps_ended_total", action="play.rescued", phase="run", state="skipped")


class Hooked(Listen):
    """Tells twice that it has stopped; the second time in vain."""

    name = "observing.hooked"

    @plan_hook(PlanState.STOPPED)
    def good(self, _plan: PlanView) -> None:
        """Do nothing."""

    @plan_hook(PlanState.STOPPED)
    def bad(self, _plan: PlanView) -> None:
        raise RuntimeError("nobody listens")


def test_calls_of_hooks_are_counted(observed: Observed) -> None:
    observed.house.rest(compose(observed.house, one(Hooked)))

    observed.becomes(1, "hooks_total", outcome="success")
    observed.becomes(1, "hooks_total", outcome="error")


class Parent(WithSubPlans):
    """Has one sub-plan that ends well, and one that fails."""

    name = "observing.parent"

    def total_count(self) -> int:
        return 2

    def sub_plans(self, start: int, size: int) -> Iterable[SubPlan]:
        return [SubPlan(Do, kwargs={"name": "a"}), SubPlan(Unplannable)][start : start + size]


def test_sub_plans_are_counted_by_their_result(observed: Observed, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "mcoflow")
    observed.house.trigger(Parent)

    observed.becomes(1, "sub_plans_total", result="success")
    observed.becomes(1, "sub_plans_total", result="error")
    (record,) = [vars(record) for record in caplog.records if record.message == "sub_plans.batch"]
    assert record["count"] == 2


def test_recurrences_are_counted_when_their_time_comes(observed: Observed) -> None:
    house = observed.house
    held = play.hold("a")
    house.world.recur(Recurrence("0 * * * *"), Compose, layout=play.layout(do("a")))

    house.advance(3600)
    observed.becomes(1, "recurrences_total", outcome="fired")
    house.advance(3600)
    observed.becomes(1, "recurrences_total", outcome="skipped")
    held.set()
    observed.becomes(1, "plans_ended_total", action="play.compose", result="success")


def test_plans_that_were_cleaned_away_are_counted(observed: Observed) -> None:
    for _ in range(3):
        observed.house.rest(compose(observed.house, do("a")))
    observed.house.advance(31 * 86400)

    observed.house.world.clean(CleanPolicy(older_than=timedelta(days=30)))

    assert observed.value("cleaned_plans_total") == 3


# -- events, hosts, time ------------------------------------------------------------------------------------


def test_events_are_counted_by_what_became_of_them(observed: Observed) -> None:
    house = observed.house
    play.scripts["a"] = sleeps
    plan_id = compose(house, one(Listen))
    step = house.step_when(plan_id, StepState.SUSPENDED)
    with pytest.raises(EventDroppedError):
        house.send(plan_id, step.id, 1.5)
    house.send(plan_id, step.id, "go")
    house.rest(plan_id)
    play.scripts["b"] = lambda action, _: action.plan_event("late")
    house.rest(compose(house, one(Listen, "b")))

    observed.becomes(1, "events_total", kind="user", outcome="refused")
    observed.becomes(1, "events_total", kind="user", outcome="delivered")
    observed.becomes(1, "events_total", kind="user", outcome="dropped")
    assert observed.value("events_total", kind="user", outcome="stored") == 2


def test_what_hosts_and_broker_say_is_counted(observed: Observed) -> None:
    house = observed.house
    house.hosts.answers["web2"] = error(4)
    house.hosts.default = lambda _request: [result(), result()]
    for host in ("web1", "web2"):
        house.rest(compose(house, one(Install, "a", host=host)))

    observed.becomes(2, "publishes_total", outcome="confirmed")
    observed.becomes(1, "replies_total", outcome="duplicate")
    assert observed.value("replies_total", outcome="applied") >= 2
    assert observed.value("step_real_seconds_count", action=Install.name, phase="run") == 2


def test_how_late_a_timer_goes_off_is_measured(observed: Observed) -> None:
    def script(action: Any, event: Any) -> None:
        if event is None:
            action.plan_event("go", delay=timedelta(seconds=10))
            action.suspend()

    play.scripts["a"] = script
    plan_id = compose(observed.house, one(Listen))
    observed.house.step_when(plan_id, StepState.SUSPENDED)
    observed.house.advance(13)
    observed.house.rest(plan_id)

    observed.becomes(1, "timer_lateness_seconds_count")
    assert observed.value("timer_lateness_seconds_sum") == 3


def test_queues_and_commits_are_measured(observed: Observed) -> None:
    held = play.hold("a")
    plan_id = compose(observed.house, do("a"))
    play.wait_inside("a")

    assert observed.value("workers", queue="default") == 5
    assert observed.value("workers_busy", queue="default") == 1
    assert observed.value("queue_jobs", queue="default") == 0
    held.set()
    observed.house.rest(plan_id)

    observed.becomes(1, "queue_wait_seconds_count", queue="default")
    observed.becomes(0, "workers_busy", queue="default")
    assert observed.value("commit_seconds_count") >= 2
    assert observed.value("batch_events_count") >= 2


# -- leases and the database --------------------------------------------------------------------------------


def test_leases_are_counted_as_taken_taken_over_and_lost(observed: Observed) -> None:
    house = observed.house
    play.scripts["a"] = sleeps
    plan_id = compose(house, one(Listen))
    step = house.step_when(plan_id, StepState.SUSPENDED)
    observed.becomes(1, "leases_total", outcome="taken")

    house.kill()
    observed.open()
    observed.becomes(1, "leases_total", outcome="taken_over")
    house.send(plan_id, step.id, "go")
    house.rest(plan_id)


def test_a_fenced_write_is_counted(observed: Observed) -> None:
    house = observed.house
    held = play.hold("a")
    plan_id = compose(house, do("a"))
    play.wait_inside("a")

    house.store.halt(HistoryRecord(plan_id, 0.0, "halt"))  # as another process would
    held.set()

    observed.becomes(1, "fenced_writes_total")
    observed.becomes(1, "leases_total", outcome="lost")


def test_failures_of_the_database_are_counted_and_its_return_is_logged(
    observed: Observed, caplog: pytest.LogCaptureFixture
) -> None:
    house = observed.house
    away = [StoreUnavailableError("away")] * 2

    def fails_twice(_changes: Any) -> None:
        if away:
            raise away.pop()

    house.valve.before["commit"] = fails_twice
    house.run(Do, name="a")

    observed.becomes(2, "store_errors_total", kind="away")
    assert caplog.messages.count("store.away") == 2
    assert caplog.messages.count("store.back") == 1
