"""A plan at which the engine itself fails is paused, and hurts no other."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from mcoflow.action import FOREVER, Action
from mcoflow.domain.requests import Wait
from mcoflow.domain.states import PlanResult, PlanState, StepState
from mcoflow.engine.steps import Steps
from mcoflow.errors import CommandRefusedError, StaleStepError, StoreUnavailableError
from mcoflow.testing.hosts import accepted, only, result, silence
from tests.unit.engine.house import House
from tests.unit.engine.play import Compose, Do, Install, Layout, Listen, compose, do, one, play
from tests.waiting import until


class EngineBugError(Exception):
    """Nobody expects it."""


def steps_of(house: House) -> Any:
    executor = house.world._executor
    assert executor is not None
    return executor._director._parts.steps


def break_for(house: House, method: str, plan_of: Callable[..., Any], bad: set[Any]) -> None:
    """Let a method of the executor's parts fail for some plans; parts are plain objects."""
    steps = steps_of(house)
    real = getattr(Steps, method)

    def broken(*args: Any, **fields: Any) -> Any:
        if plan_of(*args) in bad:
            raise EngineBugError("a bug in mcoflow")
        return real(steps, *args, **fields)

    setattr(steps, method, broken)


def install(host: str = "web1") -> Layout:
    return lambda plan: plan.plan_action(Install, host=host, package="x")


def repaired(house: House, method: str) -> None:
    delattr(steps_of(house), method)


def is_paused_with_an_explanation(house: House, plan_id: Any) -> None:
    plan = house.rest(plan_id)
    assert (plan.state, plan.result, plan.owner) == (PlanState.PAUSED, PlanResult.ERROR, None)
    assert "mcoflow itself failed at this task (EngineBugError: a bug in mcoflow)" in plan.explanation
    assert "pause execution" in house.history(plan_id)


def others_run(house: House) -> None:
    assert house.rest(compose(house, do("other"))).result is PlanResult.SUCCESS


def test_a_bug_at_the_end_of_a_job_pauses_the_plan(house: House) -> None:
    """E-025: the others unharmed; a step inside is in error, effect unknown; resume tries again."""
    bad: set[Any] = set()
    held = play.hold("a")
    plan_id = compose(house, do("a"))
    play.wait_inside("a")
    bad.add(plan_id)
    break_for(house, "end", lambda _batch, run, *_rest: run.id, bad)
    held.set()

    is_paused_with_an_explanation(house, plan_id)
    error = house.step(plan_id).error
    assert error is not None
    assert "effect of what was under way is unknown" in error.message
    assert "EngineBugError" in error.traceback
    others_run(house)
    bad.clear()
    house.resume(plan_id)
    assert house.rest(plan_id).result is PlanResult.SUCCESS


def test_a_bug_in_a_reply_pauses_the_plan_and_the_reply_is_evidence(house: House) -> None:
    """E-025: a poisonous reply is not applied for ever."""
    house.hosts.default = silence
    bad_id, good_id = compose(house, install("web1")), compose(house, install("web2"))
    until(lambda: len(house.hosts.requests) == 2, "both are asked")
    break_for(house, "request_ended", lambda _batch, run, *_rest: run.id, {bad_id})
    said = {each.host: house.hosts.say(result(), about=each) for each in house.hosts.requests}

    is_paused_with_an_explanation(house, bad_id)
    assert house.rest(good_id).result is PlanResult.SUCCESS
    until(lambda: house.broker.verdicts(said["web1"]), "it is acknowledged")
    (evidence,) = house.store.evidence(bad_id)
    assert evidence.why == "late"
    assert house.store.open_requests([bad_id]) == []


def test_a_bug_in_a_deadline_pauses_the_plan(house: House) -> None:
    """E-025: time goes on for the others."""
    play.scripts["a"] = lambda action, event: action.suspend() if event is None else None
    bad_id, good_id = compose(house, one(Listen)), compose(house, one(Listen))
    for plan_id in (bad_id, good_id):
        house.step_when(plan_id, StepState.SUSPENDED)
    break_for(house, "timer_due", lambda _batch, timer: timer.plan_id, {bad_id})
    house.advance(3601)

    is_paused_with_an_explanation(house, bad_id)
    assert house.rest(good_id).result is PlanResult.SUCCESS
    assert house.count("timers") == 0


def test_a_bug_at_the_start_of_a_step_pauses_the_plan(house: House) -> None:
    """E-025: with others in the same batch."""
    play.scripts["a"] = lambda action, event: action.suspend(patience=FOREVER) if event is None else None

    def layout(plan: Action) -> None:
        with plan.sequence():
            plan.plan_action(Listen, name="a")
            plan.plan_action(Do, name="b")

    bad_id, good_id = compose(house, layout), compose(house, layout)
    steps = {each: house.step_when(each, StepState.SUSPENDED, Listen).id for each in (bad_id, good_id)}
    break_for(house, "_start", lambda _batch, run, *_rest: run.id, {bad_id})
    for plan_id, step_id in steps.items():
        house.send(plan_id, step_id, "go")

    is_paused_with_an_explanation(house, bad_id)
    assert house.rest(good_id).result is PlanResult.SUCCESS


