"""B-057, B-058: limits, one, and chance with a seed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcoflow.domain.choice import Choice
from mcoflow.errors import InputInvalidError

NAMES = [f"web{number}" for number in range(9, 0, -1)]


def test_a_limit_takes_the_first_by_name_and_a_share_is_rounded_up() -> None:
    assert Choice.of(2).among(NAMES, ()) == ["web1", "web2"]
    assert Choice.of("25%").among(NAMES, ()) == ["web1", "web2", "web3"]
    assert Choice.of("1 %").among(NAMES, ()) == ["web1"]
    assert Choice.of(20).among(NAMES, ()) == sorted(NAMES)
    assert Choice().among(NAMES, ()) == sorted(NAMES)


def test_one_is_online_or_nobody() -> None:
    assert Choice.of(one=True).among(NAMES, {"web7", "web5"}) == ["web5"]
    assert Choice.of(one=True).among(NAMES, ()) == []
    assert Choice.of(one=True, seed=4).among(NAMES, {"web7"}) == ["web7"]


def test_a_seed_draws_the_same_again() -> None:
    drawn = Choice.of(3, seed=7).among(NAMES, ())
    assert drawn == sorted(drawn)
    assert drawn == Choice.of(3, seed=7).among(list(reversed(NAMES)), ())
    assert len({tuple(Choice.of(3, seed=seed).among(NAMES, ())) for seed in range(50)}) > 10


@given(st.integers(0, 500), st.integers(1, 600), st.booleans(), st.none() | st.integers(0, 99))
def test_a_limit_is_never_exceeded(hosts: int, limit: int, percent: bool, seed: int | None) -> None:
    """B-058"""
    limit = min(limit, 100) if percent else limit
    names = [f"h{number}" for number in range(hosts)]

    taken = Choice.of(f"{limit}%" if percent else limit, seed=seed).among(names, ())

    assert set(taken) <= set(names)
    assert len(taken) == len(set(taken)) == min(hosts, -(-hosts * limit // 100) if percent else limit)


@pytest.mark.parametrize("text", ["", "half", "-1", "101%", "1.5", "10%%", "9999999", "\u0661"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(InputInvalidError, match="give one like 25, or a share like 10%, up to 100%"):
        Choice.of(text)
