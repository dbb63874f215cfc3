"""One discovery that is under way: what it says to whom, and who has not answered yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid5

from mcoflow.domain.discovery import DiscoveryRecord, MetHost
from mcoflow.domain.target import Key, OneOf, Target
from mcoflow.domain.target_match import matcher
from mcoflow.ports.bus import Ask, AskAll, Parcel
from mcoflow.wire.envelope import ANY_HOST, Envelope, encode
from mcoflow.wire.kinds import Kind
from mcoflow.wire.messages import DiscoverBody

MAIN: Final = "main"
AT_ONCE: Final = 200
"""Hosts that answer without a delay of their own choice."""
EACH: Final = 0.0001
PATIENCE: Final = 0.001
LONGEST: Final = 60.0
"""Seconds: what each host adds to the time over which answers spread, and to the silence that ends it all,
for a broker has as many questions to deliver; what a discovery may take, the window left out."""


STRANGERS: Final = 100
"""Hosts of a discovery that were not asked and answered: as many are counted, and their answers kept."""


@dataclass(frozen=True, slots=True)
class Answering:
    """A host as a target sees it that answered; the target does not ask for facts."""

    identity: str
    collectives: Collection[str]

    @property
    def facts(self) -> Mapping[str, Any]:
        """Nothing: the host itself has looked at its facts."""
        return {}


@dataclass(slots=True)
class Gathering:
    """Who is still to answer. Times are on the clock's monotonic scale; `extra` seconds to the window."""

    record: DiscoveryRecord
    target: Target
    give_up_at: float
    begun: bool = False
    pending: set[str] = field(default_factory=set)
    answered: set[str] = field(default_factory=set)
    strangers: set[str] = field(default_factory=set)
    extra: float = 0.0
    quiet_since: float = 0.0
    over_at: float = 0.0

    @property
    def id(self) -> UUID:
        """Of the discovery."""
        return self.record.id

    @property
    def foreign(self) -> int:
        """Hosts that were not asked and answered all the same, `STRANGERS` at the most."""
        return len(self.strangers)

    def is_news(self, stranger: str, noted: int) -> bool:
        """Whether the answer of a host that was not asked is to be kept: the first of each, of so many.

        `noted`: of others that are about to be kept.
        """
        return stranger not in self.strangers and len(self.strangers) + noted < STRANGERS

    @property
    def names(self) -> Sequence[str]:
        """The hosts that it names, if it does nothing else: then each is asked by itself."""
        target = self.target
        return target.values if isinstance(target, OneOf) and target.key is Key.IDENTITY else ()

    def expected(self, stored: Sequence[MetHost]) -> Sequence[MetHost]:
        """Return who is to answer: those that are stored, and those that are named and nobody knows."""
        known = {each.identity for each in stored}
        return [*stored, *(MetHost(name, False, True) for name in self.names if name not in known)]

    def begin(self, expected: Sequence[MetHost], now: float) -> None:
        """Wait for these."""
        self.pending = {each.identity for each in expected} - self.answered
        self.begun = True
        self.extra = len(expected) * PATIENCE
        self.quiet_since, self.over_at = now, now + LONGEST + self.record.window

    def means(self, identity: str, collectives: Collection[str]) -> bool:
        """Whether a host may answer; where facts decide, it knows better than we do."""
        return self.target.needs_facts or matcher(self.target)(Answering(identity, collectives))

    def heard(self, identity: str, now: float) -> None:
        """Note an answer."""
        self.pending.discard(identity)
        self.answered.add(identity)
        self.quiet_since = now

    def ends_at(self) -> float:
        """When nobody is waited for any more: at once if all have answered."""
        if not self.pending and self.answered:
            return 0.0
        return min(self.quiet_since + self.record.window + self.extra, self.over_at)

    def parcels(
        self, reply_to: str, everybody: Sequence[Collection[str]], number: int, now: float
    ) -> Sequence[Parcel]:
        """Return the questions. `everybody`: the collectives of each host there is; `number` are expected.

        Raises:
            MessageTooLargeError: the target is too long for a message.
        """
        if self.names:
            alone = DiscoverBody(reply_to=reply_to, filter={}, want=(), spread_ms=0)
            bodies = {name: replace(alone, filter={"identity": [name]}) for name in self.names}
            return [self._parcel(Ask(name), body, now) for name, body in bodies.items()]
        spread = 0.0 if number <= AT_ONCE else min(self.record.window / 2, number * EACH)
        body = DiscoverBody(
            reply_to=reply_to, filter=self.record.filter, want=(), spread_ms=round(spread * 1000)
        )
        return [self._parcel(AskAll(each), body, now) for each in cover(everybody)]

    def _parcel(self, address: Ask | AskAll, body: DiscoverBody, now: float) -> Parcel:
        envelope = Envelope(
            id=uuid5(self.id, f"{body.reply_to} {address}"),
            request=self.id,
            host=ANY_HOST,
            collective=address.collective if isinstance(address, AskAll) else MAIN,
            sent_at=datetime.fromtimestamp(now, UTC),
            body=body,
        )
        return Parcel(address, Kind.DISCOVER.value, envelope.id, encode(envelope), self.id, durable=False)


def cover(everybody: Sequence[Collection[str]]) -> Sequence[str]:
    """Return collectives of which each host is in one, few of them, so that few hosts are asked twice.

    Hosts that nobody knows yet are mostly in `main`.
    """
    chosen, left = [MAIN], [each for each in everybody if each and MAIN not in each]
    while left:
        best, _ = max(Counter(name for each in left for name in each).items(), key=lambda each: each[::-1])
        chosen.append(best)
        left = [each for each in left if best not in each]
    return chosen
