"""Says that the hosts are there: at the start, each minute, on a change, when asked, and at the end.

Source: the project's bus specification, 5.7.
"""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, Protocol
from uuid import UUID

from mcoflow.agent.desk import Desk
from mcoflow.agent.entry import Host
from mcoflow.agent.execution import Catalogue, Operation
from mcoflow.agent.reports import Reports
from mcoflow.agent.settings import AgentSettings
from mcoflow.domain.target import Nobody
from mcoflow.domain.target_json import target_of
from mcoflow.domain.target_match import Means, matcher
from mcoflow.errors import MalformedMessageError, TargetError
from mcoflow.wire import codec
from mcoflow.wire.codec import JsonObject
from mcoflow.wire.envelope import VERSION
from mcoflow.wire.kinds import PART_LIMIT, Up, Want
from mcoflow.wire.replies import PresenceBody
from mcoflow.wire.to_hosts import DiscoverBody

log = logging.getLogger(__name__)

_SPREAD: Final = 0.1
RENAME: Final = "two agents have this name, requests reach one or the other: set [agent] identity of one"


class FactsSource(Protocol):
    """Where the facts of one host come from."""

    def read(self) -> JsonObject:
        """Return all facts as they are now."""

    def changed(self) -> bool:
        """Tell cheaply whether `read` may return others than the last time."""


@dataclass(slots=True)
class _Known:
    facts: JsonObject
    digest: str
    read_at: float


class Presences:
    """Tells of the hosts of one daemon; used on the loop's thread only."""

    def __init__(
        self,
        *,
        desk: Desk,
        reports: Reports,
        settings: AgentSettings,
        catalogue: Catalogue,
        hosts: Mapping[str, Host],
        facts: Mapping[str, FactsSource],
        chance: Random,
        daemon: UUID,
    ) -> None:
        self._desk = desk
        self._reports = reports
        self._settings = settings
        self._hosts = hosts
        self._facts = facts
        self._chance = chance
        self._daemon = daemon
        self._operations = sendable(declared(catalogue.operations()), "operations")
        self._operations_digest = digest(self._operations)
        self._known: dict[str, _Known] = {}
        self._beating = False
        self._leaving = False
        self._wanted = b""
        self._meant: Means = matcher(Nobody())
        self._rivals: list[UUID] = []

    def up(self) -> None:
        """Say of all hosts that they are up, facts included; from now on they are heard of regularly.

        What a host can be asked for is said, too, but not of simulated ones: thousands would say the same.
        """
        for host in self._hosts.values():
            self._say(host, Up.UP, want=(Want.FACTS,) if host.simulated else tuple(Want))
        if not self._beating:
            self._beating = True
            for host in self._hosts.values():
                self._desk.loop.later(self._pause(), self._beat, host)

    def down(self) -> None:
        """Say of all hosts that they leave; from now on nothing else is said of them."""
        self._leaving = True
        for host in self._hosts.values():
            self._say(host, Up.DOWN)

    def reread(self) -> None:
        """Read all facts again, and tell what changed."""
        for host in self._hosts.values():
            self._tell_changes(host)

    def discovered(self, host: Host, asked: DiscoverBody, question: UUID | None) -> None:
        """Answer for the host if it is meant, after a random delay, so that not all answer at once."""
        self._warn_of_rivals(host, asked.daemons)
        if self._means(asked.filter)(_Asked(host.identity, host.collectives, self._known_of(host).facts)):
            delay = self._chance.uniform(0, asked.spread_ms / 1000)
            self._desk.loop.later(delay, self._say, host, Up.ALIVE, asked.want, asked.reply_to, question)

    def _warn_of_rivals(self, host: Host, daemons: Sequence[UUID]) -> None:
        """Say, once of each, that another daemon calls itself like this host."""
        for other in daemons:
            if self._daemon in daemons and other not in (self._daemon, *self._rivals):
                self._rivals.append(other)
                told = {"host": host.identity, "daemon": str(self._daemon), "other": str(other)}
                log.error("identity.conflict", extra={**told, "remedy": RENAME})

    def _means(self, wanted: JsonObject) -> Means:
        """Return who is meant by a filter, which is read once for all hosts of this daemon.

        One that is not understood means nobody: it would be half obeyed.
        """
        key = codec.dumps(wanted)
        if key != self._wanted:
            try:
                self._meant = matcher(target_of(wanted))
            except TargetError as error:
                log.warning("discover.filter_not_offered", extra={"reason": str(error)})
                self._meant = matcher(Nobody())
            self._wanted = key
        return self._meant

    def _beat(self, host: Host) -> None:
        self._desk.loop.later(self._pause(), self._beat, host)
        due = self._known_of(host).read_at + self._settings.facts_interval.total_seconds()
        look = self._desk.clock.monotonic() >= due or self._facts[host.identity].changed()
        if not (look and self._tell_changes(host)):
            self._say(host, Up.ALIVE)

    def _tell_changes(self, host: Host) -> bool:
        before = self._known_of(host).digest
        if self._read(host).digest == before:
            return False
        self._say(host, Up.ALIVE, want=(Want.FACTS,))
        return True

    def _pause(self) -> float:
        seconds = self._settings.presence_interval.total_seconds()
        return seconds * self._chance.uniform(1 - _SPREAD, 1 + _SPREAD)

    def _known_of(self, host: Host) -> _Known:
        return self._known.get(host.identity) or self._read(host)

    def _read(self, host: Host) -> _Known:
        facts = sendable(self._facts[host.identity].read(), "facts")
        known = _Known(facts, digest(facts), self._desk.clock.monotonic())
        self._known[host.identity] = known
        return known

    def _say(
        self,
        host: Host,
        state: Up,
        want: Sequence[Want] = (),
        reply_to: str | None = None,
        question: UUID | None = None,
    ) -> None:
        known = self._known_of(host)
        body = PresenceBody(
            state=Up.DOWN if self._leaving else state,
            daemon=self._daemon,
            journal=self._reports.generation,
            wire_min=VERSION,
            wire_max=VERSION,
            version=self._settings.version,
            collectives=host.collectives,
            received=host.received,
            executing=host.executing,
            room=host.room,
            interval_ms=round(self._settings.presence_interval.total_seconds() * 1000),
            facts_digest=known.digest,
            operations_digest=self._operations_digest,
            facts=known.facts if Want.FACTS in want else None,
            operations=self._operations if Want.OPERATIONS in want else None,
        )
        self._desk.send(self._reports.presence(host, body, reply_to, question))


