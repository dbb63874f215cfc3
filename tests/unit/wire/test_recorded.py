"""Messages that were written once are read for ever."""

import random

import pytest

from mcoflow.errors import MalformedMessageError, UnsupportedVersionError
from mcoflow.wire.envelope import VERSION, decode, encode, peek
from mcoflow.wire.messages import BODIES
from tests.unit.wire.recorded import recorded, releases

MUTANTS = 1_000_000


@pytest.mark.parametrize("release", releases())
def test_what_a_release_wrote_is_read(release):
    """B-020: every kind; and written again as it was, as long as the version of the envelope is the same."""
    envelopes = [decode(line) for line in recorded(release)]

    assert {each.kind for each in envelopes} == set(BODIES)
    for line, envelope in zip(recorded(release), envelopes, strict=True):
        assert envelope.v != VERSION or encode(envelope) == line


def test_mutated_messages_raise_nothing_but_the_errors_for_messages():
    """B-021: of every kind that was ever written."""
    chance = random.Random(21)
    originals = [line for release in releases() for line in recorded(release)]
    for _ in range(MUTANTS):
        data = mutant(chance.choice(originals), chance)
        try:
            decode(data)
        except (MalformedMessageError, UnsupportedVersionError):
            header = peek(data)
            assert header is None or header.host


_PIECES = [b"\\u0000", b"\\ud800", b"[" * 30, b"1e999", b"NaN", b"\xff", b'"', b"}", b"{", b"-", b"9" * 20]


def mutant(original, chance):
    """Return the bytes with a few of them changed, removed, or put in."""
    data = bytearray(original)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data))
        match chance.randrange(4):
            case 0:
                data[at] = chance.randrange(256)
            case 1:
                del data[at : at + chance.randint(1, 20)]
            case 2:
                data[at:at] = chance.choice(_PIECES)
            case 3:
                data[at:at] = data[chance.randrange(len(data)) :][: chance.randint(1, 40)]
    return bytes(data)
