"""Asking who is there, for one executor: discoveries are claimed, broadcast, gathered and ended."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from mcoflow.clock import Clock
from mcoflow.domain.discovery import AnswerRecord, DiscoveryRecord, MetHost
from mcoflow.domain.presence import Presence
from mcoflow.domain.requests import EvidenceRecord
from mcoflow.domain.target_json import target_of
from mcoflow.engine.gathering import Gathering
from mcoflow.engine.post import Post
from mcoflow.engine.targets import HostFinder
from mcoflow.errors import BusError, MessageTooLargeError, StoreUnavailableError, TargetError
from mcoflow.faults import faultpoint
from mcoflow.ports.bus import ExecutorConnector, HostRequests, Link, LinkReport, Parcel, Receipt
from mcoflow.ports.store import Changes, Store

log = logging.getLogger("mcoflow.discovery")
POLL: Final = 0.25
"""Seconds between two looks for what somebody wants to know."""
TAKEN_UP_WITHIN: Final = 60.0
LINKED_WITHIN: Final = 5.0
"""Seconds: of the age of a discovery that is still wanted; that a discovery waits for the broker."""
CENSUS: Final = 200
"""Silent hosts whose queues are looked at: is anybody there to take a question?"""


@dataclass(frozen=True, slots=True)
class Answer:
    """The presence of a host that was asked, received at a Unix time. `body` is the message."""

    discovery_id: UUID
    identity: str
    collectives: Collection[str]
    at: float
    body: bytes


class Discoverer:
    """Asks on one thread, which `look`s; answers come from the fleet's thread. `look` needs no thread.

    What its executor leaves behind is asked again by another: the first answers stand.
    """

    def __init__(
        self,
        store: Store,
        connector: ExecutorConnector,
        clock: Clock,
        *,
        world_id: UUID,
        token: str,
        on_changed: Callable[[Collection[UUID]], None],
    ) -> None:
        """Take under which token answers come, and whom to tell of discoveries that moved."""
        self._store = store
        self._connector = connector
        self._clock = clock
        self._finder = HostFinder(store, clock)
        self._world_id = world_id
        self._token = token
        self._on_changed = on_changed
        self._link = LinkReport(Link.CONNECTING)
        self._post = Post(connector, self._receipt)
        self._open: dict[UUID, Gathering] = {}
        self._again: list[Parcel] = []
        self._lock = threading.Lock()
        self._bell = threading.Event()
        self._rung = True
        self._stopping = False
        self._thread = threading.Thread(target=self._loop, name="discoveries", daemon=True)

    # -- life ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Ask nobody any more; what is under way is left to other executors."""
        self._stopping = True
        self._bell.set()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()

    def ring(self) -> None:
        """Look into the database now."""
        self._rung = True
        self._bell.set()

    def link_changed(self, report: LinkReport) -> None:
        """Hear of the link to the bus."""
        self._link = report
        self._bell.set()

    def next_end(self) -> float | None:
        """When the first discovery under way ends if nobody answers, on the monotonic scale."""
        with self._lock:
            return min((each.ends_at() for each in self._open.values() if each.begun), default=None)

    def _loop(self) -> None:
        next_poll = 0.0
        while not self._stopping:
            now = self._clock.monotonic()
            if now >= next_poll:
                self._rung, next_poll = True, now + POLL
            try:
                self.look()
            except (StoreUnavailableError, BusError) as error:
                log.warning("discovery.waits", extra={"reason": str(error)})
                self._bell.wait(POLL)
            except Exception:  # a thread that dies would never ask anybody again
                log.exception("discovery.failed")
                self._bell.wait(POLL)
            ends = [end for end in (next_poll, self.next_end()) if end is not None]
            self._bell.wait(max(0.0, min(ends) - self._clock.monotonic()))
            self._bell.clear()

    # -- answers, on the fleet's thread ---------------------------------------------------------------------

    def answered(self, answers: Sequence[Answer]) -> None:
        """Take answers; what was not saved may be given again. StoreUnavailableError."""
        with self._lock:
            gatherings = dict(self._open)
        wanted: dict[tuple[UUID, str], AnswerRecord] = {}
        foreign: dict[UUID, dict[str, Answer]] = {}
        for each in answers:
            gathering = gatherings.get(each.discovery_id)
            if gathering is None or each.identity in gathering.answered:
                continue
            if gathering.means(each.identity, each.collectives):
                record = AnswerRecord(each.discovery_id, each.identity, each.at)
                wanted.setdefault((each.discovery_id, each.identity), record)
            else:
                noted = foreign.setdefault(each.discovery_id, {})
                if gathering.is_news(each.identity, len(noted)):
                    noted.setdefault(each.identity, each)
        if wanted:
            self._store.save_answers(list(wanted.values()))
        evidence = [_evidence(each) for noted in foreign.values() for each in noted.values()]
        if evidence:
            self._store.commit(Changes(evidence=evidence))
        self._note(gatherings, wanted.keys(), foreign)

    def _note(
        self,
        gatherings: dict[UUID, Gathering],
        wanted: Collection[tuple[UUID, str]],
        foreign: Mapping[UUID, Collection[str]],
    ) -> None:
        now = self._clock.monotonic()
        with self._lock:
            for discovery_id, identity in wanted:
                gatherings[discovery_id].heard(identity, now)
            for discovery_id, strangers in foreign.items():
                gathering = gatherings[discovery_id]
                if strangers and not gathering.strangers:
                    log.warning("discovery.foreign", extra={"host": next(iter(strangers))})
                gathering.strangers.update(strangers)
        if wanted:
            self._on_changed({discovery_id for discovery_id, _ in wanted})
            self._bell.set()

    # -- asking -------------------------------------------------------------------------------------------

    def look(self) -> bool:
        """Take up what waits, ask, and end what is over; return whether there was anything.

        Raises:
            StoreUnavailableError, BusError: not all of it was done.
        """
        found = False
        if self._rung:
            self._rung = False
            found = self._claim()
        with self._lock:
            gatherings = list(self._open.values())
        for each in gatherings:
            found = self._go_on(each) or found
        found = self._send_again() or found
        self._post.pump()
        return found

    def _send_again(self) -> bool:
        """Send what may not have arrived, because the link broke; who answers twice is counted once."""
        with self._lock:
            parcels, self._again = self._again, []
            lost = [each for each in parcels if each.request_id in self._open]
            for parcel in lost:
                assert parcel.request_id is not None
                self._open[parcel.request_id].quiet_since = self._clock.monotonic()
        self._post.send(lost)
        return bool(lost)

    def _claim(self) -> bool:
        claimed = False
        for discovery_id in self._store.waiting_discoveries():
            record = self._store.claim_discovery(discovery_id, self._world_id)
            if record is not None:
                faultpoint("discovery.claimed")
                self._take_up(record)
                claimed = True
        return claimed

    def _take_up(self, record: DiscoveryRecord) -> None:
        age = self._clock.now().timestamp() - record.asked_at
        if age > TAKEN_UP_WITHIN:
            self._fail(record.id, f"no executor was there to ask anybody for {age:.0f} s: ask again")
            return
        try:
            target = target_of(record.filter)
        except TargetError as error:  # a later release may have stored what this one does not know
            self._fail(record.id, str(error))
            return
        with self._lock:
            self._open[record.id] = Gathering(record, target, self._clock.monotonic() + LINKED_WITHIN)

    def _go_on(self, gathering: Gathering) -> bool:
        if gathering.begun:
            return self._end_if_over(gathering)
        if self._link.link is Link.UP:
            self._begin(gathering)
            return True
        if self._clock.monotonic() < gathering.give_up_at:
            return False
        why = f" ({self._link.why})" if self._link.why else ""
        self._fail(gathering.id, f"the broker cannot be reached{why}: nobody was asked")
        return True

    def _begin(self, gathering: Gathering) -> None:
        """Note whom to expect, then ask: an answer never comes before."""
        matching = self._finder.matching(gathering.target)
        stored = [MetHost(host.identity, True, _is_offline(presence)) for host, presence in matching]
        expected = gathering.expected(stored)
        everybody = [each.host.collectives for each in self._store.candidates(facts=False)]
        self._store.expect_hosts(gathering.id, expected)
        now = self._clock.now().timestamp()
        try:
            parcels = gathering.parcels(self._token, everybody, len(expected), now)
        except (MessageTooLargeError, TargetError) as error:
            self._fail(gathering.id, str(error))
            return
        if not self._store.begin_discovery(gathering.id, self._world_id, now):
            self._forget(gathering.id)  # another executor has it
            return
        with self._lock:
            gathering.begin(expected, self._clock.monotonic())
        self._post.send(parcels)
        faultpoint("discovery.asked")

    def _end_if_over(self, gathering: Gathering) -> bool:
        with self._lock:
            over = self._clock.monotonic() >= gathering.ends_at()
            silent = sorted(gathering.pending)
        if not over:
            return False
        gone, there = self._looked_at(silent) if len(silent) <= CENSUS else ((), ())
        self._end(gathering.id, foreign=gathering.foreign, offline=gone, connected=there)
        return True

    def _looked_at(self, silent: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
        """Return those of the silent whose agents are not connected, and those whose are."""
        consumers: dict[str, int] = {}
        for name in silent:
            try:
                census = self._connector.census(HostRequests(name))
            except BusError:
                break  # what was known of the others before stands
            consumers[name] = census.consumers if census is not None else 0
        gone = [name for name, count in consumers.items() if not count]
        return gone, [name for name, count in consumers.items() if count]

    def _fail(self, discovery_id: UUID, problem: str) -> None:
        log.warning("discovery.ended", extra={"discovery": str(discovery_id), "reason": problem})
        self._end(discovery_id, problem=problem)

    def _end(
        self,
        discovery_id: UUID,
        *,
        problem: str = "",
        foreign: int = 0,
        offline: Collection[str] = (),
        connected: Collection[str] = (),
    ) -> None:
        self._store.end_discovery(
            discovery_id,
            self._world_id,
            self._clock.now().timestamp(),
            problem=problem,
            foreign=foreign,
            offline=offline,
            connected=connected,
        )
        self._forget(discovery_id)
        self._on_changed([discovery_id])

    def _forget(self, discovery_id: UUID) -> None:
        with self._lock:
            self._open.pop(discovery_id, None)

    def _receipt(self, parcel: Parcel, receipt: Receipt) -> None:
        """Make room for what could not be published yet; on the connector's thread."""
        if receipt == "unknown":
            with self._lock:
                self._again.append(parcel)
        if receipt == "unknown" or len(self._post):
            self._bell.set()


def _is_offline(presence: Presence) -> bool:
    """Whether no answer is to be expected, by what was heard of late."""
    return presence is not Presence.ONLINE


def _evidence(answer: Answer) -> EvidenceRecord:
    detail = f"discovery {answer.discovery_id} did not ask this host"
    return EvidenceRecord(answer.at, "foreign", answer.identity, None, None, answer.body[:65536], detail)
