"""The figures of a fleet as rows, each with its target; pure arithmetic."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from benchmarks.report import Row

SIZES: Final = (1_000, 5_000, 10_000)
GATHER: Final[Mapping[int, float]] = {1_000: 6, 5_000: 6}
"""The most that a plan may take, as a multiple of the raw gather of the same hosts."""
GROWTH: Final[Mapping[int, float]] = {5_000: 5.5, 10_000: 12}
"""The most that a plan may take, as a multiple of the time for the smallest number of hosts."""
DISCOVERY: Final = 4
MEMORY_MIB: Final = 300
FIRST_RESULT: Final = 1.0
PAGE_AT_REST, PAGE_RUNNING, FRAGMENT = 0.150, 0.500, 0.150
RATE: Final = 500
SLOWER: Final = 1.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One plan with a step on each host, and the raw gather just before it; CPU and SQL are for each host."""

    raw: float
    seconds: float
    planning: float
    cpu: float
    statements: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """Seconds that the pages of a task took, one number a request."""

    first_result: Sequence[float] = ()
    """From the request that starts a task to the first result on its page."""
    at_rest: Sequence[float] = ()
    running: Sequence[float] = ()
    fragments: Sequence[float] = ()
    rate: float | None = None
    """Results a second while the pages were read."""
    unread: float | None = None
    """Seconds of the task when nobody reads its page."""
    read: float | None = None
    """Seconds of the task when somebody does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """What was measured on one store; what is empty or None was not run."""

    runs: Mapping[int, Sequence[Run]] = field(default_factory=dict)
    discoveries: Sequence[tuple[float, float]] = ()
    """Raw broadcast and discovery of all hosts, in turns."""
    memory: int | None = None
    """Bytes the executor ever had in memory."""
    pages: Pages = Pages()


def rows(store: str, fleet: Fleet) -> list[Row]:
    """Return the rows of one store, each ratio with its target."""
    sizes = sorted(fleet.runs)
    found = [row for hosts in sizes for row in _of_runs(store, hosts, fleet.runs[hosts])]
    for hosts in sizes[1:]:
        found.append(_growth(store, hosts, sizes[0], fleet.runs))
    return [*found, *_of_discovery(store, fleet), _memory(store, fleet), *_of_pages(store, fleet.pages)]


def p95(values: Sequence[float]) -> float | None:
    """Return the value that 95 of 100 do not exceed, None if there are none."""
    return sorted(values)[-(-len(values) * 95 // 100) - 1] if values else None


def ratio(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Return the median of second over first: of pairs, so that what else goes on falls on both alike."""
    return median(ours / raw for raw, ours in pairs) if pairs else None


def _of_runs(store: str, hosts: int, runs: Sequence[Run]) -> list[Row]:
    key, on = f"{store}-{hosts}", f"{hosts:,} hosts on {store}"

    def of(name: str, scale: float) -> float | None:
        return median(getattr(run, name) for run in runs) * scale if runs else None

    multiple = Row(
        f"{key}-ratio",
        f"plan of {on} over the raw gather",
        ratio([(run.raw, run.seconds) for run in runs]),
        "x",
    )
    return [
        Row(f"{key}-raw", f"raw gather of {hosts:,} hosts, median", of("raw", 1e3), "ms"),
        Row(f"{key}-run", f"plan, run and gather of {on}, median", of("seconds", 1e3), "ms"),
        multiple.judged("<=", GATHER[hosts]) if hosts in GATHER else multiple,
        Row(f"{key}-planning", f"  planning and storing it, {on}", of("planning", 1e3), "ms"),
        Row(f"{key}-cpu", f"  server CPU a host, {on}", of("cpu", 1e6), "µs"),
        *(
            [Row(f"{key}-sql", f"  SQL statements a host, {on}", of("statements", 1), "")]
            if store == "sqlite"
            else []
        ),
    ]


def _growth(store: str, hosts: int, least: int, runs: Mapping[int, Sequence[Run]]) -> Row:
    pairs = [(few.seconds, many.seconds) for few, many in zip(runs[least], runs[hosts], strict=True)]
    row = Row(
        f"{store}-{hosts}-growth", f"time for {hosts:,} over {least:,} hosts on {store}", ratio(pairs), "x"
    )
    return row.judged("<=", GROWTH[hosts]) if hosts in GROWTH and least == min(SIZES) else row


def _of_discovery(store: str, fleet: Fleet) -> list[Row]:
    raw, ours = zip(*fleet.discoveries, strict=True) if fleet.discoveries else ((), ())
    return [
        Row(
            f"{store}-broadcast",
            "raw broadcast to all hosts, median",
            _ms(median(raw) if raw else None),
            "ms",
        ),
        Row(
            f"{store}-discovery",
            f"discovery of all on {store}, median",
            _ms(median(ours) if ours else None),
            "ms",
        ),
        Row(
            f"{store}-discovery-ratio",
            f"discovery over the raw broadcast on {store}",
            ratio(fleet.discoveries),
            "x",
        ).judged("<=", DISCOVERY),
    ]


def _memory(store: str, fleet: Fleet) -> Row:
    value = None if fleet.memory is None else fleet.memory / 2**20
    return Row(f"{store}-memory", f"most memory of the executor on {store}", value, "MiB").judged(
        "<=", MEMORY_MIB
    )


def _of_pages(store: str, pages: Pages) -> list[Row]:
    first = median(pages.first_result) if pages.first_result else None
    slower = pages.read / pages.unread if pages.read and pages.unread else None
    on = f"on {store}"
    return [
        Row(f"{store}-first-result", f"first result on the page {on}, median", first, "s").judged(
            "<=", FIRST_RESULT
        ),
        Row(f"{store}-page", f"task page at rest {on}, p95", _ms(p95(pages.at_rest)), "ms").judged(
            "<=", PAGE_AT_REST * 1e3
        ),
        Row(f"{store}-result-rate", f"results while it is read {on}", pages.rate, "a second"),
        Row(
            f"{store}-page-running", f"task page while it runs {on}, p95", _ms(p95(pages.running)), "ms"
        ).judged("<=", PAGE_RUNNING * 1e3),
        Row(
            f"{store}-fragment", f"its parts while it runs {on}, p95", _ms(p95(pages.fragments)), "ms"
        ).judged("<=", FRAGMENT * 1e3),
        Row(f"{store}-read", f"a task that is read over one that is not {on}", slower, "x").judged(
            "<=", SLOWER
        ),
    ]


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1e3
