"""The strict rules for JSON, each with what it refuses."""

import pytest

from mcoflow.errors import MalformedMessageError
from mcoflow.wire.codec import MAX_INTEGER, dumps, loads

LIMIT = 1_000_000


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'{"a":1,"a":1}', "twice"),
        (b'{"a":{"b":1,"b":2}}', "twice"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":-Infinity}', "Infinity"),
        (b'{"a":1e999}', "double"),
        (b'{"a":9007199254740992}', "2\\*\\*53"),
        (b'{"a":-9007199254740992}', "2\\*\\*53"),
        (b'{"a":' + b"9" * 5_000 + b"}", "2\\*\\*53"),
        (b'{"a":"\\u0000"}', "U\\+0000"),
        (b'{"\\u0000":1}', "U\\+0000"),
        (b'{"a":"\\ud800"}', "surrogate"),
        (b'{"a":["\\udc00x"]}', "surrogate"),
        (b'{"a":"\xed\xa0\x80"}', "UnicodeDecodeError"),
        (b'{"a":"\xff"}', "UnicodeDecodeError"),
        (b'{"a":"\x01"}', "control character"),
        (b'{"a":' + b"[" * 20 + b"]" * 20 + b"}", "deeper than 20"),
        (b'{"a":' + b"[" * 100_000, "RecursionError"),
        (b'{"a":[' + b"1," * 5_000 + b"1]}", "more than 5000"),
        (b'{"a":1} {}', "Extra data"),
        (b'{"a":1}x', "Extra data"),
        (b"[1]", "object was expected"),
        (b'"a"', "object was expected"),
        (b"", "Expecting value"),
        (b"\xef\xbb\xbf{}", "Expecting value"),
        (b"\x00", "Expecting value"),
    ],
)
def test_what_is_doubtful_is_refused(data, why):
    """B-021: one for each rule."""
    with pytest.raises(MalformedMessageError, match=why):
        loads(data, LIMIT)


@pytest.mark.parametrize(
    "value",
    [
        {"a": float("nan")},
        {"a": float("inf")},
        {"a": MAX_INTEGER + 1},
        {"a": [{"b": -MAX_INTEGER - 1}]},
        {"a": "\0"},
        {"\0": 1},
        {"a": "\ud800"},
        {"a": {1, 2}},
        {"a": b"bytes"},
        {"a": [0] * 5_000},
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_what_would_be_refused_is_not_written(value):
    with pytest.raises(MalformedMessageError):
        dumps(value)


def test_a_value_that_contains_itself_is_not_written():
    value: dict[str, object] = {}
    value["a"] = value

    with pytest.raises(MalformedMessageError):
        dumps(value)


def test_what_is_at_the_limits_is_accepted():
    nested: object = 1
    for _ in range(19):
        nested = [nested]
    value = {
        "a": MAX_INTEGER,
        "b": -MAX_INTEGER,
        "c": nested,
        "d": [0] * 4_900,
        "e": "\u00e4\U0001f600\\u0000",
    }

    assert loads(dumps(value), LIMIT) == value


def test_bytes_over_the_limit_are_not_even_read():
    with pytest.raises(MalformedMessageError, match="at most 10"):
        loads(b'{"a":12345}', 10)


def test_the_bytes_are_canonical():
    assert dumps({"b": 1, "a": "\u00e4/\n"}) == '{"a":"\u00e4/\\n","b":1}'.encode()
    assert dumps({"a": 1, "b": 2}) == dumps({"b": 2, "a": 1})
