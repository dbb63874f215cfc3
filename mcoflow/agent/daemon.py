"""The agent daemon: puts the parts together, starts them in order, and ends them in order.

Source: the project's bus specification, 5.1 and 5.9.
"""

import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from random import Random
from typing import Final
from uuid import UUID

from mcoflow.agent.desk import Desk
from mcoflow.agent.entry import Entry, Host, Stop
from mcoflow.agent.execution import Catalogue, Execution
from mcoflow.agent.journal import Journal
from mcoflow.agent.journal_rows import State
from mcoflow.agent.ledger import Ledger
from mcoflow.agent.life import Life
from mcoflow.agent.loop import Loop
from mcoflow.agent.presence import FactsSource, Presences
from mcoflow.agent.reception import Reception
from mcoflow.agent.recovery import Recovery
from mcoflow.agent.reports import Reports
from mcoflow.agent.reserve import Reserve
from mcoflow.agent.settings import AgentSettings
from mcoflow.agent.spool import FileSpools, Spools
from mcoflow.agent.state_dir import StateDir
from mcoflow.agent.streams import Streams
from mcoflow.agent.watch import Watch
from mcoflow.clock import Clock
from mcoflow.errors import ConfigError
from mcoflow.ports.bus import AgentConnector, Delivery, Link, LinkReport

log = logging.getLogger(__name__)

QUIET: Final = 0.2
"""Seconds without a delivery after which the backlog counts as read, and work begins."""
QUIET_AT_MOST: Final = 5.0
LAST_WORDS: Final = timedelta(seconds=5)
"""How long the end waits for killed workers, and again for the broker to take the last results."""
NOT_ADMITTED: Final = "not admitted"
"""How a connector's report begins when the queues of a host do not exist yet."""
KNOCK_FIRST: Final = 1.0
KNOCK_LAST: Final = 30.0
_PURGE_EVERY: Final = 600.0
_PURGE_SLICE: Final = 1.0
_PURGE_MOST: Final = 1_000


