"""Discoveries: who is asked, who answered, who was silent, and what becomes of it when things go wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import NAMESPACE_DNS, UUID, uuid4, uuid5

import pytest

from mcoflow.domain.discovery import Counting, DiscoveryRecord, Standing
from mcoflow.domain.requests import HostRecord
from mcoflow.engine.gathering import STRANGERS
from mcoflow.errors import (
    DiscoveryNotFoundError,
    InputInvalidError,
    StoreUnavailableError,
    TargetInvalidError,
)
from mcoflow.ports.bus import Ask, AskAll, Census, Link, Parcel, Receipt, Replies
from mcoflow.testing import OneThreadWorld
from mcoflow.testing.broker import MemoryConnector
from mcoflow.wire.envelope import Envelope, decode, encode
from mcoflow.wire.messages import DiscoverBody
from tests.unit.engine.test_fleet import presence


class Agents:
    """Hosts that answer a discover as told; a silent one has a queue and says nothing."""

    def __init__(self, world: OneThreadWorld, *names: str) -> None:
        self.world = world
        self.names = names
        self.silent: set[str] = set()
        self.asked: list[Parcel] = []
        plain = world.ground.broker.on_published

        def receive(parcel: Parcel) -> None:
            plain(parcel)
            if parcel.kind == "discover" and decode(parcel.body).request is not None:
                self.asked.append(parcel)
                self.hear(parcel)

        world.ground.broker.on_published = receive

    def hear(self, parcel: Parcel) -> None:
        meant = [parcel.address.host] if isinstance(parcel.address, Ask) else self.names
        for name in meant:
            if name in self.names and name not in self.silent:
                self.say(name, decode(parcel.body))

    def say(self, name: str, question: Envelope, **changed: Any) -> None:
        assert isinstance(question.body, DiscoverBody)
        envelope = Envelope(
            id=uuid4(),
            request=question.request,
            host=name,
            sent_at=self.world.clock.now(),
            body=presence(**{"daemon": uuid5(NAMESPACE_DNS, name), **changed}),
        )
        self.world.ground.broker.deliver(Replies(question.body.reply_to), encode(envelope))


@pytest.fixture
def world() -> Iterator[OneThreadWorld]:
    with OneThreadWorld() as made:
        made.drain()
        yield made


def known(world: OneThreadWorld, *names: str, **changed: Any) -> None:
    now = world.clock.now().timestamp()
    world.store.save_hosts([HostRecord(name, last_seen=now, **changed) for name in names])


def met(world: OneThreadWorld, discovery_id: UUID, standing: Standing) -> list[str]:
    return [each.identity for each in world.store.met_hosts(discovery_id, standing)]


def ended(world: OneThreadWorld, discovery_id: UUID) -> DiscoveryRecord:
    record = world.store.discovery(discovery_id)
    assert record.ended_at is not None
    return record


@contextmanager
def consumers(monkeypatch: pytest.MonkeyPatch, **counts: int) -> Iterator[None]:
    """Say how many agents are connected under these names; all others have no queue."""

    def census(_: MemoryConnector, source: Any) -> Census | None:
        count = counts.get(getattr(source, "host", ""))
        return None if count is None else Census(0, count)

    with monkeypatch.context() as patched:
        patched.setattr(MemoryConnector, "census", census)
        yield


def test_all_who_answer_end_it_at_once(world: OneThreadWorld) -> None:
    agents = Agents(world, "web1", "web2")
    known(world, "web1", "web2")

    asked = world.discoveries.ask("web*", user="ann")
    world.drain()

    assert ended(world, asked).problem == ""
    assert world.store.count_met(asked) == Counting(2, answered=2)
    assert [each.address for each in agents.asked] == [AskAll("main")]
    record, counting = world.discoveries.wait_for_more(asked, 99, wait=timedelta(0))
    assert (record.user, counting.answered) == ("ann", 2)


def test_the_silent_the_offline_and_the_new_are_named(
    world: OneThreadWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B-059: expected = answered + offline + silent; whether an agent is connected its queue tells."""
    Agents(world, "web1", "fresh")
    known(world, "web1", "quiet", "gone")
    known(world, "down", state="down")
    known(world, "dozing", state="down")

    with consumers(monkeypatch, quiet=1, gone=0, dozing=1):
        asked = world.discoveries.ask("all")
        world.drain()
        assert world.store.discovery(asked).ended_at is None
        assert world.store.count_met(asked).answered == 2
        world.advance(2.1)

    ended(world, asked)
    assert world.store.count_met(asked) == Counting(6, answered=2, offline=2, silent=2, added=1)
    assert met(world, asked, Standing.ANSWERED) == ["fresh", "web1"]
    assert met(world, asked, Standing.OFFLINE) == ["down", "gone"]
    assert met(world, asked, Standing.SILENT) == ["dozing", "quiet"]
    assert {host.identity for host in world.store.hosts()} >= {"fresh"}


