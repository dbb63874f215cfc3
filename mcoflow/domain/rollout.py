"""How one action is rolled out over many hosts: in waves, with a limit of failures. Pure arithmetic.

Source: the bus specification, 7 "Batches".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final, Self

from mcoflow.errors import RolloutInvalidError

_SHARE: Final = re.compile(r"([0-9]{1,6}) *(%?)")
MIN_SAMPLE: Final = 10
"""Results before a limit in percent is looked at."""


@dataclass(frozen=True, slots=True)
class Share:
    """So many hosts, or so many percent of them."""

    number: int
    percent: bool = False

    @classmethod
    def parse(cls, text: str | int) -> Self:
        """Read `25` or `10%`; RolloutInvalidError."""
        found = _SHARE.fullmatch(str(text).strip())
        if found is None or (found[2] and int(found[1]) > 100):
            raise RolloutInvalidError(
                f"{str(text)[:80]!r} is no number of hosts: give one like 25, or a share like 10%, up to 100%"
            )
        return cls(int(found[1]), bool(found[2]))

    def of(self, total: int) -> int:
        """How many of so many hosts that is; a share is rounded up."""
        return -(-total * self.number // 100) if self.percent else min(self.number, total)

    def __str__(self) -> str:
        return f"{self.number} %" if self.percent else str(self.number)


class OnExceed(StrEnum):
    """What becomes of a rollout in which too many hosts failed. The values are stored."""

    PAUSE = "pause"  #: a person decides
    STOP = "stop"  #: it is over; what was not begun never is


class Offline(StrEnum):
    """What becomes of hosts that are not online when their turn comes. The values are stored."""

    WAIT = "wait"  #: their requests wait for them, until the pickup deadline
    SKIP = "skip"  #: they are left out, which is a warning
    FAIL = "fail"  #: they count as failed at once


@dataclass(frozen=True, slots=True)
class Rollout:
    """In which portions hosts get their turn, and how many may fail.

    Args:
        batch: how many hosts a wave has; None: all at once.
        canary: so many hosts go first, as a wave of their own. Should one of them fail, that is too many.
        wait: time between the end of a wave and the beginning of the next.
        concurrency: so many hosts at a time, 1 or more; None: the whole wave.
        max_failures: so many may fail; None: any number. A share is of the hosts that have ended, and is
            looked at from `min_sample` of them on.
        min_sample: see there, 1 or more.
        on_exceed: what happens when more have failed. Hosts under way end in any case.
        offline: what happens to hosts that are not online.

    Raises:
        RolloutInvalidError: a number out of range.
    """

    batch: Share | None = None
    canary: int = 0
    wait: timedelta = timedelta(0)
    concurrency: int | None = None
    max_failures: Share | None = None
    min_sample: int = MIN_SAMPLE
    on_exceed: OnExceed = OnExceed.PAUSE
    offline: Offline = Offline.WAIT

    def __post_init__(self) -> None:
        for name, least in (("canary", 0), ("concurrency", 1), ("min_sample", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise RolloutInvalidError(f"rollout: {name} must be {least} or more, got {value}")
        if self.batch is not None and self.batch.number < 1:
            raise RolloutInvalidError(
                f"rollout: a wave has one host at least, so batch must not be {self.batch}"
            )
        if self.wait < timedelta(0):
            raise RolloutInvalidError(f"rollout: wait must not be below zero, got {self.wait}")

    def waves(self, hosts: int) -> Sequence[int]:
        """Return how many hosts each wave has, the canary included; all of them together are `hosts`."""
        sizes = [min(self.canary, hosts)] if self.canary and hosts else []
        left, size = hosts - sum(sizes), self.batch.of(hosts) if self.batch is not None else hosts
        full, rest = divmod(left, size) if left else (0, 0)
        return [*sizes, *[size] * full, *([rest] if rest else [])]

    def exceeded(self, failed: int, ended: int, hosts: int) -> bool:
        """Whether too many of the hosts that have ended failed, the canary not being asked about."""
        limit = self.max_failures
        if limit is None or not failed:
            return False
        if not limit.percent:
            return failed > limit.number
        return ended >= min(self.min_sample, hosts) and failed * 100 > limit.number * ended

    def as_json(self) -> dict[str, Any]:
        """Return what is stored."""
        return {
            "batch": str(self.batch) if self.batch is not None else None,
            "canary": self.canary,
            "wait": self.wait.total_seconds(),
            "concurrency": self.concurrency,
            "max_failures": str(self.max_failures) if self.max_failures is not None else None,
            "min_sample": self.min_sample,
            "on_exceed": self.on_exceed.value,
            "offline": self.offline.value,
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """Undo as_json."""
        batch, limit = stored["batch"], stored["max_failures"]
        return cls(
            batch=None if batch is None else Share.parse(batch),
            canary=stored["canary"],
            wait=timedelta(seconds=stored["wait"]),
            concurrency=stored["concurrency"],
            max_failures=None if limit is None else Share.parse(limit),
            min_sample=stored["min_sample"],
            on_exceed=OnExceed(stored["on_exceed"]),
            offline=Offline(stored["offline"]),
        )


CAREFUL: Final = Rollout(batch=Share(25, percent=True), canary=1, max_failures=Share(10, percent=True))
"""What is done over `MANY` hosts if nobody says how."""
MANY: Final = 20


@dataclass(frozen=True, slots=True)
class Branches:
    """A rollout as it is planned: for each host, in order, the first and the last of its steps' ids."""

    how: Rollout
    firsts: tuple[int, ...]
    lasts: tuple[int, ...]


@dataclass(slots=True)
class Tally:
    """How far a rollout is, in hosts. `wave` counts from 1, 0 before the first.

    `answered` are those that said how it ended; `offline` were not there, `silent` took the work and said no
    more: both failed, or were skipped. `opens_at`: when the next wave begins, Unix; None: it does not wait.
    `exceeded`: why no more hosts get their turn, or "". `warned` are those of the ok with warnings.
    """

    hosts: int
    waves: int
    wave: int = 0
    under_way: int = 0
    ok: int = 0
    failed: int = 0
    skipped: int = 0
    cancelled: int = 0
    answered: int = 0
    offline: int = 0
    silent: int = 0
    opens_at: float | None = None
    exceeded: str = ""
    warned: int = 0

    @property
    def ended(self) -> int:
        """Hosts that have had their turn."""
        return self.ok + self.failed + self.skipped + self.cancelled

    @property
    def not_begun(self) -> int:
        """Hosts whose turn has not come."""
        return self.hosts - self.ended - self.under_way

    @property
    def left_words(self) -> str:
        """`13 hosts have not begun`."""
        return f"{self.not_begun} {'host has' if self.not_begun == 1 else 'hosts have'} not begun"

    @property
    def exceeded_words(self) -> str:
        """`failure limit of 5 % passed: 7 of 120 hosts failed, 13 hosts have not begun`, or nothing."""
        hosts = f"{self.failed} of {self.hosts} {'host' if self.hosts == 1 else 'hosts'} failed"
        return f"{self.exceeded}: {hosts}, {self.left_words}" if self.exceeded else ""


@dataclass(frozen=True, slots=True)
class RolloutRecord:
    """What is stored with a plan of its rollouts. `pause_after_wave`: somebody asked for it."""

    tallies: tuple[Tally, ...] = ()
    pause_after_wave: bool = False
