"""Singletons: who holds a lock runs, who does not is refused or waits, and nothing is left behind."""

from collections.abc import Iterable
from datetime import timedelta

import pytest

from mcoflow.action import Action, Event, Lock, Singleton, UserEvent
from mcoflow.domain.states import PlanResult, PlanState, StepState
from mcoflow.engine.handles import PlanningFailed, Triggered
from mcoflow.errors import CommandRefusedError
from tests.unit.engine.house import House
from tests.waiting import until


class Nightly(Singleton):
    """Sleeps until it is told to end."""

    accepts = (str,)

    def run(self, event: Event | None) -> None:
        match event:
            case UserEvent(value="fail"):
                raise RuntimeError("as told")
            case UserEvent():
                return
        self.suspend()


class CreateAccount(Nightly):
    """Waits for those who are at the same account."""

    def locks(self) -> Iterable[Lock]:
        return [Lock(f"account/{self.input['user']}", conflict="wait")]


class Both(Nightly):
    def locks(self) -> Iterable[Lock]:
        return [Lock("account/ann", conflict="wait"), Lock("account/bob", conflict="wait")]


class BadLocks(Nightly):
    def locks(self) -> Iterable[Lock]:
        raise ValueError("no idea")


class Around(Action):
    def plan(self) -> None:
        self.plan_action(CreateAccount, user="ann")
        self.plan_action(CreateAccount, user="bob")


def sleeping(house: House, action: type[Action], **fields: object) -> Triggered:
    """Trigger a plan and wait until it sleeps."""
    triggered = house.world.trigger(action, **fields)
    assert isinstance(triggered, Triggered)
    house.step_when(triggered.plan_id, StepState.SUSPENDED)
    return triggered


def tell(house: House, plan: Triggered, word: str) -> None:
    house.send(plan.plan_id, house.step(plan.plan_id).id, word)


def test_the_second_plan_of_a_singleton_fails_its_planning(house: House) -> None:
    """E-074: PlanningFailed naming lock and holder; the first is not disturbed."""
    first = sleeping(house, Nightly)

    second = house.world.trigger(Nightly)

    assert isinstance(second, PlanningFailed)
    assert Nightly.name in second.error.message
    assert str(first.plan_id) in second.error.message
    stored = house.store.plan(second.plan_id)
    assert (stored.state, stored.result) == (PlanState.STOPPED, PlanResult.ERROR)
    assert house.store.whole(second.plan_id).snapshot.steps[0].error == second.error
    tell(house, first, "end")
    assert house.rest(first.plan_id).result is PlanResult.SUCCESS
    assert isinstance(house.world.trigger(Nightly), Triggered)


def test_plans_that_wait_run_in_order_of_arrival_and_say_whom_they_wait_for(house: House) -> None:
    """E-074: with `wait` they stay planned, and show the holder."""
    first = sleeping(house, CreateAccount, user="ann")
    others = [house.world.trigger(CreateAccount, user="ann") for _ in range(2)]
    beside = sleeping(house, CreateAccount, user="bob")

    for before, after in zip([first, *others], [*others, None], strict=True):
        assert isinstance(before, Triggered)
        house.step_when(before.plan_id, StepState.SUSPENDED)
        if after is not None:
            waiting = house.store.plan(after.plan_id)
            assert waiting.state is PlanState.PLANNED
            assert f"'account/ann', held by task {before.plan_id}" in waiting.explanation
        tell(house, before, "end")
        assert before.future.wait(timedelta(seconds=10)).result is PlanResult.SUCCESS
    tell(house, beside, "end")
    house.rest(beside.plan_id)
    assert house.count("locks") == 0


def test_a_lock_is_freed_by_a_pause_and_taken_again_by_a_resume(house: House) -> None:
    """E-075: kept while suspended, freed at paused; resuming is refused while another has it."""
    first = sleeping(house, CreateAccount, user="ann")
    second = house.world.trigger(CreateAccount, user="ann")
    assert isinstance(second, Triggered)
    tell(house, first, "fail")
    assert house.rest(first.plan_id).state is PlanState.PAUSED
    house.step_when(second.plan_id, StepState.SUSPENDED)

    with pytest.raises(CommandRefusedError, match=f"held by task {second.plan_id}"):
        house.resume(first.plan_id)

    assert house.store.plan(first.plan_id).state is PlanState.PAUSED
    tell(house, second, "end")
    house.rest(second.plan_id)
    house.resume(first.plan_id)
    house.step_when(first.plan_id, StepState.SUSPENDED)
    third = house.world.trigger(CreateAccount, user="ann")
    assert str(first.plan_id) in house.store.plan(third.plan_id).explanation
    house.cancel(third.plan_id)
    tell(house, first, "end")
    house.rest(first.plan_id)
    assert house.count("locks") == 0


def test_a_plan_waiting_for_a_lock_can_be_cancelled(house: House) -> None:
    """E-060: planned is cancelled at once, whatever it waits for, and nobody waits behind it any more."""
    first = sleeping(house, CreateAccount, user="ann")
    second = house.world.trigger(Both)
    third = house.world.trigger(CreateAccount, user="bob")

    house.cancel(second.plan_id)

    assert house.store.plan(second.plan_id).result is PlanResult.CANCELLED
    house.step_when(third.plan_id, StepState.SUSPENDED)
    assert house.store.plan(first.plan_id).state is PlanState.RUNNING


def test_a_plan_takes_the_locks_of_all_its_actions_together(house: House) -> None:
    """E-076: all or none."""
    first = sleeping(house, CreateAccount, user="bob")
    around = house.world.trigger(Around)
    late = house.world.trigger(CreateAccount, user="ann")

    assert "'account/bob'" in house.store.plan(around.plan_id).explanation
    assert str(around.plan_id) in house.store.plan(late.plan_id).explanation
    tell(house, first, "end")
    until(lambda: house.states(around.plan_id) == ["suspended"] * 2, "both run")


def test_locks_that_cannot_be_named_fail_the_planning(house: House) -> None:
    failed = house.world.trigger(BadLocks)

    assert isinstance(failed, PlanningFailed)
    assert failed.error.message == "no idea"


def test_a_lock_taken_away_by_hand_lets_no_code_run(house: House) -> None:
    """E-077: the next claim fails."""
    plan = sleeping(house, CreateAccount, user="ann")
    with house.store._database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM locks")

    with pytest.raises(CommandRefusedError, match="is paused"):
        tell(house, plan, "end")

    rested = house.rest(plan.plan_id)
    assert rested.state is PlanState.PAUSED
    assert "was taken away" in rested.explanation
    assert house.step(plan.plan_id).state is StepState.ERROR


def test_after_a_kill_the_next_executor_has_the_locks_of_the_plans_it_takes_over(house: House) -> None:
    """E-077: plans own locks, not processes; a plan at rest has none."""
    plan = sleeping(house, CreateAccount, user="ann")
    waiting = house.world.trigger(CreateAccount, user="ann")
    house.restart()
    until(lambda: "terminate execution" in house.history(plan.plan_id), "taken over")

    assert house.store.lock_waiters([plan.plan_id, waiting.plan_id]) == {waiting.plan_id}
    tell(house, plan, "end")
    house.rest(plan.plan_id)
    house.step_when(waiting.plan_id, StepState.SUSPENDED)


def test_a_client_without_executor_stores_plans_with_locks_too(house: House) -> None:
    client = house.another(executor=False)

    first, second = client.trigger(CreateAccount, user="eve"), client.trigger(CreateAccount, user="eve")

    house.step_when(first.plan_id, StepState.SUSPENDED)
    assert str(first.plan_id) in house.store.plan(second.plan_id).explanation
