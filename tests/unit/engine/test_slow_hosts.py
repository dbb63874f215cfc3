"""Hosts that take their time, say things in another order, or finish what was given up."""

from datetime import timedelta

from mcoflow.action import Deadlines, HostRequest
from mcoflow.domain.outcome import Effect, Outcome
from mcoflow.domain.states import PlanResult
from mcoflow.testing import OneThreadWorld
from mcoflow.testing.hosts import Later, Words, accepted, ok, only, out_of_order, progress, result
from mcoflow.wire.messages import RequestBody, Work
from tests.unit.engine.play import Install

BEAT, END = timedelta(seconds=30), timedelta(minutes=40)


class Slow(Install):
    """May take an hour."""

    name = "slow_hosts.slow"

    def request_for_host(self) -> HostRequest:
        return self.request(
            "package", "install", {"package": "x"}, deadlines=Deadlines(run=timedelta(hours=1))
        )


class Short(Slow):
    """May take ten minutes."""

    name = "slow_hosts.short"

    def request_for_host(self) -> HostRequest:
        limit = Deadlines(run=timedelta(minutes=10), grace=timedelta(seconds=30))
        return self.request("package", "install", {"package": "x"}, deadlines=limit)


def forty_minutes(_request: RequestBody) -> Words:
    """Work for so long, and say every 30 s that it does."""
    beats = [Later(n * BEAT, progress()) for n in range(1, END // BEAT)]
    return [accepted(), progress(), *beats, Later(END, result())]


def test_progress_keeps_a_request_of_forty_minutes_alive() -> None:
    """R-027: nobody is asked, nobody is told to stop, and the result is taken."""
    with OneThreadWorld() as world:
        world.hosts.default = forty_minutes
        plan = world.run(Slow, host="web1")

        world.advance(END.total_seconds())

        assert world.stored.plan(plan.id).result is PlanResult.SUCCESS
        assert world.ground.broker.of_kind("query") == world.ground.broker.of_kind("cancel") == []


def test_what_may_not_be_interrupted_is_given_up_and_its_true_end_is_attached() -> None:
    """R-049, R-027, B-044: progress moves no deadline; the word stays, and the result is kept as evidence."""
    with OneThreadWorld() as world:
        world.hosts.default = forty_minutes
        world.hosts.on_cancel = lambda _cancel: [progress(Work.STOPPING)]
        world.hosts.on_query = lambda _query: [progress(Work.STOPPING)]
        plan = world.run(Short, host="web1")

        world.advance(15 * 60)
        step = world.stored.step(plan.id, Short)
        assert (step.outcome, Outcome.TIMED_OUT_STILL_RUNNING.effect) == (
            Outcome.TIMED_OUT_STILL_RUNNING,
            Effect.UNKNOWN,
        )
        assert len(world.ground.broker.of_kind("cancel")) == 1

        world.advance(END.total_seconds())
        assert world.stored.step(plan.id, Short).outcome is Outcome.TIMED_OUT_STILL_RUNNING
        assert [each.why for each in world.store.evidence(plan.id)] == ["late"]


def test_words_in_another_order_change_nothing_after_the_end() -> None:
    """R-030: states never go back."""
    with OneThreadWorld() as world:
        world.hosts.default = out_of_order(ok(n=1))
        plan = world.run(Slow, host="web1")
        assert plan.result is PlanResult.SUCCESS
        version = plan.version

        world.hosts.say(accepted())
        world.hosts.say(progress())
        world.drain()

        assert world.stored.plan(plan.id).version == version
        assert world.store.open_requests([plan.id]) == []
        assert world.ground.broker.unsettled() == []


def test_an_accepted_that_comes_after_the_work_began_does_not_begin_it_anew() -> None:
    """R-030: the deadline of the execution counts from the first word of it."""
    with OneThreadWorld() as world:
        world.hosts.default = only(progress(), Later(timedelta(seconds=20), accepted()))
        plan = world.run(Slow, host="web1")
        (before,) = world.store.open_requests([plan.id])

        world.advance(20)

        (after,) = world.store.open_requests([plan.id])
        assert (after.executing, after.run_due_at) == (True, before.run_due_at)
        assert after.state is before.state
