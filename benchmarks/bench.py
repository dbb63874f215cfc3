"""`make bench`: the raw ceilings of the broker, and mcoflow's figures beside them, in one run."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import raw_rabbitmq
from benchmarks.report import Row, publish
from tests.servers.rabbitmq import RabbitMQ, sbin


def main() -> int:
    """Measure, print, write build/bench.jsonl; 1 when a target was missed."""
    with private_rabbitmq() as broker:
        rows = raw_rows(broker.url)
    return 0 if publish("bench", rows) else 1


def raw_rows(url: str) -> list[Row]:
    """Measure what the broker does without mcoflow."""
    return [
        Row(
            "raw-rate",
            "raw request/reply, 1,000 in flight, 1 queue",
            raw_rabbitmq.throughput(url),
            "commands/s",
        ),
        Row(
            "raw-rate-1000",
            "raw request/reply, 1,000 in flight, 1,000 queues",
            raw_rabbitmq.throughput(url, queues=1000),
            "commands/s",
        ),
        Row(
            "raw-round-trip", "raw round trip, 1 in flight, median", raw_rabbitmq.round_trip(url) * 1000, "ms"
        ),
        Row("raw-gather", "raw gather of 1,000 hosts, median", raw_rabbitmq.gather(url) * 1000, "ms"),
    ]


@contextmanager
def private_rabbitmq() -> Iterator[RabbitMQ]:
    """Start a broker of our own, and remove it with all its data at the end."""
    scripts = sbin()
    if scripts is None:
        raise SystemExit("RabbitMQ is missing; as root: apt-get install rabbitmq-server")
    with tempfile.TemporaryDirectory(prefix="mcoflow-bench-") as directory:
        broker = RabbitMQ(scripts, Path(directory) / "rabbitmq")
        try:
            broker.start()
            yield broker
        finally:
            broker.close()


if __name__ == "__main__":
    sys.exit(main())
