"""Daemons that share a name: a restarted one is told from two that live."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid4

from mcoflow.domain.presence import ONLINE_WITHIN
from mcoflow.domain.requests import HostRecord
from mcoflow.ports.bus import Ask, Parcel
from mcoflow.wire.envelope import ANY_HOST, Envelope, encode
from mcoflow.wire.kinds import Kind
from mcoflow.wire.messages import DiscoverBody

log = logging.getLogger("mcoflow.fleet")
AGAIN: Final = 60.0
"""Seconds until the daemons of a host are asked or told once more."""
SLACK: Final = 1.0
"""Seconds that a message may be later than those before it and still count as sent before a restart."""
MOST: Final = 200
"""Hosts that are asked in a minute who they are; a fleet that was restarted did not get doubles at once."""
KEPT: Final = 10_000
"""Changes of daemon that are remembered."""


@dataclass(slots=True)
class _Change:
    """A host's daemon is another one `since` then; `old` was `difference` ahead of our clock."""

    old: UUID
    difference: float
    since: float
    asked_at: float = 0.0
    told_at: float = 0.0


class Rivals:
    """Looks at each word of a host for the daemon it comes from; used on the fleet's thread only.

    A daemon that took another's place is a restart, unless the other one speaks after that. Both consume the
    host's questions in turn, so that two questions find both, and two hints reach both.
    """

    def __init__(self, new_id: Callable[[], UUID] = uuid4) -> None:
        self._new_id = new_id
        self._changes: dict[str, _Change] = {}
        self._waiting: dict[str, tuple[UUID, ...]] = {}
        self._since = 0.0
        self._asked = 0

    def judged(self, known: HostRecord | None, said: HostRecord, sent_at: float) -> HostRecord:
        """Return what is known of a host now that one of its daemons said something.

        `sent_at` is by the host's clock, all other times are by ours.
        """
        if known is None or known.daemon is None:
            return said
        change = self._changes.get(said.identity)
        if said.daemon == known.daemon:
            return self._goes_on(known, said)
        if change is not None and said.daemon == change.old:
            return self._speaks_again(known, said, change, sent_at)
        return self._takes_over(known, said)

    def questions(self, hosts: Sequence[HostRecord], reply_to: str, now: float) -> Sequence[Parcel]:
        """Return what is to be asked and told of late, twice each, for the two take it in turns."""
        waiting, self._waiting = self._waiting, {}
        collectives = {each.identity: each.collectives[0] for each in hosts if each.collectives}
        if not reply_to or not waiting:
            return ()
        if now >= self._since + AGAIN:
            self._since, self._asked = now, 0
        asked = [(name, rivals) for name, rivals in waiting.items() if name in collectives]
        asked = asked[: MOST - self._asked]
        self._asked += len(asked)
        return [
            self._question(name, collectives[name], rivals, reply_to, now)
            for name, rivals in asked
            for _ in range(2)
        ]

    def _goes_on(self, known: HostRecord, said: HostRecord) -> HostRecord:
        if said.state == "down":
            self._changes.pop(said.identity, None)
            return said
        return replace(said, rival=known.rival, conflict_at=known.conflict_at)

    def _takes_over(self, known: HostRecord, said: HostRecord) -> HostRecord:
        assert known.daemon is not None
        if said.state == "down":
            return known  # one that was never heard of leaves: the other is there
        while len(self._changes) >= KEPT:
            del self._changes[next(iter(self._changes))]
        before = self._changes.pop(said.identity, None)
        change = _Change(
            known.daemon, known.clock_difference, said.last_seen, before.asked_at if before else 0
        )
        self._changes[said.identity] = change
        was_there = known.state != "down" and said.last_seen - known.last_seen < ONLINE_WITHIN
        if was_there and said.last_seen >= change.asked_at + AGAIN:
            change.asked_at = said.last_seen
            self._waiting[said.identity] = ()
        return replace(said, conflict_at=known.conflict_at, rival=known.rival)

    def _speaks_again(
        self, known: HostRecord, said: HostRecord, change: _Change, sent_at: float
    ) -> HostRecord:
        """The old daemon speaks: too late, for the last time, or because it lives, too."""
        assert known.daemon is not None
        assert said.daemon is not None
        if said.state == "down":
            del self._changes[said.identity]
            return replace(known, rival=None, conflict_at=None)
        if sent_at - change.difference <= change.since + SLACK:
            return known
        change.old, change.difference, change.since = known.daemon, known.clock_difference, said.last_seen
        if said.last_seen >= change.told_at + AGAIN:
            change.told_at = said.last_seen
            self._waiting[said.identity] = (known.daemon, said.daemon)
            told = {"host": said.identity, "daemons": f"{known.daemon}, {said.daemon}"}
            log.warning("host.conflict", extra=told)
        return replace(said, rival=known.daemon, conflict_at=said.last_seen)

    def _question(
        self, host: str, collective: str, daemons: tuple[UUID, ...], reply_to: str, now: float
    ) -> Parcel:
        body = DiscoverBody(
            reply_to=reply_to, filter={"identity": [host]}, want=(), spread_ms=0, daemons=daemons
        )
        envelope = Envelope(
            id=self._new_id(),
            request=None,
            host=ANY_HOST,
            collective=collective,
            sent_at=datetime.fromtimestamp(now, UTC),
            body=body,
        )
        return Parcel(Ask(host), Kind.DISCOVER.value, envelope.id, encode(envelope), durable=False)
