"""Discoveries: the question which hosts are there, put to all whom a target means, and who answered."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from mcoflow.domain.records import JsonObject

WINDOW: Final = 2.0
MOST_WINDOW: Final = 60.0
"""Seconds of silence after which nobody is waited for any more: by default, and at the most."""


class Standing(StrEnum):
    """How a host stands in a discovery; each stands in exactly one way."""

    ANSWERED = "answered"
    OFFLINE = "offline"  #: its agent is not connected, or was not heard of for long
    SILENT = "silent"  #: it should be there, and said nothing


@dataclass(frozen=True, slots=True)
class DiscoveryRecord:
    """A discovery as a row. Times are Unix times; `window` is in seconds.

    `target` is the text that somebody wrote, `filter` what it stands for. `executor` asks for it, since
    `begun_at`. `problem` says why it ended without an answer that can be trusted. `foreign` counts answers of
    hosts that were not asked.
    """

    id: UUID
    target: str
    filter: JsonObject
    window: float
    user: str
    asked_at: float
    executor: UUID | None = None
    begun_at: float | None = None
    ended_at: float | None = None
    problem: str = ""
    foreign: int = 0


@dataclass(frozen=True, slots=True)
class MetHost:
    """A host in a discovery. `known`: it was expected; `offline`: by what was known of it."""

    identity: str
    known: bool
    offline: bool
    answered_at: float | None = None

    @property
    def standing(self) -> Standing:
        """How it stands; as long as the discovery goes on, the silent may yet answer."""
        if self.answered_at is not None:
            return Standing.ANSWERED
        return Standing.OFFLINE if self.offline else Standing.SILENT


@dataclass(frozen=True, slots=True)
class AnswerRecord:
    """The first answer of a host to a discovery."""

    discovery_id: UUID
    identity: str
    at: float


@dataclass(frozen=True, slots=True)
class Counting:
    """How many hosts stand how: expected = answered + offline + silent. `added` answered unexpectedly."""

    expected: int = 0
    answered: int = 0
    offline: int = 0
    silent: int = 0
    added: int = 0
