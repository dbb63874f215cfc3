"""Names of hosts, words of outcomes, legal moves."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcoflow.domain.ids import host_id, host_of_token, host_token, new_executor_token
from mcoflow.domain.outcome import Effect, Outcome
from mcoflow.domain.states import (
    PLAN_MOVES,
    STEP_MOVES,
    PlanState,
    StepState,
    check_plan_move,
    check_step_move,
)
from mcoflow.errors import InputInvalidError, InvalidMoveError


@pytest.mark.parametrize(("text", "identity"), [("Web1", "web1"), (" a.b-c ", "a.b-c"), ("x" * 58, "x" * 58)])
def test_a_host_name_is_lower_cased_and_trimmed(text: str, identity: str) -> None:
    assert host_id(text) == identity
    assert host_of_token(host_token(identity)) == identity


@pytest.mark.parametrize("text", ["", " ", "-a", "a-", "a..b", ".", "a_b", "é", "a/b", "a\0", "x" * 59])
def test_what_is_no_host_name_is_refused_in_words(text: str) -> None:
    with pytest.raises(InputInvalidError, match="is no host name"):
        host_id(text)


def test_a_refused_name_is_not_repeated_without_end() -> None:
    with pytest.raises(InputInvalidError) as refused:
        host_id("x" * 10_000)
    assert len(str(refused.value)) < 250


def test_the_name_of_an_executor_is_new_each_time() -> None:
    chance = Random(1)
    names = {new_executor_token(chance) for _ in range(100)}
    assert len(names) == 100
    assert all(len(name) == 14 for name in names)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_has_words_and_an_effect(outcome: Outcome) -> None:
    """B-026: the exact words of 3.5."""
    assert outcome.words()
    assert isinstance(outcome.effect, Effect)


def test_a_reason_is_told_where_it_says_something() -> None:
    assert Outcome.FAILED.words("exit 3") == "failed (exit 3)"
    assert Outcome.NOT_PICKED_UP.words("whatever") == "not picked up"


@given(st.sampled_from(StepState), st.sampled_from(StepState))
def test_a_step_makes_the_moves_of_its_table_and_no_other(seen: StepState, wanted: StepState) -> None:
    if wanted in STEP_MOVES[seen]:
        check_step_move("1", seen, wanted)
    else:
        with pytest.raises(InvalidMoveError, match=f"step 1 is {seen}"):
            check_step_move("1", seen, wanted)


@given(st.sampled_from(PlanState), st.sampled_from(PlanState))
def test_a_plan_makes_the_moves_of_its_table_and_no_other(seen: PlanState, wanted: PlanState) -> None:
    if wanted in PLAN_MOVES[seen]:
        check_plan_move("p", seen, wanted)
    else:
        with pytest.raises(InvalidMoveError, match=r"only|is final"):
            check_plan_move("p", seen, wanted)
