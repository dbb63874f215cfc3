"""How a world is run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from mcoflow.domain.query import CleanPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldSettings:
    """Settings of a world; the defaults are those of the specification.

    Args:
        queues: worker threads by queue.
        lease: how long a world counts as alive without a heartbeat.
        heartbeat: seconds between two of them, well under the lease.
        reconcile: time between two looks for what died or was forgotten.
        pickup: how long a host has to take a request, unless the action says otherwise.
        auto_rescue: whether actions are asked what shall become of a plan that has failed; if not, it pauses.
        cleaning: which old plans an executor removes every `clean_every`; None: none, people do it.
        clean_every: time between two cleanings.
        admit_simulated: whether hosts of a simulated fleet are let in.
        approve: whether a person has to admit each host.
    """

    queues: Mapping[str, int] = field(default_factory=lambda: {"default": 5, "hooks": 2})
    lease: timedelta = timedelta(seconds=10)
    heartbeat: timedelta = timedelta(seconds=3)
    reconcile: timedelta = timedelta(seconds=30)
    pickup: timedelta = timedelta(minutes=10)
    auto_rescue: bool = True
    cleaning: CleanPolicy | None = None
    clean_every: timedelta = timedelta(hours=1)
    admit_simulated: bool = False
    approve: bool = False
