import gc
from collections.abc import Iterator

import pytest

from mcoflow.bootstrap.garbage import YOUNG, collect_seldom


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Give the tests that follow the collector they know."""
    threshold = gc.get_threshold()
    yield
    gc.set_threshold(*threshold)
    gc.unfreeze()


def test_what_is_there_at_the_start_is_not_looked_at_again() -> None:
    kept = [[number] for number in range(1000)]

    collect_seldom()

    assert gc.get_freeze_count() >= len(kept)
    assert gc.get_threshold()[0] == YOUNG
