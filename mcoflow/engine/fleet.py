"""The hosts: who is there, and who has queues. Its own thread, because declaring takes round trips."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final
from uuid import UUID

from mcoflow.clock import Clock
from mcoflow.domain.presence import is_clock_off
from mcoflow.domain.requests import EvidenceRecord, HostRecord
from mcoflow.engine.admission import Door
from mcoflow.engine.declarations import Declarations
from mcoflow.engine.discoverer import Answer
from mcoflow.engine.replies import Message, read
from mcoflow.engine.rivals import Rivals
from mcoflow.errors import BusError, BusUnavailableError, StoreError, StoreUnavailableError
from mcoflow.ports.bus import Delivery, ExecutorConnector, Parcel, Receipt, Verdict
from mcoflow.ports.store import Changes, Store
from mcoflow.wire.envelope import Envelope
from mcoflow.wire.messages import PresenceBody

log = logging.getLogger("mcoflow.fleet")
AWAY: Final = 1.0
"""Seconds until what failed for want of the broker or the database is tried again."""
KEPT_WAITING: Final = 180.0
"""Seconds that a broker keeps presence which nobody takes (bus specification, 2)."""


class Fleet:
    """Keeps the host table, and gives admitted hosts their queues.

    `admit_simulated` says whether hosts of a simulated fleet are let in; `approve`, whether a person has to
    admit each host.
    """

    def __init__(
        self,
        store: Store,
        connector: ExecutorConnector,
        clock: Clock,
        *,
        admit_simulated: bool = False,
        approve: bool = False,
    ) -> None:
        self._store = store
        self._connector = connector
        self._clock = clock
        self._admit_simulated = admit_simulated
        self._door = Door(store, connector) if approve else None
        self._hosts: dict[str, HostRecord] = {}
        self._declarations = Declarations()
        self.token = ""  #: of the executor that answers to questions are for
        self._declared: set[str] = set()
        self._rivals = Rivals()
        self.on_answers: Callable[[Sequence[Answer]], None] = _unasked  #: takes answers to discoveries
        self._arrived: list[tuple[Delivery, float]] = []
        self._takes_since: float | None = None  # what was sent before may have waited for us
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._chores = ThreadPoolExecutor(1, thread_name_prefix="fleet")

    # -- what the engine asks -------------------------------------------------------------------------------

    def load(self) -> None:
        """Read the host table."""
        self._hosts = {host.identity: host for host in self._store.hosts()}
        self._declarations.load(self._store.declared_digests())

    def journal(self, host: str) -> UUID | None:
        """The generation of the host's journal, None for a host never seen."""
        known = self._hosts.get(host)
        return known.journal if known is not None else None

    def simulated(self, host: str) -> bool:
        """Whether the host is one of a simulated fleet."""
        known = self._hosts.get(host)
        return known is not None and known.simulated

    def admitted(self, host: str) -> bool:
        """Whether the host was admitted."""
        known = self._hosts.get(host)
        return known is not None and known.admitted

    def pending(self, host: str) -> bool:
        """Whether the host waits for a person to admit it."""
        known = self._hosts.get(host)
        return known is not None and not known.admitted

    def redeclare(self, host: str, then: Callable[[], None]) -> None:
        """Declare the queues of an admitted host again, on the fleet's thread, and call `then`."""

        def chore() -> None:
            self._declare_again(self._hosts[host])
            then()

        self.submit(chore)

    def submit(self, chore: Callable[[], None]) -> None:
        """Run something that takes round trips to the broker on the fleet's thread; if it is closed, nothing.

        What is left undone then is in messages that nobody settled: another executor gets them.
        """
        with contextlib.suppress(RuntimeError):  # the pool has been shut down
            self._chores.submit(_logged, chore)

    # -- presence -------------------------------------------------------------------------------------------

    def inlet(self, delivery: Delivery) -> None:
        """Take a presence message, on the connector's thread."""
        now = self._clock.now().timestamp()
        with self._lock:
            if self._takes_since is None:
                self._takes_since = now
            self._arrived.append((delivery, now))
            first = len(self._arrived) == 1
        if first:
            self.submit(self._take_in)

    def link_broke(self) -> None:
        """Forget what was declared: the broker may come back empty. What comes then has waited."""
        self._declared.clear()
        self._takes_since = None

    def close(self) -> None:
        """Finish the chore under way and drop the others."""
        self._closing.set()
        self._chores.shutdown(wait=True, cancel_futures=True)

    def _take_in(self) -> None:
        """Take in all presence messages that have arrived, with one transaction."""
        with self._lock:
            arrived, self._arrived = self._arrived, []
        deliveries = [delivery for delivery, _ in arrived]
        seen: dict[str, HostRecord] = {}
        broken: list[EvidenceRecord] = []
        answers: list[Answer] = []
        messages = [(read(delivery), at) for delivery, at in arrived]
        lag = _lag(messages)
        for message, at in messages:
            delivery, envelope = message.delivery, message.envelope
            if envelope is not None and isinstance(envelope.body, PresenceBody):
                record = self._merge(seen.get(envelope.host), envelope, envelope.body, at, lag)
                if record is not None:
                    seen[envelope.host] = record
                    answers += _answers(envelope, record, at, delivery.body)
            else:
                broken.append(self._evidence(delivery, message.fault))
        try:
            heard = self._let_in(list(seen.values()))
            self._declare([record for record in heard if record.admitted])
            saved = self._save(heard)
            if broken:
                self._store.commit(Changes(evidence=broken))
            if answers:
                self.on_answers(answers)
        except (BusUnavailableError, StoreUnavailableError) as error:
            log.warning("presence.put_back", extra={"count": len(deliveries), "reason": str(error)})
            self._closing.wait(AWAY)  # what goes back comes again at once
            self._connector.settle(deliveries, Verdict.RETURN)
            return
        for record in saved:
            self._hosts[record.identity] = replace(record, facts=None, operations=None)
            if record.operations is not None:
                self._declarations.stored(record.operations_digest)
        self._connector.settle(deliveries, Verdict.ACK)
        self._ask_for_operations(saved)

    def _ask_for_operations(self, records: Sequence[HostRecord]) -> None:
        """Ask hosts whose operations nobody has told yet; what is lost is asked again later."""
        now = self._clock.now().timestamp()
        parcels = [
            self._declarations.question(
                each.identity, each.collectives[0], each.operations_digest, self.token, now
            )
            for each in records
            if each.admitted and each.state != "down" and each.collectives
        ]
        asked = [parcel for parcel in parcels if parcel is not None]
        asked += self._rivals.questions(records, self.token, now)
        if asked:
            self._connector.publish(asked, _unconcerned)

    def _let_in(self, records: Sequence[HostRecord]) -> Sequence[HostRecord]:
        """Return those that are let in or may wait for it."""
        if self._door is None or not records:
            return records
        judged = self._door.judge(records, self._hosts)
        kept = {each.identity: each for each in judged}
        self._declared -= {
            each.identity
            for each in records
            if each.state == "up" or each.identity not in kept or not kept[each.identity].admitted
        }  # one that starts may have been out and in again without our knowing
        return judged

    def _save(self, records: Sequence[HostRecord]) -> Sequence[HostRecord]:
        """Store the hosts; return those that the database took, each by itself if it refuses one of them."""
        try:
            self._store.save_hosts(records)
        except StoreUnavailableError:
            raise
        except StoreError as error:
            if len(records) > 1:
                return [record for each in records for record in self._save([each])]
            log.error("host.not_saved", extra={"host": records[0].identity, "reason": str(error)})
            return []
        return records

    def _merge(
        self, earlier: HostRecord | None, envelope: Envelope, body: PresenceBody, now: float, lag: float
    ) -> HostRecord | None:
        """What is known of the host now; None for one that is not let in at all."""
        if envelope.simulated and not self._admit_simulated:
            log.warning("host.simulated_refused", extra={"host": envelope.host})
            return None
        told = self._declarations.news(envelope.host, body)
        known = earlier or self._hosts.get(envelope.host)
        said = HostRecord(
            identity=envelope.host,
            admitted=known.admitted if known is not None else True,
            state=body.state.value,
            simulated=envelope.simulated,
            collectives=body.collectives,
            version=body.version,
            wire_max=body.wire_max,
            journal=body.journal,
            daemon=body.daemon,
            executing=body.executing,
            interval=body.interval_ms / 1000,
            first_seen=known.first_seen if known is not None else now,
            last_seen=now,
            clock_difference=self._clock_difference(known, envelope.sent_at.timestamp(), now, lag),
            facts=body.facts or (earlier.facts if earlier is not None else None),
            facts_digest=body.facts_digest,
            operations=told if told is not None or earlier is None else earlier.operations,
            operations_digest=body.operations_digest,
        )
        self._warn_of_clock(known, said)
        return self._rivals.judged(known, said, envelope.sent_at.timestamp())

    def _clock_difference(self, known: HostRecord | None, sent_at: float, now: float, lag: float) -> float:
        """How far the host's clock is ahead, in seconds.

        One that waited while nobody took it says nothing about the clock: what was known goes on to hold.
        """
        began = self._takes_since
        if began is not None and 0 < now - sent_at <= KEPT_WAITING and sent_at < began:
            return known.clock_difference if known is not None else 0.0
        return sent_at - now + lag

    def _warn_of_clock(self, known: HostRecord | None, said: HostRecord) -> None:
        """Say that a clock goes wrong, when it begins to: each minute would be too often."""
        if not is_clock_off(said.clock_difference):
            return
        if known is None or not is_clock_off(known.clock_difference):
            told = {"host": said.identity, "seconds": round(said.clock_difference, 1)}
            log.warning("host.clock_off", extra=told)

    def _declare(self, records: Sequence[HostRecord]) -> None:
        new = {record.identity: set(record.collectives) for record in records}
        for identity in self._declared & new.keys():
            del new[identity]
        if not new:
            return
        try:
            self._connector.declare_hosts(new)
        except BusUnavailableError:
            raise
        except BusError as error:  # refused, not away: trying at once again would be refused again
            log.error("hosts.not_declared", extra={"count": len(new), "reason": str(error)})
        else:
            self._declared |= new.keys()

    def _declare_again(self, record: HostRecord) -> None:
        """Declare a host whose queues are gone, as soon as the broker is there: a request waits for it."""
        self._declared.discard(record.identity)
        while True:
            try:
                return self._declare([record])
            except BusUnavailableError:
                if self._closing.wait(AWAY):
                    raise

    def _evidence(self, delivery: Delivery, fault: str) -> EvidenceRecord:
        word, _, detail = (fault or "malformed: no presence message").partition(": ")
        now = self._clock.now().timestamp()
        return EvidenceRecord(now, word, "", None, None, delivery.body[:65536], detail[:500])


def _lag(messages: Sequence[tuple[Message, float]]) -> float:
    """Return how long messages of several hosts have waited for us, if all of them did: no clock is to blame.

    A clock can be behind, or the message late: what holds for all hosts at once is the queue.
    """
    late = {
        each.envelope.host: at - each.envelope.sent_at.timestamp() for each, at in messages if each.envelope
    }
    return max(0.0, min(late.values())) if len(late) > 1 else 0.0


def _answers(envelope: Envelope, record: HostRecord, at: float, body: bytes) -> Sequence[Answer]:
    """Return what the presence says to a discovery, if it is an answer."""
    if envelope.request is None:
        return ()
    return [Answer(envelope.request, envelope.host, record.collectives, at, body)]


def _unasked(_answers: Sequence[Answer]) -> None:
    """Nobody here asked anything yet."""


def _unconcerned(_parcel: Parcel, _receipt: Receipt) -> None:
    """A question that is lost is asked again."""


def _logged(chore: Callable[[], None]) -> None:
    """Run a chore; nobody waits for it, so that what it raises has to be told here."""
    try:
        chore()
    except BusError as error:
        log.warning("chore.failed", extra={"reason": str(error)})
    except Exception:
        log.exception("chore.broken")
