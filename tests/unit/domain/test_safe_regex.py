"""B-057: a catastrophic regular expression is refused; what is let through ends soon."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcoflow.domain.safe_regex import MAX_SUBJECT, checked_regex
from mcoflow.errors import TargetInvalidError


@pytest.mark.parametrize(
    "text",
    [
        r"web\d+",
        r"(web|db)[0-9]+\.(fra|vie)\.example\.(com|org)",
        "web(-[0-9]+)?",
        "web[a-z]{2,3}[0-9]{4}",
        "[]a]+x",
        r"[^\]]*",
        "(?:a|b)c",
        "^web.*$",
        r"a\.b\-c\+",
        ".*x.*y.*",
        "a+?b",
        "(ab){3}",
        "([a-z]{4}-){1,3}x",
    ],
)
def test_what_people_write_for_host_names_is_allowed(text: str) -> None:
    assert checked_regex(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "(a+)+",
        "(a*)*b",
        "(a|a)*b",
        "(a|b|ab)+c",
        "((a?)b)+",
        "(a+){20}",
        "(?:(x+x+)+y)",
        "a*a*a*a*a*b",
        "a?" * 30 + "a" * 30,
        "(a|a)" * 25,
        "a{1,50}" * 5,
        "a**",
        "a++",
        "((((){999}){999}){999}){999}",
        "((((^){999}){999}){999}){999}",
        "((((a{0}){999}){999}){999}){999}",
        "a*a*a*(){999}",
        "a*a*(){999,}",
    ],
)
def test_a_catastrophic_one_is_refused(text: str) -> None:
    with pytest.raises(TargetInvalidError):
        checked_regex(text)


@pytest.mark.parametrize(
    "text",
    ["", "a" * 201, "(a", "a)", "*a", "|*", "a{3", r"\1(a)", "(?=a)", "(?P<n>a)", "(?i)a",
     r"\ba", "[a", "a\\",
     "[z-a]", "a\n", "\0", "a{5,2}", "(*a)"],
)  # fmt: skip
def test_what_is_no_regular_expression_or_none_that_we_can_judge_is_refused(text: str) -> None:
    with pytest.raises(TargetInvalidError):
        checked_regex(text)


@given(st.text(alphabet="ab()|*+?.{}12,[]^\\", max_size=24))
def test_whatever_is_let_through_ends_soon(text: str) -> None:
    try:
        regex = re.compile(checked_regex(text))
    except TargetInvalidError:
        return
    for subject in ("a" * MAX_SUBJECT, "ab" * (MAX_SUBJECT // 2), "a" * (MAX_SUBJECT - 1) + "!"):
        began = time.process_time()
        regex.fullmatch(subject)
        assert time.process_time() - began < 2
