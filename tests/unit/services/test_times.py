"""Times as people type them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from mcoflow.services.times import check_ahead, read_time

VIENNA = ZoneInfo("Europe/Vienna")
NOW = datetime(2026, 3, 28, 22, tzinfo=VIENNA)  # four hours before summer time begins


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("+2h", datetime(2026, 3, 28, 23, tzinfo=UTC)),
        ("+5h", datetime(2026, 3, 29, 2, tzinfo=UTC)),  # five hours from now, whatever clocks do
        ("23:30", datetime(2026, 3, 28, 22, 30, tzinfo=UTC)),
        ("04:00", datetime(2026, 3, 29, 2, tzinfo=UTC)),
        ("04:00:30", datetime(2026, 3, 29, 2, 0, 30, tzinfo=UTC)),
        ("2026-03-30T04:00", datetime(2026, 3, 30, 2, tzinfo=UTC)),
        ("2026-03-30 04:00Z", datetime(2026, 3, 30, 4, tzinfo=UTC)),
        ("2026-03-30T04:00+05:00", datetime(2026, 3, 29, 23, tzinfo=UTC)),
    ],
)
def test_a_time_is_of_the_readers_zone_unless_it_names_one(text: str, utc: datetime) -> None:
    assert read_time(text, NOW, VIENNA) == utc


@pytest.mark.parametrize(
    "text", ["", "soon", "25:00", "+2", "+2 h", "2026-13-01T00:00", "0001-01-01T00:00", "x" * 99]
)
def test_what_is_no_time_is_none(text: str) -> None:
    assert read_time(text, NOW, VIENNA) is None


def test_a_time_may_be_past_for_as_long_as_typing_takes() -> None:
    check_ahead(NOW - timedelta(seconds=50), NOW)
    with pytest.raises(ValueError, match="2026-03-28 21:50:00 CET is in the past"):
        check_ahead(NOW - timedelta(minutes=10), NOW)
