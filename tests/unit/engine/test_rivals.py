"""B-038: two daemons with one name are a conflict, told to both; a restarted daemon is none."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from mcoflow.domain.presence import in_conflict
from mcoflow.domain.requests import HostRecord
from mcoflow.engine.rivals import MOST
from mcoflow.ports.bus import Ask, Parcel, Shared
from mcoflow.testing import OneThreadWorld
from mcoflow.wire.envelope import Envelope, decode, encode
from mcoflow.wire.messages import DiscoverBody, Up
from tests.unit.engine.test_fleet import presence

ONE, TWO = uuid4(), uuid4()


@pytest.fixture
def world() -> Iterator[OneThreadWorld]:
    with OneThreadWorld() as made:
        made.drain()
        yield made


def say(world: OneThreadWorld, daemon: UUID, *, ahead: float = 0.0, ago: float = 0.0, **changed: Any) -> None:
    """Let a daemon of web1 be heard, whose clock is `ahead`, with something that it sent some time ago."""
    sent_at = world.clock.now() + timedelta(seconds=ahead - ago)
    body = presence(daemon=daemon, **changed)
    envelope = Envelope(id=uuid4(), request=None, host="web1", sent_at=sent_at, body=body)
    world.ground.broker.deliver(Shared.PRESENCE, encode(envelope))
    world.drain()


def host(world: OneThreadWorld) -> HostRecord:
    (found,) = world.store.hosts()
    return found


def conflict(world: OneThreadWorld) -> bool:
    return in_conflict(host(world), world.clock.now().timestamp())


def told(world: OneThreadWorld) -> list[tuple[UUID, ...]]:
    """What was asked about the daemons of web1: no names for a question, both names for a hint."""
    bodies = [decode(each.body).body for each in questions(world)]
    return [body.daemons for body in bodies if isinstance(body, DiscoverBody) and not body.want]


def questions(world: OneThreadWorld) -> list[Parcel]:
    return [each for each in world.ground.broker.of_kind("discover") if each.address == Ask("web1")]


def pass_time(world: OneThreadWorld, seconds: float) -> None:
    world.clock.advance(timedelta(seconds=seconds))


def test_two_daemons_that_take_it_in_turns_are_a_conflict_that_both_are_told(
    world: OneThreadWorld, caplog: pytest.LogCaptureFixture
) -> None:
    say(world, ONE)
    pass_time(world, 30)
    say(world, TWO, ahead=-400)
    assert not conflict(world)
    assert told(world) == [(), ()]  # who is there? the two take it in turns
    pass_time(world, 2)

    with caplog.at_level(logging.WARNING, "mcoflow.fleet"):
        say(world, ONE)

    assert conflict(world)
    assert {host(world).daemon, host(world).rival} == {ONE, TWO}
    assert [set(each) for each in told(world)[2:]] == [{ONE, TWO}] * 2
    assert "host.conflict" in [record.message for record in caplog.records]


def test_the_hint_is_not_repeated_with_each_word(world: OneThreadWorld) -> None:
    for daemon in (ONE, TWO, ONE, TWO, ONE, TWO):
        say(world, daemon)
        pass_time(world, 2)
    assert len(told(world)) == 4
    assert conflict(world)

    pass_time(world, 60)
    say(world, ONE)
    assert len(told(world)) == 6


def test_a_conflict_ends_when_one_of_them_leaves_or_falls_silent(world: OneThreadWorld) -> None:
    for daemon in (ONE, TWO, ONE):
        say(world, daemon)
        pass_time(world, 5)
    assert conflict(world)

    say(world, TWO, state=Up.DOWN)

    assert not conflict(world)
    assert (host(world).state, host(world).daemon, host(world).rival) == ("up", ONE, None)

    for daemon in (TWO, ONE, TWO):
        say(world, daemon)
        pass_time(world, 5)
    assert conflict(world)
    for _ in range(4):
        pass_time(world, 60)
        say(world, TWO)
    assert not conflict(world)


@pytest.mark.parametrize("goodbye", ["first", "after the new one", "never"])
def test_a_restarted_daemon_is_no_conflict(world: OneThreadWorld, goodbye: str) -> None:
    say(world, ONE)
    pass_time(world, 30)
    if goodbye == "first":
        say(world, ONE, state=Up.DOWN)
    say(world, TWO)
    if goodbye == "after the new one":
        say(world, ONE, state=Up.DOWN)
    for _ in range(5):
        pass_time(world, 60)
        say(world, TWO)

    assert host(world).daemon == TWO
    assert host(world).state == "up"
    assert not conflict(world)


def test_a_word_that_was_sent_before_the_restart_and_came_late_is_no_conflict(world: OneThreadWorld) -> None:
    say(world, ONE, ahead=3600)
    pass_time(world, 30)
    say(world, TWO, ahead=3600)
    pass_time(world, 20)

    say(world, ONE, ahead=3600, ago=25)

    assert not conflict(world)
    assert host(world).daemon == TWO


def test_a_daemon_that_nobody_knew_may_leave(world: OneThreadWorld) -> None:
    say(world, ONE)
    say(world, TWO, state=Up.DOWN)
    assert (host(world).daemon, host(world).state) == (ONE, "up")


def test_a_clock_that_is_off_is_warned_of_once(
    world: OneThreadWorld, caplog: pytest.LogCaptureFixture
) -> None:
    """B-047: over 30 seconds."""
    with caplog.at_level(logging.WARNING, "mcoflow.fleet"):
        for ahead in (29, 600, 601, 0, -31):
            say(world, ONE, ahead=ahead)
            pass_time(world, 60)

    warned = [vars(record)["seconds"] for record in caplog.records if record.message == "host.clock_off"]
    assert warned == [600.0, -31.0]
    assert host(world).clock_difference == -31.0


def test_a_fleet_that_was_restarted_is_not_asked_host_by_host(world: OneThreadWorld) -> None:
    for _ in range(2):
        for number in range(MOST + 50):
            body = presence(daemon=uuid4())
            envelope = Envelope(
                id=uuid4(), request=None, host=f"web{number}", sent_at=world.clock.now(), body=body
            )
            world.ground.broker.deliver(Shared.PRESENCE, encode(envelope))
        world.drain()
        pass_time(world, 10)

    bodies = [decode(each.body).body for each in world.ground.broker.of_kind("discover")]
    assert sum(isinstance(body, DiscoverBody) and not body.want for body in bodies) == 2 * MOST


def test_what_waited_in_the_queue_blames_no_clock(
    world: OneThreadWorld, caplog: pytest.LogCaptureFixture
) -> None:
    """B-047: after an outage, or while thousands are let in, the messages of all hosts are late."""
    behind = {"web1": 0, "web2": 0, "web3": 600}
    with caplog.at_level(logging.WARNING, "mcoflow.fleet"):
        for name, seconds in behind.items():
            sent_at = world.clock.now() - timedelta(seconds=90 + seconds)
            envelope = Envelope(
                id=uuid4(), request=None, host=name, sent_at=sent_at, body=presence(daemon=uuid4())
            )
            world.ground.broker.deliver(Shared.PRESENCE, encode(envelope))
        world.drain()

    warned = [vars(record)["host"] for record in caplog.records if record.message == "host.clock_off"]
    assert warned == ["web3"]
    assert [host.clock_difference for host in world.store.hosts()] == [0.0, 0.0, -600.0]


def test_what_was_sent_before_the_server_listened_blames_no_clock(
    world: OneThreadWorld, caplog: pytest.LogCaptureFixture
) -> None:
    """B-047: the next message judges its clock; one that is off by more than a message can wait, at once."""
    with caplog.at_level(logging.WARNING, "mcoflow.fleet"):
        say(world, ONE, ago=100)
        assert host(world).clock_difference == 0.0

        pass_time(world, 60)
        say(world, ONE, ahead=-45)
        assert host(world).clock_difference == -45.0

        world.restart()
        say(world, ONE, ago=100)
        assert host(world).clock_difference == -45.0

        say(world, ONE, ahead=-600)
        assert host(world).clock_difference == -600.0

    warned = [vars(record)["seconds"] for record in caplog.records if record.message == "host.clock_off"]
    assert warned == [-45.0]
