"""What happens in a story that nobody wants: crashes, frozen executors, a bad bus, a store that is away."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from mcoflow.ports.bus import Replies
from mcoflow.testing.hosts import result
from mcoflow.testing.world import NotReachedError
from mcoflow.wire.envelope import Envelope, decode
from tests.unit.engine.machine.people import any_number, which_world
from tests.unit.engine.machine.stage import REFUSALS, Stage
from tests.unit.engine.machine.zoo import Watched

POINTS = (
    "plan.before_commit",
    "plan.after_commit",
    "planner.mid",
    "lease.before_take",
    "lease.after_take",
    "director.before_commit",
    "director.after_commit",
    "outbox.before_publish",
    "outbox.after_publish",
    "outbox.after_receipt",
    "reply.received",
    "reply.committed",
    "reply.acked",
    "timer.fired",
    "command.committed",
    "schedule.claimed",
    "run.mid",
    "recovery",
    "recovery.plan_taken",
    "recovery.queue_taken",
)
SUBJECT = [
    "S",
    [
        ["once", {"number": 1}],
        ["remote", {"host": "good"}],
        ["herd", {"kids": [["once", {"number": 2}], ["again", {"run": 1}]]}],
        ["poller", {"polls": 1}],
    ],
]


class Misfortune(Stage):
    """The rules of time and bad luck."""

    @rule(moves=st.integers(1, 12))
    def go_on(self, moves: int) -> None:
        for _ in range(moves):
            self.ground.step()

    @rule()
    def drain(self) -> None:
        self.ground.drain()

    @rule(seconds=st.sampled_from([0.3, 5.0, 60.0, 700.0, 4000.0]))
    def pass_time(self, seconds: float) -> None:
        self.ground.clock.advance(timedelta(seconds=seconds))

    @rule(which=which_world)
    def crash(self, which: int) -> None:
        if world := self.living(which):
            world.crash()

    @rule(
        which=which_world,
        point=st.sampled_from(POINTS),
        hit=st.integers(1, 4),
        seconds=st.sampled_from([0, 30]),
    )
    def crash_at(self, which: int, point: str, hit: int, seconds: int) -> None:
        if world := self.living(which):
            with suppress(NotReachedError, *REFUSALS), world.crash_at(point, hit=hit):
                world.trigger(Watched, SUBJECT)
                self.ground.drain()
                self.ground.clock.advance(timedelta(seconds=seconds))

    @rule(which=which_world)
    def restart(self, which: int) -> None:
        with suppress(*REFUSALS):
            self.worlds[which].restart()

    @precondition(lambda self: all(world.executor for world in self.worlds))
    @rule(which=which_world)
    def freeze_executor(self, which: int) -> None:
        """R-009: declared dead by the other, and still writing."""
        executor, other = self.worlds[which].executor, self.worlds[1 - which].executor
        assert executor is not None
        assert other is not None
        self.ground.store.expire_world(executor.world.id)
        other.ring()

    @rule(which=which_world)
    def notice_that_the_lease_is_lost(self, which: int) -> None:
        """Whoever was declared dead goes on under a new name."""
        world = self.living(which)
        executor = world.executor if world else None
        if world is None or executor is None:
            return
        alive = {each.id for each in self.ground.store.worlds() if each.alive}
        if executor.world.id not in alive:
            self.weather.away = 0
            world._expired(executor)

    @rule(number=any_number)
    def hear_a_reply_again(self, number: int) -> None:
        said = [each for each, _ in self.ground.broker.settled if isinstance(each.source, Replies)]
        if said:
            again = said[number % len(said)]
            self.ground.broker.deliver(again.source, again.body)

    @rule(number=any_number, outcome=st.sampled_from(["ok", "failed"]))
    def forge_a_reply(self, number: int, outcome: str) -> None:
        """I-9: of another host than was asked."""
        asked = self._asked()
        if asked:
            self.ground.hosts.say(result(outcome), about=asked[number % len(asked)], host="mallory")

    @rule(rough=st.booleans())
    def weather_of_the_bus(self, rough: bool) -> None:
        self.weather.rough = rough

    @rule(which=which_world)
    def cut_the_link(self, which: int) -> None:
        if world := self.living(which):
            broker: Any = self.ground.broker
            broker.cut(world._connector)

    @rule(up=st.booleans())
    def the_bus_goes_and_comes(self, up: bool) -> None:
        broker: Any = self.ground.broker
        broker.come_up() if up else broker.go_down()

    @rule(calls=st.integers(1, 6))
    def the_store_goes_away(self, calls: int) -> None:
        self.weather.away = calls

    def _asked(self) -> list[Envelope]:
        return [decode(each.body) for each in self.ground.broker.of_kind("request")]
