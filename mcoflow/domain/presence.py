"""Whether a host is there, as far as the last message of its agent tells.

Source: the bus specification, 5.7.
"""

from enum import StrEnum
from typing import Final

from mcoflow.domain.requests import HostRecord

ONLINE_WITHIN: Final = 150.0
LATE_WITHIN: Final = 600.0
"""Seconds since the last message of a host's agent."""


CLOCK_OFF: Final = 30.0
"""Seconds by which a host's clock may differ from ours before people are warned."""


class Presence(StrEnum):
    """What is known of a host's agent from the time of its last message."""

    ONLINE = "online"
    LATE = "late"
    OFFLINE = "offline"
    PENDING = "pending"  #: never admitted: it gets no requests


def presence_of(host: HostRecord, now: float) -> Presence:
    """Return where a host stands at a Unix time."""
    if not host.admitted:
        return Presence.PENDING
    silent = now - host.last_seen
    if host.state == "down" or silent > LATE_WITHIN:
        return Presence.OFFLINE
    return Presence.LATE if silent > ONLINE_WITHIN else Presence.ONLINE


def in_conflict(host: HostRecord, now: float) -> bool:
    """Whether two daemons call themselves so, as far as is known at a Unix time."""
    return host.conflict_at is not None and now - host.conflict_at <= ONLINE_WITHIN


def is_clock_off(difference: float) -> bool:
    """Whether a clock goes so wrong that people have to know; seconds."""
    return abs(difference) > CLOCK_OFF
