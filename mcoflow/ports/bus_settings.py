"""Which bus to use, as the section [broker] of broker.cfg says it."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class BusSettings:
    """What a connector is made from.

    `url` may hold a password, so it stays out of `repr`. `ca`, `cert` and `key` are PEM files for amqps.
    """

    url: str = field(repr=False)
    prefix: str = "mcoflow"
    replicated: bool = False
    heartbeat: timedelta = timedelta(seconds=10)
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