class AgentDaemon:
    """One daemon, for one host or for many simulated ones. `start` once, `stop` once or twice, `wait`."""

    def __init__(
        self,
        settings: AgentSettings,
        connector: AgentConnector,
        catalogue: Catalogue,
        execution: Execution,
        facts: Mapping[str, FactsSource],
        *,
        clock: Clock,
        chance: Random,
        hosts: Sequence[Host] = (),
        ledger: Ledger | None = None,
        spools: Spools | None = None,
    ) -> None:
        """Take the parts; `facts` by host. Without `hosts` it is the one of the settings.

        Without `spools` what is printed is kept in files of the state directory.
        """
        self._own_spools = spools
        self._ledger = ledger
        self._settings = settings
        self._connector = connector
        self._catalogue = catalogue
        self._execution = execution
        self._facts = facts
        self._clock = clock
        self._chance = chance
        self._hosts = {host.identity: host for host in hosts or [_real_host(settings)]}
        self._state_dir = StateDir(settings.state_dir)
        self._loop = Loop(clock, self._turn, self._close)
        self._up_at: float | None = None
        self._knocking: object | None = None
        self._draining = False

    # -- from any thread -------------------------------------------------------------------------------

    def start(self) -> None:
        """Open the journal, take up what was under way, connect; returns before the link is up.

        Raises ConfigError when the state directory cannot be used, or another daemon uses it.
        """
        self._state_dir.take()
        journal = self._open_journal()
        self._desk = Desk(self._loop, self._connector, journal, Reserve(self._state_dir.reserve), self._clock)
        if self._ledger is not None:
            self._ledger.open(journal)
        reports = Reports(self._clock, self._new_id, journal.generation)
        self._spools = self._own_spools or FileSpools(self._state_dir.output, journal.generation)
        streams = Streams(self._desk, reports, self._execution, self._spools)
        self._life = Life(self._desk, reports, self._execution, streams, self._settings)
        self._watch = Watch(self._desk, self._life)
        self._presences = Presences(
            desk=self._desk,
            reports=reports,
            settings=self._settings,
            catalogue=self._catalogue,
            hosts=self._hosts,
            facts=self._facts,
            chance=self._chance,
            daemon=self._new_id(),
        )
        self._reception = Reception(self._desk, self._life, reports, self._catalogue, self._presences)
        Recovery(
            desk=self._desk,
            life=self._life,
            reports=reports,
            catalogue=self._catalogue,
            execution=self._execution,
            hosts=self._hosts,
        ).run()
        self._loop.later(0, self._purge)
        self._connector.open(partial(self._loop.post, self._linked))
        self._loop.start()  # not before: it publishes at once what was under way
        for host in self._hosts.values():
            self._connector.attend(host.identity, partial(self._arrived, host))

    def _open_journal(self) -> Journal:
        try:
            return Journal.open(self._state_dir.journal, self._new_id)
        except sqlite3.Error as error:
            self._state_dir.release()
            raise ConfigError(f"the journal {self._state_dir.journal} cannot be opened: {error}") from error

    def stop(self, drain: timedelta | None = None) -> None:
        """Begin to end: take nothing more, give running work `drain`; called again it ends at once."""
        self._loop.post(self._drain, self._settings.drain if drain is None else drain)

    def wait(self, wait: timedelta | None = None) -> bool:
        """Wait until the daemon has ended; True if it has. What ended it unexpectedly is raised."""
        ended = self._loop.wait(None if wait is None else wait.total_seconds())
        if self._loop.error is not None:
            raise self._loop.error
        return ended

    def reload(self) -> None:
        """Read the policy and the facts again, and tell what changed."""
        self._loop.post(self._catalogue.reload)
        self._loop.post(self._presences.reread)

    @property
    def hosts(self) -> Sequence[str]:
        """The identities it speaks for."""
        return list(self._hosts)

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Have it called after `seconds`; only from what the daemon itself calls."""
        self._loop.later(seconds, call)

    def _arrived(self, host: Host, delivery: Delivery) -> None:
        self._loop.post(self._reception.arrive, host, delivery)

    # -- on the loop's thread --------------------------------------------------------------------------

    def _turn(self) -> None:
        self._reception.deal_with_arrivals()
        self._life.begin_what_may()
        self._desk.close_turn()
        self._watch.arm()

    def _new_id(self) -> UUID:
        return UUID(int=self._chance.getrandbits(128), version=4)

    def _purge(self) -> None:
        before = self._clock.now() - self._settings.retention
        try:
            gone = self._desk.journal.old(before.timestamp(), _PURGE_MOST)
            self._spools.forget(gone)
            self._desk.journal.purge(gone)
        except (sqlite3.OperationalError, OSError) as error:  # a full disk: the next time will do
            log.error("journal.not_purged", extra={"why": str(error)})
            gone = ()
        self._loop.later(_PURGE_SLICE if gone else _PURGE_EVERY, self._purge)

    # -- the link --------------------------------------------------------------------------------------

    def _linked(self, report: LinkReport) -> None:
        outside = report.link is Link.DOWN and report.why.startswith(NOT_ADMITTED)
        self._log_link(report, outside=outside)
        if report.link is Link.UP or (outside and self._up_at is None):
            self._life.holding = True
            self._up_at = self._clock.monotonic()
            self._desk.outgoing.resend()
            self._loop.later(QUIET, self._when_quiet, self._up_at)
        elif report.link is not Link.BLOCKED and not outside:
            self._life.holding = True
            self._up_at = None
        if outside and self._knocking is None:
            self._knock(KNOCK_FIRST)
        elif not outside:
            self._knocking = None

    def _log_link(self, report: LinkReport, *, outside: bool) -> None:
        """Log it: a lost link as a warning, not yet being admitted once and not for each host."""
        extra = {"link": report.link.value, "why": report.why}
        if outside:
            log.log(logging.DEBUG if self._knocking else logging.INFO, "link.not_admitted", extra=extra)
            return
        lost = report.link in (Link.DOWN, Link.BLOCKED)
        log.log(logging.WARNING if lost else logging.INFO, "link.changed", extra=extra)

    def _knock(self, wait: float, knocking: object = None) -> None:
        """Say that the hosts are there until the server has let all of them in."""
        if knocking is not self._knocking or self._draining:
            return
        self._knocking = object()
        self._presences.up()
        self._loop.later(wait, self._knock, min(2 * wait, KNOCK_LAST), self._knocking)

    def _when_quiet(self, up_at: float) -> None:
        """Begin work once the backlog is read: a cancel in it has to win."""
        if up_at != self._up_at or self._draining:
            return
        now = self._clock.monotonic()
        if now - self._reception.last_arrival < QUIET and now - up_at < QUIET_AT_MOST:
            self._loop.later(QUIET, self._when_quiet, up_at)
            return
        self._presences.up()
        self._life.holding = False
        for host in self._hosts.values():
            self._life.look_at(host)

    # -- the end ---------------------------------------------------------------------------------------

    def _drain(self, drain: timedelta) -> None:
        if self._draining:
            self._loop.end()
            return
        self._draining = True
        self._life.holding = True
        self._reception.closed = True
        self._presences.down()
        self._drain_on(self._clock.monotonic() + drain.total_seconds())

    def _drain_on(self, until: float) -> None:
        """Wait for what runs; when its time is over kill what may be interrupted, leave the rest."""
        running = self._running()
        now = self._clock.monotonic()
        if running and now < until:
            self._loop.later(min(0.1, until - now), self._drain_on, until)
            return
        for entry in running:
            if entry.operation.interruptible and entry.running is not None:
                entry.stop = Stop.DRAIN
                self._life.kill(entry)
        self._last_words(now + LAST_WORDS.total_seconds())

    def _last_words(self, until: float) -> None:
        killed = any(entry.stop is Stop.DRAIN for entry in self._running())
        linked = self._up_at is not None
        if (killed or (linked and not self._desk.outgoing.idle)) and self._clock.monotonic() < until:
            self._loop.later(0.02, self._last_words, until)
        else:
            self._loop.end()

    def _running(self) -> list[Entry]:
        return [entry for entry in self._desk.entries.values() if entry.state is State.EXECUTING]

    def _close(self) -> None:
        """Close everything; runs last on the loop's thread, also when the loop broke."""
        self._connector.close(wait=LAST_WORDS if self._loop.error is None else timedelta(0))
        self._execution.close()
        self._desk.journal.close()
        self._state_dir.release()


def _real_host(settings: AgentSettings) -> Host:
    return Host(
        identity=settings.identity,
        collectives=settings.collectives,
        parallel=settings.parallel,
        max_waiting=settings.max_waiting,
    )