def test_a_bug_in_a_new_plan_is_told_to_its_caller_and_nothing_is_stored(house: House) -> None:
    """The future of a plan whose commit cannot happen is failed."""
    break_for(house, "_start", lambda _batch, run, *_rest: run.plan.user, {"ann"})

    with pytest.raises(EngineBugError):
        compose(house, do("a"))

    assert house.store.count_plans(None) == 0
    repaired(house, "_start")
    others_run(house)


def test_a_bug_in_a_command_is_the_answer_to_it(house: House) -> None:
    """E-025: and it is not tried for ever."""
    play.scripts["a"] = lambda action, event: action.suspend(patience=FOREVER) if event is None else None
    plan_id = compose(house, one(Listen))
    house.step_when(plan_id, StepState.SUSPENDED)
    break_for(house, "note", lambda _batch, run, *_rest: run.id, {plan_id})

    with pytest.raises(CommandRefusedError, match="a bug in mcoflow"):
        house.cancel(plan_id)

    repaired(house, "note")
    is_paused_with_an_explanation(house, plan_id)
    others_run(house)


def refuses(bad: set[Any], error: Exception) -> Callable[[Any], None]:
    """A store that cannot write anything of some plans."""

    def before(changes: Any) -> None:
        written = {each.id for each in changes.plans if each.state is not PlanState.PAUSED}
        written |= {draft.plan.id for draft in changes.new_plans}
        if written & bad:
            raise error

    return before


@pytest.mark.parametrize("error", [EngineBugError("a bug in mcoflow"), StaleStepError("moved meanwhile")])
def test_a_plan_that_cannot_be_written_is_paused_and_the_batch_goes_on_without_it(
    house: House, error: Exception
) -> None:
    """E-025: a store error that is no StoreUnavailableError."""
    held = [play.hold(name) for name in ("bad", "good")]
    bad_id, good_id = compose(house, do("bad")), compose(house, do("good"))
    play.wait_inside("bad")
    play.wait_inside("good")
    house.valve.before["commit"] = refuses({bad_id}, error)
    for event in held:
        event.set()

    assert house.rest(good_id).result is PlanResult.SUCCESS
    plan = house.rest(bad_id)
    assert (plan.state, plan.owner) == (PlanState.PAUSED, None)
    assert house.step(bad_id).state is StepState.ERROR


def test_a_new_plan_that_cannot_be_written_fails_its_caller_and_no_other(house: House) -> None:
    """The future of the one is failed, of the others resolved."""
    from mcoflow.engine.planner import make_plan

    executor = house.world._executor
    assert executor is not None
    drafts = [
        make_plan(Compose, {"layout": play.layout(do(str(n)))}, plan_id=plan_id, user="ann", now=0.0)
        for n, plan_id in enumerate(uuid4() for _ in range(5))
    ]
    house.valve.before["commit"] = refuses({drafts[2].plan.id}, EngineBugError("a bug in mcoflow"))

    futures = [executor.store_plan(draft) for draft in drafts]

    outcomes = [future.exception(10) for future in futures]
    assert [type(each) for each in outcomes if each is not None] == [EngineBugError]
    assert outcomes[2] is not None
    for draft in drafts[:2] + drafts[3:]:
        assert house.rest(draft.plan.id).result is PlanResult.SUCCESS


def test_evidence_that_cannot_be_written_stops_nothing(house: House) -> None:
    house.hosts.default = silence
    plan_id = compose(house, install())
    until(lambda: house.hosts.requests, "asked")

    def before(changes: Any) -> None:
        if changes.evidence:
            raise EngineBugError("no evidence")

    house.valve.before["commit"] = before
    house.hosts.shout(b"rubbish")
    house.hosts.say(result())

    assert house.rest(plan_id).result is PlanResult.SUCCESS


def test_a_plan_that_cannot_be_read_is_paused_and_others_are_claimed(house: House) -> None:
    """E-025: a broken row among those of a dead executor."""
    play.scripts["a"] = lambda action, event: action.suspend(patience=FOREVER) if event is None else None
    bad_id, good_id = compose(house, one(Listen)), compose(house, one(Listen))
    step_ids = [house.step_when(each, StepState.SUSPENDED).id for each in (bad_id, good_id)]
    house.kill()
    with house.store._database.writing() as connection:
        from sqlalchemy import text

        connection.execute(
            text("UPDATE blueprints SET graph = 'rubbish' WHERE plan_id = :id"), {"id": bad_id.hex}
        )
    house.another()

    until(lambda: house.store.plan(bad_id).state is PlanState.PAUSED, "the broken one is paused")
    house.send(good_id, step_ids[1], "go")
    assert house.rest(good_id).result is PlanResult.SUCCESS


