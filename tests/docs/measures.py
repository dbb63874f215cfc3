"""Writes docs/reference/metrics.md from the measures themselves: python -m tests.docs.measures"""

from pathlib import Path
from typing import Final

from mcoflow.ports.measures import MEASURES, Kind, Measure

PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"
_HEAD: Final = """\
# Metrics

What `/metrics` shows; [how to use them](../how-to/monitor.md). No label holds an id, a host or a user; a
class that is not registered shows as action `other`. Counters begin with 0 in each process: take sums of
rates over all of them. Of gauges, `plans`, `plans_without_owner`, `outbox_*`, `inbox_rows` and `timers` are
about the database, so that all processes show the same: take the maximum, not the sum. They may be 5 seconds
old, and are left out while the database is away. The others are about the process that shows them.

Made by `python -m tests.docs.measures`; a test compares it.
"""
_TITLES: Final = {Kind.COUNTER: "Counters", Kind.GAUGE: "Gauges", Kind.HISTOGRAM: "Histograms"}


def page() -> str:
    """Return the page."""
    return _HEAD + "".join(_section(kind) for kind in Kind)


def _section(kind: Kind) -> str:
    rows = "".join(_row(measure) for measure in MEASURES if measure.kind is kind)
    if kind is not Kind.HISTOGRAM:
        return f"\n## {_TITLES[kind]}\n\n| name | labels | meaning |\n| --- | --- | --- |\n{rows}"
    head = "| name | labels | buckets up to | meaning |\n| --- | --- | --- | --- |\n"
    return f"\n## {_TITLES[kind]}\n\n{head}{rows}"


def _row(measure: Measure) -> str:
    cells = [f"`{measure.full_name}`", " ".join(f"`{label}`" for label in measure.labels)]
    if measure.buckets:
        cells.append(", ".join(f"{bound:g}" for bound in measure.buckets))
    return f"| {' | '.join([*cells, measure.meaning])} |\n"


if __name__ == "__main__":
    PAGE.write_text(page())
