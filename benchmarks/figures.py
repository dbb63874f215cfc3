"""mcoflow's figures as rows, each beside the raw ceiling it is judged by."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from benchmarks import raw_rabbitmq
from benchmarks.report import Row


@dataclass(frozen=True, slots=True)
class Ceilings:
    """What the broker does without mcoflow: commands a second, and seconds."""

    rate: float
    rate_on_1000_queues: float
    gather: float

    @classmethod
    def measure(cls, url: str) -> "Ceilings":
        """Measure them on the broker at `url`; takes about 20 s."""
        return cls(
            rate=raw_rabbitmq.throughput(url),
            rate_on_1000_queues=raw_rabbitmq.throughput(url, queues=1000),
            gather=raw_rabbitmq.gather(url),
        )

    def rows(self) -> list[Row]:
        """Return them as rows, without targets."""
        many = "raw request/reply, 1,000 in flight"
        return [
            Row("raw-rate", f"{many}, 1 queue", self.rate, "commands/s"),
            Row("raw-rate-1000", f"{many}, 1,000 queues", self.rate_on_1000_queues, "commands/s"),
            Row("raw-gather", "raw gather of 1,000 hosts, median", self.gather * 1e3, "ms"),
        ]


@dataclass(frozen=True, slots=True)
class Figures:
    """What mcoflow does on one store, end to end and durably; None is not run."""

    rate: float | None = None
    """Commands a second, 1,000 simulated hosts, 1,000 in flight."""
    cpu: float | None = None
    """Seconds of the server's CPU per command, at that rate."""
    commits: float | None = None
    """Commits per command, at that rate."""
    latency: float | None = None
    """Median seconds from starting a command to its end, when nothing else runs."""
    round_trip: float | None = None
    """Median seconds of the raw round trip, measured in turns with the latency."""
    fan_out: float | None = None
    """Seconds for one plan over 1,000 hosts."""
    memory: float | None = None
    """Bytes per suspended action."""
    recovery: float | None = None
    """Seconds until 10,000 suspended plans are known again after a restart."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The targets that differ between stores: a share of the raw rate in %, multiples of the raw latency.

    The share is judged by the raw rate to 1,000 queues, because that is the same request and reply: one
    durable queue a host. The share of what a single queue carries stands beside it.
    """

    share: float
    latency: float


BOUNDS: Final[Mapping[str, Bounds]] = {
    "sqlite": Bounds(share=25, latency=5),
    "postgresql": Bounds(share=20, latency=8),
}


def rows(store: str, figures: Figures, raw: Ceilings) -> list[Row]:
    """Return the rows of one store, `sqlite` or `postgresql`, each ratio with its target."""
    bounds, on = BOUNDS[store], f"on {store}"
    share = _over(figures.rate, raw.rate_on_1000_queues, 100)
    return [
        Row(f"{store}-rate", f"durable commands {on}, 1,000 hosts", figures.rate, "commands/s"),
        Row(f"{store}-share", f"their share of the raw rate to 1,000 queues {on}", share, "%").judged(
            ">=", bounds.share
        ),
        Row(
            f"{store}-share-1",
            f"their share of the raw rate to a single queue {on}",
            _over(figures.rate, raw.rate, 100),
            "%",
        ),
        Row(f"{store}-cpu", f"server CPU per command {on}", _over(figures.cpu, 1, 1e6), "µs").judged(
            "<=", 400
        ),
        Row(f"{store}-commits", f"commits per command {on}", figures.commits, "").judged("<=", 0.1),
        Row(
            f"{store}-round-trip",
            "raw round trip, 1 in flight, median",
            _over(figures.round_trip, 1, 1e3),
            "ms",
        ),
        Row(f"{store}-latency", f"idle latency {on}, median", _over(figures.latency, 1, 1e3), "ms"),
        Row(
            f"{store}-latency-ratio",
            f"idle latency over the raw round trip {on}",
            None if figures.round_trip is None else _over(figures.latency, figures.round_trip, 1),
            "x",
        ).judged("<=", bounds.latency),
        Row(f"{store}-fan-out", f"one plan over 1,000 hosts {on}", _over(figures.fan_out, 1, 1e3), "ms"),
        Row(
            f"{store}-fan-out-ratio",
            f"fan-out over the raw gather {on}",
            _over(figures.fan_out, raw.gather, 1),
            "x",
        ).judged("<=", 8),
        Row(
            f"{store}-memory", f"memory per suspended action {on}", _over(figures.memory, 1, 1e-3), "kB"
        ).judged("<=", 6),
        Row(f"{store}-recovery", f"recovery of 10,000 suspended plans {on}", figures.recovery, "s"),
    ]


def _over(value: float | None, base: float, scale: float) -> float | None:
    return None if value is None else value / base * scale
