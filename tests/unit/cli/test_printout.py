"""What of the output of hosts reaches a terminal."""

from datetime import UTC, datetime

import pytest

from mcoflow.cli.printout import Printout, harmless
from mcoflow.services.output import OutputItem

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def item(text: str, host: str = "web1", stream: str = "stdout") -> OutputItem:
    return OutputItem(1, host, 2, stream, NOON, text)


def printed(*items: OutputItem, colours: bool = True, names: bool = False) -> str:
    written: list[str] = []
    printout = Printout(written.append, colours=colours, names=names)
    for each in items:
        printout.tell(each)
    printout.end()
    return "".join(written)


def test_colours_are_kept_and_ended() -> None:
    """W-037: on a terminal."""
    assert printed(item("\x1b[1;31mred\n")) == "\x1b[1;31mred\n\x1b[0m"
    assert printed(item("\x1b[1;31mred\x1b[0m\n"), colours=False) == "red\n"


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b]0;title\x07", "␛]0;title␇"),
        ("\x1b[2J\x1b[H", "␛[2J␛[H"),
        ("\x1b[6n", "␛[6n"),
        ("\x1bc", "␛c"),
        ("a\rb\r\n", "a␍b\n"),
        ("\x9b31m\x7f\u202e", "\ufffd31m␡\ufffd"),
        ("\x1b[" + "1;" * 40 + "m", "␛[" + "1;" * 40 + "m"),
        ("\tok\n", "\tok\n"),
    ],
)
def test_nothing_else_is_obeyed_by_a_terminal(hostile: str, shown: str) -> None:
    """W-037: other control characters appear as symbols."""
    assert harmless(hostile, colours=True) == shown


def test_a_colour_that_is_torn_between_two_chunks_is_one() -> None:
    """W-037: also when a chunk of the other stream comes in between."""
    torn = item("a\x1b[3"), item("-", stream="stderr"), item("1mb\x1b[0m")
    assert printed(*torn) == "a-\x1b[31mb\x1b[0m\x1b[0m"
    assert printed(item("end\x1b[")) == "end␛["


def test_lines_of_several_hosts_begin_with_their_names_and_are_not_mixed() -> None:
    pieces = item("one\ntw"), item("eins\n", "web2"), item("o\nthree")
    assert printed(*pieces, names=True) == "web1 | one\nweb2 | eins\nweb1 | two\nweb1 | three\n"


def test_a_colour_does_not_run_into_the_line_of_another_host() -> None:
    """W-037: it goes on in the next line of its own host."""
    pieces = item("\x1b[32mgreen\n"), item("plain\n", "web2"), item("still\x1b[0m\n")
    shown = printed(*pieces, names=True)
    assert shown.splitlines()[:3] == [
        "web1 | \x1b[32mgreen\x1b[0m",
        "web2 | plain",
        "web1 | \x1b[32mstill\x1b[0m\x1b[0m",
    ]
