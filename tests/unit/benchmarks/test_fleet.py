"""The figures of a fleet."""

import pytest

from benchmarks.fleet.figures import Fleet, Pages, Run, p95, ratio, rows
from benchmarks.report import Row


def run(raw: float, seconds: float) -> Run:
    return Run(raw=raw, seconds=seconds, planning=seconds / 5, cpu=0.0002, statements=0.05)


def found(fleet: Fleet) -> dict[str, Row]:
    return {row.id: row for row in rows("sqlite", fleet)}


def test_a_plan_is_judged_by_the_raw_gather_of_its_own_round() -> None:
    runs = {
        1_000: [run(0.1, 0.5), run(0.2, 1.4), run(0.1, 0.61)],
        5_000: [run(0.5, 2), run(0.5, 6), run(1, 6.5)],
    }
    sizes = found(Fleet(runs=runs))

    assert sizes["sqlite-1000-ratio"].value == pytest.approx(6.1)
    assert sizes["sqlite-1000-ratio"].met is False
    assert sizes["sqlite-5000-ratio"].value == pytest.approx(6.5)
    assert sizes["sqlite-1000-run"].value == pytest.approx(610)
    assert sizes["sqlite-1000-cpu"].value == pytest.approx(200)


def test_growth_is_that_of_the_same_round() -> None:
    runs = {
        1_000: [run(0.1, 0.5), run(0.1, 1)],
        5_000: [run(0.5, 2.5), run(0.5, 6)],
        10_000: [run(1, 6), run(1, 14)],
    }
    sizes = found(Fleet(runs=runs))

    assert (sizes["sqlite-5000-growth"].value, sizes["sqlite-5000-growth"].met) == (5.5, True)
    assert (sizes["sqlite-10000-growth"].value, sizes["sqlite-10000-growth"].met) == (13, False)
    assert sizes["sqlite-10000-ratio"].target is None


def test_other_sizes_are_shown_and_not_judged() -> None:
    sizes = found(Fleet(runs={50: [run(0.01, 0.9)], 100: [run(0.01, 1.9)]}))

    assert {sizes[key].target for key in ("sqlite-50-ratio", "sqlite-100-ratio", "sqlite-100-growth")} == {
        None
    }


def test_pages_are_judged_by_their_slowest_but_five_in_a_hundred() -> None:
    pages = Pages(
        first_result=[0.5, 0.9, 3],
        at_rest=[0.1] * 95 + [9] * 5,
        running=[0.1] * 94 + [9] * 6,
        fragments=[0.1],
        rate=480,
        unread=30,
        read=36,
    )
    judged = {key: (row.value, row.met) for key, row in found(Fleet(pages=pages, memory=301 << 20)).items()}

    assert judged["sqlite-first-result"] == (0.9, True)
    assert judged["sqlite-page"] == (100, True)
    assert judged["sqlite-page-running"] == (9000, False)
    assert judged["sqlite-fragment"] == (100, True)
    assert judged["sqlite-read"] == (1.2, False)
    assert judged["sqlite-memory"] == (301, False)


def test_discovery_is_judged_by_the_broadcast_before_it() -> None:
    row = found(Fleet(discoveries=[(1, 3.5), (2, 10), (1, 3.9)]))["sqlite-discovery-ratio"]

    assert (row.value, row.met) == (3.9, True)


def test_what_was_not_run_is_neither_met_nor_missed() -> None:
    assert {row.met for row in rows("postgresql", Fleet())} == {None}


@pytest.mark.parametrize(
    ("values", "expected"),
    [([], None), ([4], 4), ([1, 2], 2), (list(range(1, 101)), 95), (list(range(1, 21)), 19)],
)
def test_the_95th_percentile_is_one_of_the_values(values: list[float], expected: float | None) -> None:
    assert p95(values) == expected


def test_a_ratio_needs_a_pair() -> None:
    assert ratio([]) is None
    assert ratio([(2, 3), (1, 9), (1, 2)]) == 2
