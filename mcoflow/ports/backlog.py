"""What waits in a database."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits: plans by state, those that could run and have no owner, requests that the broker has not
    confirmed and when the oldest was made, events not consumed, timers."""

    plans: Mapping[str, int]
    without_owner: int
    outbox: int
    outbox_oldest: float | None
    inbox: int
    timers: int
