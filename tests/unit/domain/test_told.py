"""What went wrong, in one line."""

import pytest

from mcoflow.domain.told import in_one_line

TRACE = 'Traceback (most recent call last):\n  File "x.py", line 1\nValueError: no such disk\n'


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (TRACE, "ValueError: no such disk"),
        (
            f"the worker process ended with exit code 1 and left no result: {TRACE}",
            "the worker process ended with exit code 1 and left no result: ValueError: no such disk",
        ),
        ("died with signal 9 and left no result", "died with signal 9 and left no result"),
        (
            "x and left no result: Fatal Python error: Segmentation fault\n\nCurrent thread\n  File x\n",
            "x and left no result: Fatal Python error: Segmentation fault",
        ),
        ("x and left no result: /bin/sh\n  oops\n", "x and left no result: oops"),
        (f"planning failed: {TRACE}", "planning failed: ValueError: no such disk"),
        ("two\n  lines of a list", "two lines of a list"),
        ("", ""),
    ],
)
def test_of_a_traceback_only_the_last_line_is_told(message: str, told: str) -> None:
    assert in_one_line(message) == told