def declared(operations: Sequence[Operation]) -> JsonObject:
    """Describe operations for others: by key, with JSON Schema for input and output."""
    return {
        operation.key: {
            "summary": operation.summary,
            "timeout_ms": round(operation.timeout.total_seconds() * 1000),
            "max_timeout_ms": round(operation.max_timeout.total_seconds() * 1000),
            "idempotent": operation.idempotent,
            "changes": operation.changes,
            "check": operation.check,
            "interruptible": operation.interruptible,
            "input": operation.input_model.model_json_schema(),
            "output": operation.output_model.model_json_schema(mode="serialization"),
        }
        for operation in operations
    }


def sendable(value: JsonObject, what: str) -> JsonObject:
    """Return the value, or in its place the reason why it cannot be part of a message."""
    try:
        size = len(codec.dumps(value))
    except MalformedMessageError as error:
        why = str(error)
    else:
        if size <= PART_LIMIT:
            return value
        why = f"{size} bytes, at most {PART_LIMIT} can be told"
    log.error("presence.not_sendable", extra={"what": what, "why": why})
    return {"mcoflow": {f"{what}_errors": [why]}}


def digest(value: JsonObject) -> str:
    """Return the SHA-256 of the canonical bytes."""
    return hashlib.sha256(codec.dumps(value)).hexdigest()


@dataclass(frozen=True, slots=True)
class _Asked:
    """A host of this daemon as a target sees it: with the facts that it last told."""

    identity: str
    collectives: tuple[str, ...]
    facts: JsonObject
