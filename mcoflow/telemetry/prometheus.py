"""The observer that keeps counts for Prometheus, and shows them through its client library (ADR 10).

The library's own counters cost more for one increment than all that is done here for a step, so that only
its text format, its registry and its server are used.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, cast

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from mcoflow.ports.measures import MEASURES, OTHER, Key, Kind, Measure
from mcoflow.ports.observer import Gauges


class Buckets:
    """The values of one histogram with one combination of labels."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, values: Iterable[float]) -> None:
        """Add values."""
        for value in values:
            self.counts[bisect_left(self.bounds, value)] += 1
            self.total += value

    def cumulative(self) -> list[tuple[str, float]]:
        """Upper bound, and how many values do not exceed it, as Prometheus wants them."""
        shown: list[tuple[str, float]] = []
        seen = 0
        for bound, count in zip([*map(str, self.bounds), "+Inf"], self.counts, strict=True):
            seen += count
            shown.append((bound, seen))
        return shown


class Prometheus(Collector):
    """Observer and Exposition of one process. Thread-safe.

    `known` tells whether a class of this name is registered: others are counted together, so that the number
    of series has a bound.
    """

    content_type: str = CONTENT_TYPE_LATEST

    def __init__(self, known: Callable[[str], bool]) -> None:
        self._known = known
        self._lock = threading.Lock()
        self._counts: defaultdict[Key, int] = defaultdict(int)
        self._histograms: dict[Key, Buckets] = {}
        self._sources: list[Gauges] = []
        self.registry: Final = CollectorRegistry()
        self.registry.register(self)

    def watch(self, source: Gauges) -> None:
        """Ask this source of gauges, too, whenever somebody looks."""
        self._sources.append(source)

    def counted(self, counts: Mapping[Key, int]) -> None:
        """See Observer.counted."""
        with self._lock:
            for key, count in counts.items():
                self._counts[self._bounded(key)] += count

    def measured(self, values: Mapping[Key, Sequence[float]]) -> None:
        """See Observer.measured."""
        with self._lock:
            for key, found in values.items():
                bounded = self._bounded(key)
                if bounded not in self._histograms:
                    self._histograms[bounded] = Buckets(key[0].buckets)
                self._histograms[bounded].add(found)

    def text(self) -> bytes:
        """See Exposition.text."""
        return generate_latest(self.registry)

    def describe(self) -> Iterable[Metric]:
        """Name no metric in advance: the registry would ask the sources for that."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield every measure, those without values included."""
        gauges = dict(found for source in self._sources for found in source())
        with self._lock:
            counts = dict(self._counts)
            shown = {key: (each.cumulative(), each.total) for key, each in self._histograms.items()}
        for measure in MEASURES:
            match measure.kind:
                case Kind.COUNTER:
                    yield _counter(measure, counts)
                case Kind.GAUGE:
                    yield _gauge(measure, gauges)
                case Kind.HISTOGRAM:
                    yield _histogram(measure, shown)

    def _bounded(self, key: Key) -> Key:
        measure, labels = key[0], _labels(key)
        if measure.labels[:1] == ("action",) and not self._known(labels[0]):
            return cast(Key, (measure, OTHER, *labels[1:]))
        return key


def _labels(key: Key) -> tuple[str, ...]:
    return key[1:]


def _of(measure: Measure, found: Iterable[Key]) -> list[Key]:
    return sorted((key for key in found if key[0] is measure), key=lambda key: key[1:])


def _counter(measure: Measure, counts: Mapping[Key, int]) -> Metric:
    family = CounterMetricFamily(measure.full_name, measure.meaning, labels=measure.labels)
    for key in _of(measure, counts):
        family.add_metric(key[1:], counts[key])
    if not measure.labels and not family.samples:
        family.add_metric((), 0)  # so that the first one is seen as a rise
    return family


def _gauge(measure: Measure, gauges: Mapping[Key, float]) -> Metric:
    family = GaugeMetricFamily(measure.full_name, measure.meaning, labels=measure.labels)
    for key in _of(measure, gauges):
        family.add_metric(key[1:], gauges[key])
    return family


def _histogram(measure: Measure, shown: Mapping[Key, tuple[list[tuple[str, float]], float]]) -> Metric:
    family = HistogramMetricFamily(measure.full_name, measure.meaning, labels=measure.labels)
    for key in _of(measure, shown):
        buckets, total = shown[key]
        family.add_metric(key[1:], buckets, total)
    return family
