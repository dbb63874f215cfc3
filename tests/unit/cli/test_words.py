"""How values, times and log lines are written."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from uuid import UUID

import pytest

from mcoflow.action.naming import subject_of_step
from mcoflow.cli.logs import KeyValue
from mcoflow.cli.plain import plain
from mcoflow.cli.render import ago, change, table, took, values, visible
from mcoflow.cli.steps import told_to_stop

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Thing:
    at: datetime
    took: timedelta
    parts: tuple[UUID, ...]


def test_one_step_is_not_many() -> None:
    assert [told_to_stop(number) for number in range(3)] == [
        "",
        "1 step was told to stop",
        "2 steps were told to stop",
    ]


def test_a_step_is_called_after_what_it_works_on() -> None:
    assert subject_of_step({"operation": "file.checksum", "args": {"package": "x"}}) == "file.checksum"
    assert subject_of_step({"package": "nginx", "operation": 4}) == "nginx"
    assert subject_of_step({"operation": 4}) == ""


def test_views_become_json() -> None:
    thing = Thing(NOW, timedelta(seconds=1.5), (UUID(int=1),))

    assert plain({Colour.RED: [thing, Path("/tmp"), None, 3]}) == {
        "red": [
            {
                "at": "2026-11-21T06:00:00+00:00",
                "took": 1.5,
                "parts": ["00000000-0000-0000-0000-000000000001"],
            },
            "/tmp",
            None,
            3,
        ]
    }


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.03, "30 ms"),
        (0.9999, "1.0 s"),
        (2, "2.0 s"),
        (59.99, "1 min 0 s"),
        (125, "2 min 5 s"),
        (12000, "3 h 20 min"),
    ],
)
def test_durations_are_written_for_people(seconds: float, words: str) -> None:
    assert took(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "now"),
        (1, "now"),
        (30, "30 s ago"),
        (119, "1 min ago"),
        (7200, "2 h ago"),
        (90000, "2026-11-20 05:00 UTC"),
    ],
)
def test_times_are_told_from_now(seconds: float, words: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == words


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ({"changed": True, "before": None, "after": "1.22"}, "absent → 1.22"),
        ({"changed": True, "before": "1.22", "after": None}, "1.22 → absent"),
        ({"changed": False, "before": "1.22", "after": "1.22"}, "unchanged: 1.22"),
        ({"pong": True}, ""),
    ],
)
def test_a_change_is_told_as_before_and_after(output: dict[str, object], words: str) -> None:
    assert change(output) == words


def test_what_a_terminal_would_obey_is_not_printed() -> None:
    """S-009: output and names of others are text."""
    assert visible("red\x1b[31m\x07") == "red\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}"
    assert "\x1b" not in table(("host",), [("\x1b]0;title",)])


def test_a_log_line_cannot_be_forged_by_a_value() -> None:
    record = logging.LogRecord("mcoflow.test", logging.INFO, "", 0, "host.seen", (), None)
    record.created = NOW.timestamp()
    record.host, record.why, record.text, record.none = "web1", "no\nlevel=error", 'say "no"', ""

    assert KeyValue().format(record) == (
        "2026-11-21T06:00:00.000Z level=info event=host.seen logger=mcoflow.test host=web1 "
        r"""why='no\nlevel=error' text="say \"no\"" none="" """.rstrip()
    )


def test_what_an_operation_returned_is_one_line_without_colours() -> None:
    found = {
        "exit_code": 0,
        "user": None,
        "log": "\x1b[31mno\x1b[0m\nspace\x07",
        "duration_ms": 12,
        "on": True,
    }

    assert values(found) == "exit_code: 0, user: null, log: no space\u2407, on: true"
    assert values(found, but=("log",)) == "exit_code: 0, user: null, on: true"
    assert not values({"duration_ms": 3})
