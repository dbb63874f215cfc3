"""Messages to bytes and back: what is kept, what is refused, and in which words."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given, settings

from mcoflow.errors import MalformedMessageError, MessageTooLargeError, UnsupportedVersionError
from mcoflow.wire import messages
from mcoflow.wire.codec import dumps
from mcoflow.wire.envelope import Envelope, decode, encode, peek
from tests.unit.wire.strategies import bodies, envelopes

ID = UUID("11111111-1111-4111-8111-111111111111")
NOW = datetime(2026, 11, 21, 5, 10, 0, 123000, tzinfo=UTC)
REQUEST = Envelope(
    id=ID,
    request=ID,
    host="web1",
    sent_at=NOW,
    body=messages.RequestBody(
        reply_to="x-abcdefghijkl",
        agent="package",
        operation="install",
        args={"package": "nginx"},
        check=False,
        expires_at=NOW,
        timeout_ms=900_000,
        grace_ms=30_000,
        caller="admin",
        plan=ID,
        step=3,
        attempt=1,
        journal=None,
        output_cap=262_144,
    ),
)
RESULT = Envelope(
    id=ID,
    request=ID,
    host="web1",
    sent_at=NOW,
    simulated=True,
    body=messages.ResultBody(
        outcome="ok",
        message="",
        values={"changed": True},
        finished_at=NOW,
        agent_time=NOW,
        duration_ms=3,
        runs=1,
        repeat=False,
    ),
)


def changed(envelope=REQUEST, inside=None, /, **outer):
    """Return the bytes of a message with some fields changed; `...` leaves a field out."""
    message = json.loads(encode(envelope))
    for where, changes in ((message["body"], inside or {}), (message, outer)):
        where.update(changes)
        for name in [name for name, value in changes.items() if value is ...]:
            del where[name]
    return json.dumps(message).encode()


@given(envelopes())
@settings(max_examples=300)
def test_every_message_comes_back_as_it_was_and_equal_ones_have_equal_bytes(envelope):
    """B-020: round trip of every kind."""
    data = encode(envelope)

    assert decode(data) == envelope
    assert encode(decode(data)) == data


@given(bodies)
def test_every_kind_names_itself(body):
    assert messages.BODIES[body.KIND] is type(body)


def test_unknown_fields_are_ignored():
    """B-022: outside and inside."""
    assert decode(changed(REQUEST, {"vigour": 1}, vigour=1)) == REQUEST


def test_a_field_that_has_to_be_understood_is_refused_unless_it_is_known():
    """B-022: `must`."""
    assert decode(changed(REQUEST, must=["check", "simulated"])).must == ("check", "simulated")

    with pytest.raises(UnsupportedVersionError, match="vigour"):
        decode(changed(REQUEST, must=["check", "vigour"], vigour=1))


@pytest.mark.parametrize(
    "outer",
    [
        {"v": 0}, {"v": 1000}, {"v": "1"}, {"v": True}, {"v": ...}, {"kind": "Request"}, {"kind": None},
        {"id": str(ID).replace("1", "A")}, {"id": "1"}, {"request": None}, {"request": ...}, {"host": "*"},
        {"host": "Web1"}, {"host": "a..b"}, {"host": "web1\n"}, {"host": "a" * 59}, {"collective": "Main"},
        {"collective": ...}, {"sent_at": "2026-11-21T05:10:00Z"}, {"sent_at": "2026-02-30T05:10:00.123Z"},
        {"sent_at": 0}, {"must": "check"}, {"must": ["check"] * 9}, {"simulated": 1}, {"body": []},
        {"body": ...},
    ],
    ids=str,
)  # fmt: skip
def test_an_envelope_against_the_rules_is_malformed(outer):
    """B-021: the envelope's fields."""
    with pytest.raises(MalformedMessageError, match=f"field {next(iter(outer))}"):
        decode(changed(REQUEST, **outer))


@pytest.mark.parametrize(
    "body",
    [
        {"reply_to": "x-ABC"}, {"agent": ""}, {"operation": "a" * 33}, {"args": []}, {"check": 0},
        {"args": {"a": "x" * 49_152}}, {"expires_at": None}, {"timeout_ms": 0}, {"timeout_ms": 1.0},
        {"grace_ms": 600_001}, {"caller": "x" * 129}, {"plan": 1}, {"step": -1}, {"attempt": None},
        {"journal": ...}, {"journal": "x"}, {"output_cap": 4 * 2**20 + 1},
    ],
    ids=lambda body: str(body)[:40],
)  # fmt: skip
def test_a_body_against_the_rules_is_malformed(body):
    """B-021: a body's fields."""
    with pytest.raises(MalformedMessageError, match=f"field {next(iter(body))}"):
        decode(changed(REQUEST, body))


def test_another_version_and_an_unknown_kind_are_refused_as_such_and_say_whom_to_tell():
    for data in (changed(REQUEST, v=2), changed(REQUEST, kind="wish")):
        with pytest.raises(UnsupportedVersionError):
            decode(data)
        header = peek(data)
        assert (header.id, header.host, header.reply_to) == (ID, "web1", "x-abcdefghijkl")


def test_an_outcome_of_a_later_release_is_passed_on():
    assert decode(changed(RESULT, {"outcome": "postponed"})).body.outcome == "postponed"


def test_a_message_over_the_limit_of_its_kind_is_not_encoded():
    accepted = messages.ProgressBody(seq=1, state=messages.Work.EXECUTING, text="x" * 5_000)

    with pytest.raises(MessageTooLargeError, match="progress for web1"):
        encode(replace(REQUEST, body=accepted))


def test_a_message_over_the_limit_of_its_kind_is_not_decoded():
    message = json.loads(
        encode(replace(REQUEST, body=messages.CancelBody(reply_to="x-abcdefghijkl", reason="", force=False)))
    )

    with pytest.raises(MalformedMessageError, match="a cancel has at most 8192"):
        decode(dumps({**message, "unknown": "x" * 8_192}))
