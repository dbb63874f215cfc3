"""What went wrong, in one line."""

import pytest

from mcoflow.domain.told import in_one_line, together

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


def test_the_same_is_told_once_with_its_hosts() -> None:
    many = [(f"web{number}", "no space left") for number in range(1, 8)]
    others = [("db1", "no such package"), ("", "it broke")]

    assert together([*many, *many, *others], most=5, named=5) == (
        "web1, web2, web3, web4, web5 and 2 more: no space left; db1: no such package; it broke"
    )
    errors = ((f"web{number}", f"error {number}") for number in range(7))
    assert together(errors, most=5, named=1).endswith("web4: error 4; and 2 more")
    assert together([], most=1, named=1) == ""
