"""How plans run: order, errors, finalize, outcomes."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from pydantic import BaseModel

from mcoflow.action import Action
from mcoflow.domain.requests import CommandKind
from mcoflow.domain.states import Phase, PlanResult, PlanState, StepState
from mcoflow.engine.settings import WorldSettings
from mcoflow.errors import (
    CommandRefusedError,
    InputInvalidError,
    PlanExistsError,
    StepCancelledError,
    UnknownActionError,
)
from tests.unit.engine.house import House
from tests.unit.engine.play import (
    Compose,
    Do,
    Finish,
    GiveUp,
    Listen,
    Tidy,
    compose,
    do,
    one,
    play,
)
from tests.waiting import until


def fail(why: str = "broken") -> Any:
    def script(_action: Any, _event: Any) -> None:
        raise RuntimeError(why)

    return script


# -- order -------------------------------------------------------------------------------------------------


def test_a_step_runs_while_others_that_it_does_not_need_are_held(house: House) -> None:
    """E-004: 11 runs while 7 and 9 are held."""
    held = [play.hold("7"), play.hold("9")]

    def layout(plan: Action) -> None:
        with plan.sequence():
            three = plan.plan_action(Do, name="3")
            plan.plan_action(Do, name="7")
        with plan.sequence():
            five = plan.plan_action(Do, name="5")
            plan.plan_action(Do, name="9")
        plan.plan_action(Do, name="11", reads=[three.output["by"], five.output["by"]])

    plan_id = compose(house, layout)

    play.wait_inside("11")
    for event in held:
        event.set()
    assert house.rest(plan_id).result is PlanResult.SUCCESS


def test_the_second_group_starts_after_the_whole_first(house: House) -> None:
    """E-005: through the gate."""
    held = play.hold("1.3")

    def layout(plan: Action) -> None:
        with plan.sequence():
            for group in (1, 2):
                with plan.concurrence():
                    for number in range(5):
                        plan.plan_action(Do, name=f"{group}.{number}")

    plan_id = compose(house, layout)
    until(lambda: len(play.log) == 5, "the first group runs")
    until(lambda: house.states(plan_id).count("success") == 4, "four have ended")
    assert all(name.startswith("1.") for name in play.log)
    held.set()

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert all(name.startswith("2.") for name in play.log[5:])


def test_a_consumer_gets_the_exact_values_of_its_producer(house: House) -> None:
    """E-007: also deep inside lists and objects; the stored input keeps the reference."""
    seen: list[Any] = []

    def produce(action: Any, _event: Any) -> None:
        action.output["deep"] = {"list": ["é", 1.5, None, {"x": True}]}

    play.scripts["a"] = produce
    play.scripts["b"] = lambda action, _event: seen.append(action.input["value"])

    def layout(plan: Action) -> None:
        made = plan.plan_action(Do, name="a")
        plan.plan_action(Do, name="b", value=[{"it": made.output["deep"]["list"]}, made.output["by"]])

    assert house.rest(compose(house, layout)).result is PlanResult.SUCCESS

    assert seen == [[{"it": ["é", 1.5, None, {"x": True}]}, "a"]]


def test_a_finalize_gets_the_values_that_its_input_refers_to(house: House) -> None:
    """E-007: in finalize as in run."""
    seen: list[Any] = []
    play.scripts["b!"] = lambda action, _event: seen.append((action.input["value"], action.output["by"]))

    def layout(plan: Action) -> None:
        made = plan.plan_action(Do, name="a")
        plan.plan_action(Finish, name="b", value=made.output["by"])

    assert house.rest(compose(house, layout)).result is PlanResult.SUCCESS
    assert seen == [("a", "b")]


def test_a_subkey_that_is_missing_at_run_time_is_a_step_error(house: House) -> None:
    """E-010: names both steps, path and keys; plan paused; never success, never hung."""

    def layout(plan: Action) -> None:
        made = plan.plan_action(Do, name="a")
        plan.plan_action(Listen, name="b", value=made.output["deep"]["down"])

    plan = house.rest(compose(house, layout))

    assert (plan.state, plan.result) == (PlanState.PAUSED, PlanResult.ERROR)
    step = house.step(plan.id, Listen)
    assert step.error is not None
    assert step.error.kind == "ReferenceMissingError"
    producer = house.step(plan.id, Do).id
    assert f'step {producer} output["deep"]["down"] is missing: its keys are by' in step.error.message
    assert play.log == ["a"]


def test_an_alternative_is_taken_when_the_producer_lacks_the_key(house: House) -> None:
    """E-011: else the real value."""
    seen: list[Any] = []
    play.scripts["b"] = lambda action, _event: seen.extend(action.input["values"])

    def layout(plan: Action) -> None:
        made = plan.plan_action(Do, name="a")
        plan.plan_action(Do, name="b", values=[made.output["x"].or_else(7), made.output["by"].or_else(7)])

    house.rest(compose(house, layout))

    assert seen == [7, "a"]


# -- ends ----------------------------------------------------------------------------------------------------


def test_a_plan_without_steps_is_a_success_and_cannot_be_run_again(house: House) -> None:
    """E-017: empty."""
    plan = house.rest(compose(house, lambda _plan: None))

    assert (plan.state, plan.result) == (PlanState.STOPPED, PlanResult.SUCCESS)
    with pytest.raises(CommandRefusedError, match="stopped"):
        house.resume(plan.id)


def test_a_plan_with_a_finalize_alone_is_a_success(house: House) -> None:
    """E-017: finalize only."""
    plan = house.rest(compose(house, one(Tidy)))

    assert (plan.state, plan.result) == (PlanState.STOPPED, PlanResult.SUCCESS)
    assert play.log == ["a!"]


def test_an_error_stops_what_follows_it_and_nothing_else(house: House) -> None:
    """E-019: what follows stays pending, other branches end, finalize does not start, paused/error."""
    play.scripts["bad"] = fail()

    def layout(plan: Action) -> None:
        with plan.sequence():
            plan.plan_action(Do, name="bad")
            plan.plan_action(Do, name="after bad")
        with plan.sequence():
            plan.plan_action(Do, name="good")
            plan.plan_action(Finish, name="after good")

    plan = house.rest(compose(house, layout))

    assert (plan.state, plan.result) == (PlanState.PAUSED, PlanResult.ERROR)
    assert plan.explanation == "broken"
    assert house.states(plan.id) == ["error", "pending", "success", "success", "pending"]
    assert "pause execution" in house.history(plan.id)


def test_finalize_runs_after_all_run_steps_one_by_one_in_plan_order(house: House) -> None:
    """E-040: in plan order."""
    running, most = [0], [0]
    lock = threading.Lock()

    def script(_action: Any, _event: Any) -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        threading.Event().wait(0.01)
        with lock:
            running[0] -= 1

    for number in range(4):
        play.scripts[f"{number}!"] = script

    def layout(plan: Action) -> None:
        for number in range(4):
            plan.plan_action(Finish, name=str(number))

    plan = house.rest(compose(house, layout))

    assert plan.result is PlanResult.SUCCESS
    assert play.log[4:] == ["0!", "1!", "2!", "3!"]
    assert most == [1]


def test_a_failed_finalize_pauses_and_resume_starts_at_it(house: House) -> None:
    """E-041: without a transaction adapter done steps stay done."""
    play.scripts["b!"] = fail("disk full")

    def layout(plan: Action) -> None:
        for name in "abc":
            plan.plan_action(Finish, name=name)

    plan = house.rest(compose(house, layout))
    assert (plan.state, plan.explanation) == (PlanState.PAUSED, "disk full")
    del play.scripts["b!"]
    house.resume(plan.id)

    assert house.rest(plan.id).result is PlanResult.SUCCESS
    assert [name for name in play.log if name.endswith("!")] == ["a!", "b!", "b!", "c!"]


def test_a_step_that_warned_is_a_success_and_its_plan_a_warning(house: House) -> None:
    """E-116: message shown; finalize runs, nothing pauses."""
    play.scripts["a"] = lambda action, _event: action.warn("disk nearly full")

    plan = house.rest(compose(house, one(Finish)))

    assert (plan.state, plan.result) == (PlanState.STOPPED, PlanResult.WARNING)
    assert plan.explanation == "disk nearly full"
    assert house.step(plan.id).warnings == ("disk nearly full",)
    assert play.log == ["a", "a!"]


def test_what_a_failing_run_warned_of_is_forgotten_when_it_is_tried_again(house: House) -> None:
    def warn_and_fail(action: Any, _event: Any) -> None:
        action.warn("odd")
        raise RuntimeError("broken")

    play.scripts["a"] = warn_and_fail
    plan = house.rest(compose(house, do("a")))
    del play.scripts["a"]
    house.resume(plan.id)

    assert house.rest(plan.id).result is PlanResult.SUCCESS


def test_an_action_may_fail_its_plan_instead_of_pausing_it(house: House) -> None:
    """E-049: Fail gives stopped/error, the rest stays pending."""
    play.scripts["a"] = fail("hopeless")

    def layout(plan: Action) -> None:
        with plan.sequence():
            plan.plan_action(GiveUp, name="a")
            plan.plan_action(Do, name="b")

    plan = house.rest(compose(house, layout))

    assert (plan.state, plan.result, plan.explanation) == (PlanState.STOPPED, PlanResult.ERROR, "hopeless")
    assert plan.counts == {StepState.ERROR: 1, StepState.PENDING: 1}


def test_failed_steps_that_do_not_agree_pause_the_plan(house: House) -> None:
    """E-050: Fail and Pause: Pause."""
    play.scripts["a"] = play.scripts["b"] = fail()

    def layout(plan: Action) -> None:
        plan.plan_action(GiveUp, name="a")
        plan.plan_action(Do, name="b")

    assert house.rest(compose(house, layout)).state is PlanState.PAUSED


def test_what_an_action_wants_for_its_plan_survives_a_restart(house: House) -> None:
    held = play.hold("slow")
    play.scripts["bad"] = fail("hopeless")

    def layout(plan: Action) -> None:
        plan.plan_action(GiveUp, name="bad")
        plan.plan_action(Listen, name="slow")

    play.scripts["slow"] = lambda action, event: action.suspend() if event is None else None
    plan_id = compose(house, layout)
    held.set()
    slow = house.step_when(plan_id, StepState.SUSPENDED, Listen)
    until(lambda: house.step(plan_id, GiveUp).state is StepState.ERROR, "the other one failed")
    house.restart()
    house.send(plan_id, slow.id, "go on")

    assert house.rest(plan_id).state is PlanState.STOPPED


def test_a_step_that_ends_itself_as_cancelled_does_not_leave_its_followers_pending_for_ever(
    house: House,
) -> None:
    def cancel(_action: Any, _event: Any) -> None:
        raise StepCancelledError("not needed any more")

    play.scripts["a"] = cancel

    def layout(plan: Action) -> None:
        with plan.sequence():
            plan.plan_action(Do, name="a")
            plan.plan_action(Finish, name="b")
        plan.plan_action(Do, name="other")

    plan = house.rest(compose(house, layout))

    assert (plan.state, plan.result) == (PlanState.STOPPED, PlanResult.CANCELLED)
    assert house.states(plan.id) == ["cancelled", "cancelled", "cancelled", "success"]
    assert sorted(play.log) == ["a", "other"]


# -- data ----------------------------------------------------------------------------------------------------


class Made(BaseModel):
    by: str
    size: int


class Precise(Listen):
    """Has an Output model."""

    name = "running.precise"
    Output = Made


def test_an_output_that_lacks_a_field_at_the_end_pauses_the_plan(house: House) -> None:
    """E-002: OutputInvalidError."""
    play.scripts["a"] = lambda action, _event: action.output.update(by="a")

    plan = house.rest(compose(house, one(Precise)))

    assert plan.state is PlanState.PAUSED
    error = house.step(plan.id).error
    assert error is not None
    assert (error.kind, "size" in error.message) == ("OutputInvalidError", True)


def test_half_an_output_at_a_suspend_is_no_error(house: House) -> None:
    """E-002: it is checked at the end."""

    def script(action: Any, event: Any) -> None:
        if event is None:
            action.output["by"] = "a"
            action.suspend()
        action.output["size"] = 5

    play.scripts["a"] = script
    plan_id = compose(house, one(Precise))
    step = house.step_when(plan_id, StepState.SUSPENDED)
    assert house.output(plan_id) == {"by": "a"}
    house.send(plan_id, step.id, "go")

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert house.output(plan_id) == {"by": "a", "size": 5}


@pytest.mark.parametrize("value", [{1}, float("nan"), "a\0b", "x" * (1 << 20)])
def test_an_output_that_cannot_be_stored_is_an_error_and_the_last_one_stays(house: House, value: Any) -> None:
    """E-003: in output."""

    def script(action: Any, event: Any) -> None:
        action.output["kept" if event is None else "bad"] = "yes" if event is None else value
        if event is None:
            action.suspend()

    play.scripts["a"] = script
    plan_id = compose(house, one(Listen))
    house.send(plan_id, house.step_when(plan_id, StepState.SUSPENDED).id, "go")
    plan = house.rest(plan_id)

    assert plan.state is PlanState.PAUSED
    error = house.step(plan.id).error
    assert error is not None
    assert error.kind == "NotSerialisableError"
    assert house.output(plan.id) == {"kept": "yes"}


def test_a_failing_run_keeps_its_output_and_sends_nothing(house: House) -> None:
    """E-021: output is kept, no request leaves."""

    def script(action: Any, _event: Any) -> None:
        action.output["half"] = "done"
        action.request("package", "install", {"package": "x"}, host="web1")
        raise RuntimeError("then it broke")

    play.scripts["a"] = script
    plan = house.rest(compose(house, one(Listen)))

    assert house.output(plan.id) == {"half": "done"}
    assert house.broker.of_kind("request") == []


def test_requests_are_sent_all_or_none(house: House) -> None:
    """E-021: the second one cannot be made, so the first does not leave either."""

    def script(action: Any, _event: Any) -> None:
        good = action.request("package", "install", {"package": "x"}, host="web1")
        huge = action.request("package", "install", {"package": "x" * 70_000}, host="web2")
        action.suspend(until=[good, huge])

    play.scripts["a"] = script
    plan = house.rest(compose(house, one(Listen)))

    assert plan.state is PlanState.PAUSED
    assert "may be sent" in plan.explanation
    assert house.broker.of_kind("request") == []
    assert house.count("requests") == 0


def test_times_are_kept_for_each_step(house: House) -> None:
    """E-022: execution_time < real_time for a suspended step."""

    def script(action: Any, event: Any) -> None:
        if event is None:
            action.suspend()

    play.scripts["a"] = script
    plan_id = compose(house, one(Listen))
    step = house.step_when(plan_id, StepState.SUSPENDED)
    house.clock.advance(60)
    house.send(plan_id, step.id, "go")
    house.rest(plan_id)

    step = house.step(plan_id)
    assert step.started_at is not None
    assert step.ended_at is not None
    assert step.ended_at - step.started_at >= 60
    assert 0 < step.execution_time < 10


# -- workers ---------------------------------------------------------------------------------------------


class RudeError(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), MemoryError("full"), RudeError()])
def test_whatever_run_raises_is_a_step_error_and_the_worker_lives(
    empty_house: House, error: BaseException
) -> None:
    """E-020: the same worker takes the next job."""
    empty_house.another(settings=WorldSettings(queues={"default": 1}))
    threads: list[int] = []

    def script(_action: Any, _event: Any) -> None:
        threads.append(threading.get_ident())
        raise error

    play.scripts["bad"] = script
    play.scripts["good"] = lambda _action, _event: threads.append(threading.get_ident())

    plan = empty_house.rest(compose(empty_house, do("bad")))
    assert plan.state is PlanState.PAUSED
    kept = empty_house.step(plan.id).error
    assert kept is not None
    assert kept.kind == type(error).__name__
    assert empty_house.rest(compose(empty_house, do("good"))).result is PlanResult.SUCCESS
    assert threads[0] == threads[1]


def test_a_swallowed_suspend_is_a_step_error(house: House) -> None:
    """E-020: SuspendSwallowedError."""

    def script(action: Any, _event: Any) -> None:
        try:
            action.suspend()
        except BaseException:  # noqa: BLE001 - this is what is tested
            action.output["swallowed"] = True

    play.scripts["a"] = script
    plan = house.rest(compose(house, one(Listen)))

    error = house.step(plan.id).error
    assert error is not None
    assert error.kind == "SuspendSwallowedError"


def test_a_run_without_an_event_may_not_suspend(house: House) -> None:
    play.scripts["a"] = lambda action, _event: action.suspend()

    plan = house.rest(compose(house, do("a")))

    error = house.step(plan.id).error
    assert error is not None
    assert error.kind == "PhaseError"


def test_while_code_runs_the_database_says_so(house: House) -> None:
    """E-018: running for step and plan."""
    held = play.hold("a")
    plan_id = compose(house, do("a"))
    play.wait_inside("a")

    assert house.store.plan(plan_id).state is PlanState.RUNNING
    assert house.step(plan_id).state is StepState.RUNNING
    held.set()
    house.rest(plan_id)


class Elsewhere(Do):
    """Wants a pool that there is not."""

    name = "running.elsewhere"
    queue = "nowhere"


def test_an_unknown_queue_runs_on_the_default_one_with_one_warning(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """E-024: one warning."""
    for _ in range(2):
        assert house.rest(compose(house, one(Elsewhere))).result is PlanResult.SUCCESS

    assert [record.message for record in caplog.records].count("queue.unknown") == 1


# -- triggering ------------------------------------------------------------------------------------------


def test_an_unknown_action_is_refused_and_the_nearest_is_named(house: House) -> None:
    with pytest.raises(UnknownActionError, match=r"play\.compose"):
        house.world.submit("play.compos", {}, user="ann")


class Typed(BaseModel):
    size: int


class Sized(Do):
    """Has an Input."""

    name = "running.sized"
    Input = Typed


def test_arguments_that_do_not_fit_the_root_are_refused_and_nothing_is_stored(house: House) -> None:
    """E-001: the caller of the root is told at once."""
    with pytest.raises(InputInvalidError, match="size"):
        house.world.submit(Sized.name, {"size": "many"}, user="ann")
    assert house.store.count_plans(None) == 0


def test_a_planning_error_is_told_and_stored(house: House) -> None:
    """E-001: PlanningFailed."""

    def layout(plan: Action) -> None:
        plan.plan_action(Sized, size="many")

    submitted = house.world.submit(Compose.name, {"layout": play.layout(layout)}, user="ann")

    assert "size" in submitted.error
    plan = house.store.plan(submitted.plan_id)
    assert (plan.state, plan.result, plan.owner) == (PlanState.STOPPED, PlanResult.ERROR, None)


def test_the_same_plan_id_and_arguments_make_one_plan_that_runs_once(house: House) -> None:
    """E-016: twice."""
    plan_id, key = uuid4(), play.layout(do("a"))
    for _ in range(2):
        assert (
            house.world.submit(Compose.name, {"layout": key}, user="ann", plan_id=plan_id).plan_id == plan_id
        )
        house.rest(plan_id)

    assert play.log == ["a"]
    assert house.store.count_plans(None) == 1


def test_the_same_plan_id_with_other_arguments_is_refused(house: House) -> None:
    """E-016: PlanExistsError."""
    plan_id = compose(house, do("a"), plan_id=uuid4())

    with pytest.raises(PlanExistsError, match=str(plan_id)):
        compose(house, do("b"), plan_id=plan_id)
    with pytest.raises(PlanExistsError):
        house.trigger(Sized, plan_id=plan_id, size=3)
    house.rest(plan_id)
    assert play.log == ["a"]


def test_one_plan_id_from_many_threads_at_once_makes_one_plan(house: House) -> None:
    """E-016: concurrently too."""
    plan_id, key = uuid4(), play.layout(do("a"))
    start = threading.Barrier(8)

    def submit(_number: int) -> object:
        start.wait(10)
        return house.world.submit(Compose.name, {"layout": key}, user="ann", plan_id=plan_id).plan_id

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(submit, range(8))) == {plan_id}
    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert play.log == ["a"]


def test_one_plan_id_from_many_threads_with_different_arguments_goes_to_one_of_them(house: House) -> None:
    """E-016: the others get PlanExistsError."""
    plan_id = uuid4()
    keys = [play.layout(do(str(number))) for number in range(6)]
    start = threading.Barrier(6)

    def submit(key: str) -> bool:
        start.wait(10)
        try:
            house.world.submit(Compose.name, {"layout": key}, user="ann", plan_id=plan_id)
        except PlanExistsError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(submit, keys)) == 1
    house.rest(plan_id)
    assert len(play.log) == 1


def test_a_cancel_does_not_touch_code_that_is_inside_run(house: House) -> None:
    """E-058: nothing cancellable, no signal; every step succeeded all the same: success."""
    held = play.hold("a")
    plan_id = compose(house, do("a"))
    play.wait_inside("a")

    assert house.command(plan_id, CommandKind.CANCEL) == {"step_ids": []}
    held.set()
    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert house.step(plan_id, phase=Phase.RUN).state is StepState.SUCCESS
