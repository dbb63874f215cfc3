"""Plans that are stored now, and planned and run later."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mcoflow.action import Action, Registry
from mcoflow.domain.schedule import Schedule
from mcoflow.domain.states import PlanResult, PlanState
from mcoflow.engine.handles import Scheduled
from mcoflow.errors import (
    CommandRefusedError,
    NotSerialisableError,
    PlanExistsError,
    PlanNotFoundError,
    ScheduleInvalidError,
)
from tests.unit.engine.house import House
from tests.unit.engine.play import Compose, Do, do, play
from tests.waiting import until

LATER = timedelta(hours=2)


def at(house: House, after: timedelta) -> datetime:
    return house.clock.now() + after


def delayed(house: House, schedule: Schedule, name: str = "a") -> Scheduled:
    return house.world.delay(schedule, Compose, layout=play.layout(do(name)))


def two_looks(house: House) -> None:
    """Wait until the executor has looked twice for what is due."""
    before = house.valve.calls.count("due")
    house.advance(0.0)
    until(lambda: house.valve.calls.count("due") > before, "one look")
    house.advance(0.0)
    until(lambda: house.valve.calls.count("due") > before + 1, "two looks")


class Prepared(Action):
    """Writes input in its delay phase."""

    name = "schedules.prepared"
    title = "Prepared"

    def delay(self, schedule: Schedule, *hosts: str, **fields: Any) -> None:
        self.input["asked"] = f"{schedule.frozen} {hosts} {fields}"

    def plan(self, *hosts: str, size: int) -> None:
        self.plan_self(hosts=list(hosts), size=size)

    def run(self) -> None:
        play.log.append(str(self.input))


# -- elsewhere --------------------------------------------------------------------------------------------


def test_a_plan_is_planned_elsewhere_after_the_call_has_returned(house: House) -> None:
    """E-094: it returns before `plan` runs, and the future resolves."""
    planning, go_on = threading.Event(), threading.Event()

    def layout(plan: Action) -> None:
        planning.set()
        assert go_on.wait(20)
        plan.plan_action(Do, name="a")

    scheduled = house.world.plan_elsewhere(Compose, play.layout(layout))
    assert planning.wait(10)
    house.plan_when(scheduled.plan_id, lambda plan: plan.state is PlanState.PLANNING)
    go_on.set()

    assert scheduled.future.wait(timedelta(seconds=10)).result is PlanResult.SUCCESS
    assert play.log == ["a"]


def test_an_error_of_a_plan_made_elsewhere_is_in_the_plan(house: House) -> None:
    """E-094: a planning error is in the plan, the future resolves."""

    def layout(_plan: Action) -> None:
        raise SystemExit("no such release")

    view = house.world.plan_elsewhere(Compose, layout=play.layout(layout)).future.wait(timedelta(seconds=10))

    assert (view.state, view.result) == (PlanState.STOPPED, PlanResult.ERROR)
    assert "no such release" in view.explanation
    assert house.count("schedules") == 0


def test_a_client_lets_an_executor_plan(house: House) -> None:
    """E-094: a doorbell on the bus tells the executor."""
    client = house.another(executor=False)

    scheduled = client.plan_elsewhere(Compose, layout=play.layout(do("a")))

    assert house.rest(scheduled.plan_id).result is PlanResult.SUCCESS


# -- delayed ----------------------------------------------------------------------------------------------


def test_a_delayed_plan_is_scheduled_then_planned_and_run(house: House) -> None:
    """E-087: scheduled, progress 0, then planned and run, history 3 items."""
    scheduled = delayed(house, Schedule(start_at=at(house, LATER)))
    two_looks(house)
    plan = house.store.plan(scheduled.plan_id)
    assert (plan.state, plan.counts, plan.started_at) == (PlanState.SCHEDULED, {}, None)
    assert plan.progress == 0.0
    assert house.store.whole(scheduled.plan_id).actions == []

    house.advance(LATER.total_seconds())

    plan = house.rest(scheduled.plan_id)
    assert (plan.result, plan.created_at) == (PlanResult.SUCCESS, plan.started_at - LATER.total_seconds())
    assert house.history(scheduled.plan_id) == ["delay", "start execution", "finish execution"]
    assert scheduled.future.wait(timedelta(seconds=10)).result is PlanResult.SUCCESS
    assert house.count("schedules") == 0


def test_what_the_delay_phase_writes_is_there_in_plan(house: House) -> None:
    """E-084: and so are positional arguments."""
    scheduled = house.world.delay(Schedule(), Prepared, "web1", "web2", size=3)

    assert house.rest(scheduled.plan_id).result is PlanResult.SUCCESS
    assert play.log == [
        str({"asked": "False ('web1', 'web2') {'size': 3}", "hosts": ["web1", "web2"], "size": 3})
    ]
    assert house.store.plan(scheduled.plan_id).label == "Prepared"


@pytest.mark.parametrize("bad", [{1, 2}, float("nan"), object(), "nul\0"])
def test_arguments_that_are_no_json_are_an_error_to_the_caller(house: House, bad: object) -> None:
    """E-087: nothing is stored."""
    with pytest.raises(NotSerialisableError):
        house.world.delay(Schedule(), Compose, layout=bad)

    assert house.store.count_plans(None) == 0


def test_an_error_of_the_delay_phase_goes_to_the_caller_and_nothing_is_stored(house: House) -> None:
    class Refusing(Prepared):
        name = "schedules.refusing"

        def delay(self, schedule: Schedule, *args: Any, **fields: Any) -> None:
            raise RuntimeError("not on a Sunday")

    with pytest.raises(RuntimeError, match="Sunday"):
        house.world.delay(Schedule(), Refusing, size=1)

    assert house.store.count_plans(None) == 0


def test_the_same_id_and_arguments_are_one_scheduled_plan(house: House) -> None:
    """E-016: for scheduled plans, too."""
    first = delayed(house, Schedule(start_at=at(house, LATER)))
    again = house.world.with_options(plan_id=first.plan_id)
    key = str(len(play.layouts) - 1)

    assert again.delay(Schedule(), Compose, layout=key).plan_id == first.plan_id
    assert house.store.plan(first.plan_id).state is PlanState.SCHEDULED
    with pytest.raises(PlanExistsError):
        again.delay(Schedule(), Compose, layout="another")


def test_a_class_that_is_gone_when_the_plan_is_due_fails_the_plan(empty_house: House) -> None:
    """E-085: the executor does not know it."""
    empty_house.another(executor=False)
    scheduled = empty_house.world.delay(Schedule(), Prepared, size=1)
    empty_house.another(actions=Registry())

    plan = empty_house.rest(scheduled.plan_id)

    assert (plan.result, plan.state) == (PlanResult.ERROR, PlanState.STOPPED)
    assert "schedules.prepared" in plan.explanation


def test_times_without_a_zone_or_in_the_wrong_order_are_refused() -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    with pytest.raises(ScheduleInvalidError, match=r"start_at.*time zone"):
        Schedule(start_at=datetime(2026, 11, 21))  # noqa: DTZ001 - that is the point
    with pytest.raises(ScheduleInvalidError, match="not after"):
        Schedule(start_at=now, start_before=now)


# -- too late, frozen, cancelled --------------------------------------------------------------------------


def test_a_plan_that_cannot_start_in_time_is_stopped(empty_house: House) -> None:
    """E-088: start_before passed: stopped/error, `timeout`; no code ran."""
    empty_house.another(executor=False)
    start = at(empty_house, LATER)
    scheduled = delayed(empty_house, Schedule(start_at=start, start_before=start + LATER))
    empty_house.pass_time(3 * LATER.total_seconds())
    empty_house.another()

    plan = empty_house.rest(scheduled.plan_id)

    assert (plan.state, plan.result) == (PlanState.STOPPED, PlanResult.ERROR)
    assert empty_house.history(scheduled.plan_id) == ["delay", "timeout"]
    assert play.log == []
    assert empty_house.count("schedules") == 0


def test_a_frozen_plan_is_not_started_and_times_out_all_the_same(house: House) -> None:
    """E-088: frozen: not started; start_before is always checked."""
    scheduled = delayed(house, Schedule(start_before=at(house, LATER), frozen=True))
    two_looks(house)
    assert house.store.plan(scheduled.plan_id).state is PlanState.SCHEDULED

    house.advance(LATER.total_seconds())

    assert house.rest(scheduled.plan_id).result is PlanResult.ERROR
    assert house.history(scheduled.plan_id)[-1] == "timeout"


def test_an_unfrozen_plan_starts_when_it_is_told(house: House) -> None:
    """E-088: unfrozen with start_at: then."""
    scheduled = delayed(house, Schedule(start_at=at(house, LATER)))
    house.world.freeze(scheduled.plan_id, actor="bob")
    house.advance(2 * LATER.total_seconds())
    two_looks(house)
    house.world.unfreeze(scheduled.plan_id, start_at=at(house, LATER), actor="bob")
    two_looks(house)
    assert house.store.plan(scheduled.plan_id).state is PlanState.SCHEDULED

    house.advance(LATER.total_seconds())

    assert house.rest(scheduled.plan_id).result is PlanResult.SUCCESS
    assert house.history(scheduled.plan_id)[:3] == ["delay", "freeze", "unfreeze"]


def test_an_unfrozen_plan_whose_time_has_come_starts_at_once(house: House) -> None:
    """E-088: unfrozen without a time."""
    scheduled = delayed(house, Schedule(frozen=True))

    house.world.unfreeze(scheduled.plan_id)

    assert house.rest(scheduled.plan_id).result is PlanResult.SUCCESS


def test_only_what_is_scheduled_can_be_frozen(house: House) -> None:
    scheduled = delayed(house, Schedule())
    house.rest(scheduled.plan_id)

    for act in (house.world.freeze, house.world.unfreeze):
        with pytest.raises(CommandRefusedError, match="stopped"):
            act(scheduled.plan_id)
        with pytest.raises(PlanNotFoundError):
            act(house.store.plan(scheduled.plan_id).id.__class__(int=0))


@pytest.mark.parametrize("executor", [True, False])
def test_a_scheduled_plan_is_cancelled_at_once(empty_house: House, executor: bool) -> None:
    """E-060: stopped/cancelled, its schedule gone, also when no executor is there."""
    empty_house.another(executor=executor)
    scheduled = delayed(empty_house, Schedule(start_at=at(empty_house, LATER)))

    assert empty_house.cancel(scheduled.plan_id) == {"step_ids": []}

    plan = empty_house.store.plan(scheduled.plan_id)
    assert (plan.state, plan.result) == (PlanState.STOPPED, PlanResult.CANCELLED)
    assert empty_house.history(scheduled.plan_id) == ["delay", "cancel", "finish execution"]
    assert empty_house.count("schedules") == 0
    assert scheduled.future.wait(timedelta(seconds=5)).result is PlanResult.CANCELLED
    with pytest.raises(CommandRefusedError):
        empty_house.cancel(scheduled.plan_id)


def test_a_cancel_during_planning_is_obeyed_once_the_plan_is_there(house: House) -> None:
    """E-060: nothing of it runs."""
    planning, go_on = threading.Event(), threading.Event()

    def layout(plan: Action) -> None:
        planning.set()
        assert go_on.wait(20)
        with plan.sequence():
            plan.plan_action(Do, name="a")
            plan.plan_action(Do, name="b")

    held = play.hold("a")
    scheduled = house.world.plan_elsewhere(Compose, layout=play.layout(layout))
    assert planning.wait(10)
    cancelling = threading.Thread(target=house.cancel, args=(scheduled.plan_id,))
    cancelling.start()
    until(lambda: house.count("commands"), "the command is stored")
    go_on.set()
    cancelling.join(10)
    held.set()

    assert house.rest(scheduled.plan_id).result is PlanResult.CANCELLED
    assert "b" not in play.log
