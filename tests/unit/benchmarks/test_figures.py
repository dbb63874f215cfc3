"""mcoflow's figures beside the raw ones."""

from benchmarks.figures import Ceilings, Figures, rows

RAW = Ceilings(rate=10_000, rate_on_1000_queues=8000, gather=0.1)


def test_each_figure_is_judged_by_the_ceiling_of_the_same_run() -> None:
    figures = Figures(
        rate=3000,
        cpu=0.0002,
        commits=0.05,
        latency=0.003,
        round_trip=0.0005,
        fan_out=0.5,
        memory=7000,
        recovery=2,
    )

    found = {row.id: (row.value, row.met) for row in rows("sqlite", figures, RAW) if row.target}

    assert found == {
        "sqlite-share": (37.5, True),
        "sqlite-cpu": (200, True),
        "sqlite-commits": (0.05, True),
        "sqlite-latency-ratio": (6, False),
        "sqlite-fan-out-ratio": (5, True),
        "sqlite-memory": (7, False),
    }


def test_what_was_not_run_is_shown_as_such() -> None:
    assert {row.met for row in rows("postgresql", Figures(), RAW)} == {None}
