"""A broker that comes back without what was in it."""

from mcoflow.domain.outcome import Outcome
from mcoflow.ports.bus import Link
from mcoflow.testing import OneThreadWorld
from mcoflow.testing.hosts import accepted, only, result
from tests.unit.engine.play import Install


def test_what_no_host_has_taken_is_sent_again_with_the_same_bytes() -> None:
    """B-014, R-019: not what was accepted, which a journal has, nor what is to be called back."""
    with OneThreadWorld() as world:
        world.hosts.default = lambda asked: [accepted()] if asked.args["package"] == "taken" else []
        plans = {
            package: world.run(Install, host=f"web{number}", package=package).id
            for number, package in enumerate(("taken", "lost", "unwanted"))
        }
        world.cancel(plans["unwanted"])
        before = world.ground.broker.of_kind("request")
        assert world._connector is not None

        world._connector.report(Link.DOWN, "gone")
        world._connector.report(Link.UP)
        world.drain()
        assert world.ground.broker.of_kind("request") == before

        world.hosts.default = only(accepted(), result())
        world._connector.report(Link.DOWN, "gone")
        world._connector.report(Link.UP, anew=True)
        world.drain()

        (again,) = world.ground.broker.of_kind("request")[len(before) :]
        (first,) = (each for each in before if each.message_id == again.message_id)
        assert again.body == first.body
        assert world.stored.step(plans["lost"], Install).outcome is Outcome.OK
        assert world.stored.step(plans["taken"], Install).outcome is None
