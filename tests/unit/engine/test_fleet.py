"""Presence of hosts: what one host says, or the broker or the database refuse, hurts no other host."""

import hashlib
import json
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any
from uuid import uuid4

import pytest

from mcoflow.domain.outcome import Outcome
from mcoflow.errors import BusUnavailableError, StoreError, StoreUnavailableError, TopologyMismatchError
from mcoflow.ports.bus import Ask, Delivery, Shared, Verdict
from mcoflow.testing import MemoryConnector
from mcoflow.testing.hosts import THEN
from mcoflow.wire import codec
from mcoflow.wire.envelope import Envelope, encode
from mcoflow.wire.messages import PresenceBody
from mcoflow.wire.replies import Up
from tests.unit.engine.house import House
from tests.unit.engine.play import Install, compose, one
from tests.waiting import until


def presence(**changed: Any) -> PresenceBody:
    """A host that is up."""
    common: dict[str, Any] = {
        "state": Up.UP,
        "daemon": uuid4(),
        "journal": uuid4(),
        "wire_min": 1,
        "wire_max": 1,
        "version": "1",
        "collectives": ("main",),
        "received": 0,
        "executing": 0,
        "room": 1,
        "interval_ms": 60_000,
        "facts_digest": "0" * 64,
        "operations_digest": "0" * 64,
    }
    return PresenceBody(**{**common, **changed})


def appear(house: House, host: str, **changed: Any) -> Delivery:
    """Let a host say that it is there."""
    body = presence(**changed)
    envelope = Envelope(id=uuid4(), request=None, host=host, sent_at=THEN, body=body)
    return house.broker.deliver(Shared.PRESENCE, encode(envelope))


def taken(house: House, delivery: Delivery) -> list[Verdict]:
    """Wait until a presence message was dealt with."""
    until(lambda: house.broker.verdicts(delivery), "it is settled")
    return house.broker.verdicts(delivery)


def on_declare(
    monkeypatch: pytest.MonkeyPatch, fault: Callable[[Mapping[str, AbstractSet[str]]], None]
) -> None:
    """Have the broker do something first whenever hosts are declared."""
    plain = MemoryConnector.declare_hosts

    def declare(connector: MemoryConnector, hosts: Mapping[str, AbstractSet[str]]) -> None:
        fault(hosts)
        plain(connector, hosts)

    monkeypatch.setattr(MemoryConnector, "declare_hosts", declare)


def known(house: House) -> set[str]:
    return {host.identity for host in house.store.hosts()}


def test_a_host_whose_queues_the_broker_refuses_is_known_and_not_asked_about_for_ever(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B-011: a foreign argument, after `replicated` was changed for example."""

    def refuse(hosts: Mapping[str, AbstractSet[str]]) -> None:
        raise TopologyMismatchError("the queue exists with other arguments")

    on_declare(monkeypatch, refuse)

    assert taken(house, appear(house, "web1")) == [Verdict.ACK]
    assert known(house) == {"web1"}


def test_a_host_whose_row_the_database_refuses_does_not_hold_up_the_others(house: House) -> None:
    def refuse(records: Any) -> None:
        if any(record.identity == "evil" for record in records):
            raise StoreError("integer out of range")

    house.valve.before["save_hosts"] = refuse

    deliveries = [appear(house, host) for host in ("web1", "evil", "web2")]

    assert [taken(house, each) for each in deliveries] == [[Verdict.ACK]] * 3
    assert known(house) == {"web1", "web2"}


def test_a_megabyte_of_facts_is_evidence_and_no_other_host_is_lost(house: House) -> None:
    """An agent of ours leaves them out and says so; whoever sends them all the same is not believed."""
    body = {"facts": {"huge": "x" * 2**20}}
    envelope = {"v": 1, "kind": "presence", "id": str(uuid4()), "request": None, "host": "evil", "body": body}
    huge = house.broker.deliver(Shared.PRESENCE, json.dumps(envelope).encode())

    assert taken(house, appear(house, "web1")) == [Verdict.ACK]
    assert taken(house, huge) == [Verdict.ACK]
    assert known(house) == {"web1"}
    (evidence,) = house.evidence()
    assert evidence.why == "malformed"
    assert "bytes" in evidence.detail


def test_presence_is_put_back_while_the_database_is_away_and_not_all_the_time(house: House) -> None:
    """What is put back comes again at once: without a pause it would go round as fast as the broker can."""
    began = house.clock.monotonic()

    def away(_records: Any) -> None:
        raise StoreUnavailableError("the database is away")

    house.valve.before["save_hosts"] = away

    assert taken(house, appear(house, "web1")) == [Verdict.RETURN]
    assert house.clock.monotonic() - began > 0.9


def test_a_request_whose_host_lost_its_queues_is_sent_again_also_if_the_link_broke_meanwhile(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B-013: an admitted host is declared again; that the broker was away for a moment does not matter."""
    taken(house, appear(house, "web1"))
    faults = [BusUnavailableError("the link to the broker was lost")]

    def break_once(_hosts: object) -> None:
        if faults:
            raise faults.pop()

    on_declare(monkeypatch, break_once)
    house.broker.receipt_for = lambda parcel: (
        "unroutable" if parcel.kind == "request" and house.broker.declared.count("web1") < 2 else "confirmed"
    )

    plan_id = compose(house, one(Install, host="web1", package="nginx"))

    house.rest(plan_id)
    assert house.step(plan_id).outcome is Outcome.OK


# -- what hosts declare ------------------------------------------------------------------------------------

TOLD = {"host.ping": {"summary": "Answer"}}
DIGEST = hashlib.sha256(codec.dumps(TOLD)).hexdigest()


def questions(house: House) -> list[str]:
    """Return whom the server asked what it offers."""
    return [parcel.address.host for parcel in house.broker.published if isinstance(parcel.address, Ask)]


def test_what_a_host_declares_is_kept_once_for_all(house: House) -> None:
    """B-041: by digest; hosts that say the same refer to it."""
    for host in ("web7", "web8"):
        taken(house, appear(house, host, operations=TOLD, operations_digest=DIGEST))

    (declared,) = house.store.declarations()
    assert (declared.digest, declared.hosts) == (DIGEST, 2)
    assert house.store.host("web8").operations == TOLD
    assert not {"web7", "web8"} & set(questions(house))


def test_a_declaration_that_its_digest_does_not_stand_for_is_not_believed(house: House) -> None:
    """One host could change what the forms show of all others."""
    taken(house, appear(house, "liar", operations={"host.ping": {}}, operations_digest=DIGEST))
    taken(house, appear(house, "web7", operations=TOLD, operations_digest=DIGEST))

    assert house.store.host("liar").operations == TOLD


def test_of_hosts_with_an_unknown_digest_one_is_asked_at_a_time(house: House) -> None:
    """B-041: 10,000 hosts that come back after the database was lost are not all asked."""
    for host in ("web7", "web8", "web9"):
        taken(house, appear(house, host, operations_digest=DIGEST))
    until(lambda: "web7" in questions(house), "it is asked")

    assert not {"web8", "web9"} & set(questions(house))
