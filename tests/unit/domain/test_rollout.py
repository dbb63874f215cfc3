"""The arithmetic of rollouts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcoflow.domain.rollout import CAREFUL, Rollout, Share
from mcoflow.errors import RolloutInvalidError


@pytest.mark.parametrize(
    ("text", "total", "expected"), [("25", 100, 25), ("25", 7, 7), ("10%", 25, 3), ("1 %", 1, 1)]
)
def test_a_share_is_a_number_or_percent_rounded_up(text: str, total: int, expected: int) -> None:
    assert Share.parse(text).of(total) == expected


@pytest.mark.parametrize("text", ["", "x", "-1", "101%", "1.5", "%"])
def test_a_share_that_is_none_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(RolloutInvalidError, match="give one like 25, or a share like 10%, up to 100%"):
        Share.parse(text)


@given(st.integers(0, 500), st.integers(0, 20), st.integers(1, 100), st.booleans())
def test_waves_cover_each_host_once(hosts: int, canary: int, size: int, percent: bool) -> None:
    """B-060: and none has more than wanted."""
    how = Rollout(batch=Share(size, percent=percent), canary=canary)

    waves = how.waves(hosts)

    assert sum(waves) == hosts
    assert all(waves)
    assert not canary or not hosts or waves[0] == min(canary, hosts)
    assert all(each <= how.batch.of(hosts) for each in waves[1 if canary else 0 :])  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("limit", "failed", "ended", "exceeded"),
    [
        ("2", 2, 2, False),
        ("2", 3, 3, True),
        ("0", 1, 1, True),
        ("10%", 5, 9, False),
        ("10%", 2, 10, True),
        ("10%", 1, 10, False),
    ],
)
def test_a_limit_is_passed_by_one_more(limit: str, failed: int, ended: int, exceeded: bool) -> None:
    """B-060: in percent from ten results on."""
    assert Rollout(max_failures=Share.parse(limit)).exceeded(failed, ended, 100) is exceeded


def test_a_few_hosts_are_enough_of_a_sample_when_there_are_no_more() -> None:
    assert Rollout(max_failures=Share(10, percent=True)).exceeded(1, 4, 4)


@pytest.mark.parametrize(
    "wrong", [{"canary": -1}, {"concurrency": 0}, {"min_sample": 0}, {"batch": Share(0)}]
)
def test_numbers_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(RolloutInvalidError, match="rollout: "):
        Rollout(**wrong)  # type: ignore[arg-type]


def test_a_rollout_comes_back_from_storage_as_it_was() -> None:
    assert Rollout.from_json(CAREFUL.as_json()) == CAREFUL