def test_each_answer_gives_the_others_more_time(world: OneThreadWorld) -> None:
    """A slow fleet is not called silent; the window counts from the last word."""
    agents = Agents(world, "web1", "web2")
    agents.silent = {"web1", "web2"}
    known(world, "web1", "web2")
    asked = world.discoveries.ask("all", window=timedelta(seconds=2))
    world.drain()

    world.advance(1.5)
    agents.say("web1", decode(agents.asked[0].body))
    world.drain()
    world.advance(1.5)
    assert world.store.discovery(asked).ended_at is None
    agents.say("web2", decode(agents.asked[0].body))
    world.drain()

    ended(world, asked)
    assert world.store.count_met(asked) == Counting(2, answered=2)


def test_hosts_that_are_named_are_asked_one_by_one_known_or_not(
    world: OneThreadWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    agents = Agents(world, "web1", "web2")
    known(world, "web1")

    with consumers(monkeypatch):
        asked = world.discoveries.ask(hosts=["web1", "nobody1"])
        world.drain()
        world.advance(2.1)

    ended(world, asked)
    assert [each.address for each in agents.asked] == [Ask("nobody1"), Ask("web1")]
    assert world.store.count_met(asked) == Counting(2, answered=1, offline=1)
    assert met(world, asked, Standing.OFFLINE) == ["nobody1"]


def test_an_answer_of_a_host_that_was_not_asked_is_evidence_and_counted(world: OneThreadWorld) -> None:
    agents = Agents(world)
    known(world, "web1")
    asked = world.discoveries.ask("web*")
    world.drain()

    agents.say("evil", decode(agents.asked[0].body))
    agents.say("web1", decode(agents.asked[0].body))
    world.drain()

    assert ended(world, asked).foreign == 1
    assert met(world, asked, Standing.ANSWERED) == ["web1"]
    (evidence,) = world.stored.evidence()
    assert (evidence.why, evidence.host) == ("foreign", "evil")


def test_of_answers_nobody_asked_for_one_of_each_host_is_kept_and_not_too_many(
    world: OneThreadWorld, caplog: pytest.LogCaptureFixture
) -> None:
    """One host, or any number of made up ones, fills neither the database nor the log."""
    agents = Agents(world)
    known(world, "web1")
    asked = world.discoveries.ask("web*")
    world.drain()
    question = decode(agents.asked[0].body)

    for _ in range(50):
        agents.say("evil", question)
    agents.say("other", question)
    world.drain()
    assert sorted(str(each.host) for each in world.stored.evidence()) == ["evil", "other"]
    for number in range(STRANGERS + 20):
        agents.say(f"evil{number}", question)
    agents.say("web1", question)
    world.drain()

    assert ended(world, asked).foreign == STRANGERS
    assert len(world.stored.evidence()) == STRANGERS
    assert [each.message for each in caplog.records].count("discovery.foreign") == 1


def test_an_answer_after_the_end_changes_nothing_and_is_presence_all_the_same(
    world: OneThreadWorld,
) -> None:
    agents = Agents(world)
    known(world, "web1")
    asked = world.discoveries.ask("all")
    world.drain()
    world.advance(2.1)
    ended(world, asked)

    world.clock.advance(timedelta(seconds=100))
    agents.say("web1", decode(agents.asked[0].body))
    world.drain()

    assert met(world, asked, Standing.SILENT) == ["web1"]
    (host,) = world.store.hosts()
    assert host.last_seen == world.clock.now().timestamp()


def test_another_executor_goes_on_where_one_died(world: OneThreadWorld) -> None:
    """The answers that were saved stand; who did not answer is asked again."""
    agents = Agents(world, "web1", "web2")
    agents.silent = {"web2"}
    known(world, "web1", "web2")
    asked = world.discoveries.ask("all")
    world.drain()
    first = agents.asked[:]
    world.crash()
    assert world.store.discovery(asked).ended_at is None

    agents.silent = set()
    with OneThreadWorld(ground=world.ground) as heir:
        heir.drain()
        assert len(agents.asked) == len(first) + 1
        ended(world, asked)
        assert world.store.count_met(asked) == Counting(2, answered=2)


def test_what_no_executor_took_up_in_time_ends_in_words(world: OneThreadWorld) -> None:
    agents = Agents(world, "web1")
    world.crash()
    with OneThreadWorld(ground=world.ground, executor=False) as client:
        asked = client.discoveries.ask("all")
    world.clock.advance(timedelta(seconds=61))

    world.restart()
    world.drain()

    assert "no executor was there to ask anybody for 61 s" in ended(world, asked).problem
    assert agents.asked == []


def test_without_the_broker_nobody_is_asked_and_that_is_said(world: OneThreadWorld) -> None:
    assert isinstance(world._connector, MemoryConnector)
    world._connector.report(Link.DOWN, "connection refused")
    world.drain()

    asked = world.discoveries.ask("all")
    world.drain()
    assert world.store.discovery(asked).ended_at is None
    world.advance(5.1)

    assert "cannot be reached (connection refused): nobody was asked" in ended(world, asked).problem


def test_what_may_not_have_arrived_is_sent_again(world: OneThreadWorld) -> None:
    """The link broke while the question was on its way."""
    agents = Agents(world, "web1")
    known(world, "web1")
    receipts: Iterator[Receipt] = iter(["unknown"])
    world.ground.broker.receipt_for = lambda _: next(receipts, "confirmed")

    asked = world.discoveries.ask("all")
    world.drain()

    assert len(agents.asked) == 1
    assert world.store.count_met(asked) == Counting(1, answered=1)


def test_a_target_that_no_message_holds_ends_in_words(world: OneThreadWorld) -> None:
    for part in ("a", "b", "c"):
        names = " or ".join(f"{part}-{number:04}-*" for number in range(300))
        world.groups.set(part, names, user="ann")
    asked = world.discoveries.ask("group:a or group:b or group:c")
    world.drain()
    assert "at most 8192 may be sent" in ended(world, asked).problem


def test_answers_are_not_lost_while_the_database_is_away(
    world: OneThreadWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    Agents(world, "web1")
    known(world, "web1")
    failures = [StoreUnavailableError("the database is away")]
    plain = type(world.store).save_answers

    def save(store: Any, answers: Any) -> None:
        if failures:
            raise failures.pop()
        plain(store, answers)

    monkeypatch.setattr(type(world.store), "save_answers", save)
    asked = world.discoveries.ask("all")
    world.drain()

    ended(world, asked)
    assert world.store.count_met(asked) == Counting(1, answered=1)


def test_few_collectives_reach_all_hosts_and_each_is_told_a_delay_if_they_are_many(
    world: OneThreadWorld,
) -> None:
    agents = Agents(world)
    known(world, *(f"web{number}" for number in range(300)))
    known(world, "lab1", "lab2", collectives=("lab", "x1"))
    known(world, "lab3", collectives=("lab",))
    world.discoveries.ask("all")
    world.drain()

    assert [each.address for each in agents.asked] == [AskAll("main"), AskAll("lab")]
    bodies = [decode(each.body).body for each in agents.asked]
    assert [body.spread_ms for body in bodies if isinstance(body, DiscoverBody)] == [30, 30]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"target": "all", "hosts": ["web1"]}, "not both"),
        ({}, "not both"),
        ({"target": "all", "window": timedelta(0)}, "from 0.1 to 60 s"),
        ({"target": "all", "window": timedelta(hours=1)}, "from 0.1 to 60 s"),
    ],
)
def test_what_cannot_be_asked_is_refused(world: OneThreadWorld, given: dict[str, Any], said: str) -> None:
    with pytest.raises(InputInvalidError, match=said):
        world.discoveries.ask(**given)
    with pytest.raises(TargetInvalidError):
        world.discoveries.ask("web1 andd")
    with pytest.raises(DiscoveryNotFoundError):
        world.discoveries.wait_for_more(uuid4(), 0, wait=timedelta(0))
    assert world.store.waiting_discoveries() == []


def test_a_filter_of_a_later_release_ends_in_words(world: OneThreadWorld) -> None:
    record = DiscoveryRecord(uuid4(), "moon", {"moon": 1}, 2.0, "", world.clock.now().timestamp())
    world.store.add_discovery(replace(record), forget_before=0.0)
    world.drain()
    assert "moon" in ended(world, record.id).problem