def test_a_request_that_cannot_be_read_pauses_its_plan_alone(house: House) -> None:
    house.hosts.default = only(accepted())
    bad_id, good_id = compose(house, install("web1")), compose(house, install("web2"))

    def accepted_by_both() -> bool:
        waits = [each.wait for each in house.store.open_requests([bad_id, good_id])]
        return waits == [Wait.SILENCE, Wait.SILENCE]

    until(accepted_by_both, "both are asked, and what they said is stored")
    house.kill()
    with house.store._database.writing() as connection:
        from sqlalchemy import text

        connection.execute(
            text("UPDATE requests SET wait = 'rubbish' WHERE plan_id = :id"), {"id": bad_id.hex}
        )
    house.another()

    until(lambda: house.store.plan(bad_id).state is PlanState.PAUSED, "the broken one is paused")
    house.hosts.say(result(), about=next(e for e in house.hosts.requests if e.host == "web2"))
    assert house.rest(good_id).result is PlanResult.SUCCESS


def test_a_loop_that_breaks_begins_anew_from_what_is_stored(house: House) -> None:
    """A last resort: nobody hangs, nothing is lost, nothing is done twice."""
    play.scripts["a"] = lambda action, event: action.suspend(patience=FOREVER) if event is None else None
    plan_id = compose(house, one(Listen))
    step_id = house.step_when(plan_id, StepState.SUSPENDED).id
    first = house.world._executor
    assert first is not None
    director: Any = first._director

    def broken(_batch: Any, _letters: Any) -> None:
        raise EngineBugError("the loop")

    director._apply = broken
    house.advance(1)
    until(lambda: house.world._executor is not first, "another executor")
    house.send(plan_id, step_id, "go")

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert not first.alive
    others_run(house)


def test_a_plan_made_while_the_loop_breaks_is_stored_all_the_same_or_refused(house: House) -> None:
    """No caller hangs."""
    first = house.world._executor
    assert first is not None
    director: Any = first._director
    broken = threading.Event()

    def apply(_batch: Any, _letters: Any) -> None:
        broken.set()
        raise EngineBugError("the loop")

    director._apply = apply
    house.advance(1)
    assert broken.wait(10)

    others_run(house)


def test_a_plan_given_to_an_executor_that_has_stopped_is_stored_for_the_next(house: House) -> None:
    world, executor = house.world, house.world._executor
    assert executor is not None
    executor.stop(wait=5.0)

    plan_id = compose(house, do("a"))

    assert house.store.plan(plan_id).state is PlanState.PLANNED
    assert world.terminate()
    house.another()
    assert house.rest(plan_id).result is PlanResult.SUCCESS


def test_a_plan_given_while_the_database_is_away_and_the_world_ends_fails_its_caller(house: House) -> None:
    house.valve.shut()
    errors: list[BaseException] = []

    def submit() -> None:
        try:
            compose(house, do("a"))
        except BaseException as error:  # noqa: BLE001 - it is looked at below
            errors.append(error)

    caller = threading.Thread(target=submit)
    caller.start()
    house.world.terminate()
    caller.join(10)

    assert not caller.is_alive()
    assert [type(each) for each in errors] == [StoreUnavailableError]


def test_a_plan_deleted_underneath_is_dropped_quietly(house: House) -> None:
    """E-025: others unharmed, nothing re-created."""
    from sqlalchemy import text

    held = play.hold("a")
    plan_id = compose(house, do("a"))
    play.wait_inside("a")
    with house.store._database.writing() as connection:
        for table in ("history", "steps", "actions", "blueprints"):
            connection.execute(text(f"DELETE FROM {table} WHERE plan_id = :id"), {"id": plan_id.hex})
        connection.execute(text("DELETE FROM plans WHERE id = :id"), {"id": plan_id.hex})
    held.set()

    others_run(house)
    assert house.count("plans") == 1


def test_a_paused_plan_that_broke_can_be_cancelled(house: House) -> None:
    bad: set[Any] = set()
    held = play.hold("a")
    plan_id = compose(house, do("a"))
    play.wait_inside("a")
    break_for(house, "end", lambda _batch, run, *_rest: run.id, {plan_id})
    held.set()
    house.rest(plan_id)
    assert bad == set()

    house.cancel(plan_id)

    assert house.store.plan(plan_id).result is PlanResult.CANCELLED
    with pytest.raises(CommandRefusedError):
        house.resume(plan_id)
